"""The HTTP connection manager."""

from __future__ import annotations

from typing import Any, Literal

from mosn.config.lower.access_logs import lower_access_logs
from mosn.config.lower.context import Context, wrapped
from mosn.config.lower.fault import is_fault, lower_fault
from mosn.config.lower.http2 import lower_http2
from mosn.config.lower.routes import lower_route_table
from mosn.config.rules import unpack
from mosn.config.supported import EXTENSIONS
from mosn.model import Fault, HttpManager, RouteTable, Upgrade

_ROUTER = "envoy.extensions.filters.http.router.v3.Router"
_HTTP_FILTERS = EXTENSIONS["envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter.typed_config"]
_CODECS: tuple[Literal["auto", "http1", "http2"], ...] = ("auto", "http1", "http2")
_SERVER_HEADERS: tuple[Literal["overwrite", "append_if_absent", "pass_through"], ...] = (
    "overwrite", "append_if_absent", "pass_through",
)  # fmt: skip
_SLASHES: tuple[Literal["keep", "reject", "unescape_redirect", "unescape_forward"], ...] = (
    "keep", "keep", "reject", "unescape_redirect", "unescape_forward",
)  # fmt: skip
_UNDERSCORES: tuple[Literal["allow", "reject", "drop"], ...] = ("allow", "reject", "drop")
HOUR_MS = 3_600_000


def pick(words: tuple[Any, ...], index: int) -> Any:
    """The word of an enumeration's number; the first for a number that was reported already."""
    return words[index] if 0 <= index < len(words) else words[0]


def lower_http(ctx: Context, config: Any, path: str) -> HttpManager:
    router = _router(ctx, config, path)
    common = config.common_http_protocol_options
    common_path = f"{path}.common_http_protocol_options"
    http1 = config.http_protocol_options
    scope = ctx.registry.scope("http", config.stat_prefix)
    return {
        "stat_prefix": config.stat_prefix,
        "codec": _codec(ctx, config, path),
        "route_table": _route_table(ctx, config, path),
        "server_name": config.server_name or "envoy",
        "server_header": pick(_SERVER_HEADERS, config.server_header_transformation),
        "via": config.via,
        "add_user_agent": wrapped(config, "add_user_agent", False),
        "use_remote_address": wrapped(config, "use_remote_address", False),
        "xff_num_trusted_hops": config.xff_num_trusted_hops,
        "skip_xff_append": config.skip_xff_append,
        "append_x_forwarded_port": config.append_x_forwarded_port,
        "generate_request_id": wrapped(config, "generate_request_id", True),
        "preserve_external_request_id": config.preserve_external_request_id,
        "always_set_request_id_in_response": config.always_set_request_id_in_response,
        "normalize_path": wrapped(config, "normalize_path", False),
        "merge_slashes": config.merge_slashes,
        "path_with_escaped_slashes": pick(_SLASHES, config.path_with_escaped_slashes_action),
        "strip_port": _strip_port(ctx, config, path),
        "strip_trailing_host_dot": config.strip_trailing_host_dot,
        "accept_http_10": http1.accept_http_10,
        "default_host_for_http_10": http1.default_host_for_http_10,
        "header_casing": header_casing(http1),
        "headers_with_underscores": pick(_UNDERSCORES, common.headers_with_underscores_action),
        "max_request_headers_bytes": 1024 * wrapped(config, "max_request_headers_kb", 60),
        "max_headers_count": wrapped(common, "max_headers_count", 100),
        "max_requests_per_connection": wrapped(common, "max_requests_per_connection", 0),
        "idle_timeout_ms": ctx.milliseconds(common, "idle_timeout", HOUR_MS, common_path),
        "max_connection_duration_ms": ctx.milliseconds(common, "max_connection_duration", 0, common_path),
        "stream_idle_timeout_ms": ctx.milliseconds(config, "stream_idle_timeout", 300_000, path),
        "request_timeout_ms": ctx.milliseconds(config, "request_timeout", 0, path),
        "request_headers_timeout_ms": ctx.milliseconds(config, "request_headers_timeout", 0, path),
        "max_stream_duration_ms": ctx.milliseconds(common, "max_stream_duration", 0, common_path),
        "delayed_close_timeout_ms": ctx.milliseconds(config, "delayed_close_timeout", 1000, path),
        "drain_timeout_ms": ctx.milliseconds(config, "drain_timeout", 5000, path),
        "http2": lower_http2(config.http2_protocol_options),
        "upgrades": _upgrades(ctx, config, path),
        "proxy_100_continue": config.proxy_100_continue,
        "suppress_envoy_headers": bool(router and router.suppress_envoy_headers),
        "respect_expected_rq_timeout": bool(router and router.respect_expected_rq_timeout),
        "start_child_span": bool(router and router.start_child_span),
        "access_logs": lower_access_logs(ctx, config.access_log, f"{path}.access_log"),
        "stats": scope["counters"],
        "gauges": scope["gauges"],
        "histogram": scope["histograms"],
    }


def header_casing(http1: Any) -> Literal["lower", "proper"]:
    proper = http1.header_key_format.WhichOneof("header_format") == "proper_case_words"
    return "proper" if proper else "lower"


def _codec(ctx: Context, config: Any, path: str) -> Literal["auto", "http1", "http2"]:
    if config.codec_type > 2:
        ctx.report("MC0204", f"{path}.codec_type", "HTTP/3 is not implemented")
    codec: Literal["auto", "http1", "http2"] = pick(_CODECS, config.codec_type)
    return codec


def _strip_port(ctx: Context, config: Any, path: str) -> Literal["none", "matching", "any"]:
    if config.strip_any_host_port:
        if config.strip_matching_host_port:
            text = "cannot be set together with strip_any_host_port"
            ctx.report("MC0315", f"{path}.strip_matching_host_port", text)
        return "any"
    return "matching" if config.strip_matching_host_port else "none"


def _upgrades(ctx: Context, config: Any, path: str) -> list[Upgrade]:
    upgrades: dict[str, Upgrade] = {}
    for index, upgrade in enumerate(config.upgrade_configs):
        name = upgrade.upgrade_type.lower()
        if name in upgrades:
            where = f"{path}.upgrade_configs[{index}].upgrade_type"
            ctx.report("MC0315", where, f'"{upgrade.upgrade_type}" is configured twice')
        upgrades[name] = {"type": name, "enabled": wrapped(upgrade, "enabled", True), "connect": False}
    return list(upgrades.values())


def _route_table(ctx: Context, config: Any, path: str) -> str:
    """The table's name in the snapshot; tables that are equal are one."""
    if config.WhichOneof("route_specifier") != "route_config":
        return ""
    fault, takes_faults = _fault(ctx, config, path)
    table = lower_route_table(
        ctx, config.route_config, f"{path}.route_config", static=True, fault=fault, takes_faults=takes_faults
    )
    return add_route_table(ctx, table, table["name"] or config.stat_prefix)


def add_route_table(ctx: Context, table: RouteTable, wanted: str) -> str:
    name, number = wanted, 1
    while name in ctx.route_tables and ctx.route_tables[name] != table:
        number += 1
        name = f"{wanted}#{number}"
    ctx.route_tables[name] = table
    return name


def _router(ctx: Context, config: Any, path: str) -> Any:
    """The router's configuration; checks that it stands last.  Optional filters that are not available are skipped."""
    kept = []
    for index, item in enumerate(config.http_filters):
        where = f"{path}.http_filters[{index}]"
        filter_config = unpack(item.typed_config)
        if item.disabled or (item.is_optional and not _available(filter_config)):
            continue
        kept.append((where, filter_config))
    _check_order(ctx, kept, f"{path}.http_filters")
    return next((found for _, found in kept if _is_router(found)), None)


def _fault(ctx: Context, config: Any, path: str) -> tuple[Fault | None, bool]:
    """What the fault filter does by itself, and whether there is one."""
    for index, item in enumerate(config.http_filters):
        filter_config: Any = unpack(item.typed_config)
        if is_fault(filter_config) and not item.disabled:
            return lower_fault(ctx, filter_config, f"{path}.http_filters[{index}].typed_config"), True
    return None, False


def _available(config: Any) -> bool:
    return config is not None and config.DESCRIPTOR.full_name in _HTTP_FILTERS


def _is_router(config: Any) -> bool:
    return config is not None and config.DESCRIPTOR.full_name == _ROUTER


def _check_order(ctx: Context, filters: list[tuple[str, Any]], path: str) -> None:
    if ctx.findings.failed(path):
        return
    for where, config in filters[:-1]:
        if _is_router(config):
            ctx.report("MC0307", where, "the router must be the last HTTP filter")
    if not filters or not _is_router(filters[-1][1]):
        ctx.report("MC0307", path, "the last HTTP filter must be the router (envoy.filters.http.router)")
