"""Listeners: sockets, listener filters and filter chains."""

from __future__ import annotations

from typing import Any

from mosn.config.findings import nearest
from mosn.config.lower.access_logs import lower_access_logs
from mosn.config.lower.addresses import lower_address
from mosn.config.lower.chains import lower_chains
from mosn.config.lower.context import Context, wrapped
from mosn.config.lower.rpc import detectable_protocols
from mosn.config.lower.runtime import runtime_integer
from mosn.config.rules import unpack
from mosn.model import Listener

BUFFER_LIMIT = 1024 * 1024
SYSTEM_BACKLOG = 65_535
"""The kernel cuts a backlog to net.core.somaxconn, which is Envoy's default."""
_FILTERS = ("envoy.extensions.filters.listener.", "mosn.protocol.v1.")


def lower_listener(ctx: Context, listener: Any, path: str) -> list[Listener]:
    """One listener per address: additional addresses repeat it under the names NAME#2, NAME#3 ..."""
    address = lower_address(ctx, listener.address, f"{path}.address")
    if not address:
        _require_address(ctx, listener, path)
    stat_name = listener.stat_prefix or stat_address(address)
    chains, default = lower_chains(ctx, listener, path, stat_name)
    if not chains and default is None:
        _require_chains(ctx, listener, path)
    name = listener.name or address
    scope = ctx.registry.scope("listener", stat_name)
    filters = _listener_filters(listener, path)
    proxy_protocol = filters.get("ProxyProtocol")
    first: Listener = {
        "name": name,
        "address": address,
        "bind_to_port": _bind_to_port(listener),
        "ipv4_compat": listener.address.socket_address.ipv4_compat,
        "freebind": wrapped(listener, "freebind", False),
        "transparent": wrapped(listener, "transparent", False),
        "backlog": wrapped(listener, "tcp_backlog_size", SYSTEM_BACKLOG),
        "mode": listener.address.pipe.mode,
        "use_original_dst": wrapped(listener, "use_original_dst", False),
        "original_dst_filter": "OriginalDst" in filters,
        "proxy_protocol": proxy_protocol is not None,
        "proxy_protocol_optional": bool(proxy_protocol and proxy_protocol[0].allow_requests_without_proxy_protocol),
        "tls_inspector": "TlsInspector" in filters,
        "http_inspector": "HttpInspector" in filters,
        "protocol_inspector": _protocols(ctx, *filters["ProtocolInspector"]) if "ProtocolInspector" in filters else [],
        "http_inspector_stats": _inspector_stats(ctx, filters, "HttpInspector", "http_inspector"),
        "tls_inspector_stats": _inspector_stats(ctx, filters, "TlsInspector", "tls_inspector"),
        "protocol_inspector_stats": _inspector_stats(ctx, filters, "ProtocolInspector", "protocol_inspector"),
        "listener_filters_timeout_ms": ctx.milliseconds(listener, "listener_filters_timeout", 15_000, path),
        "continue_on_listener_filters_timeout": listener.continue_on_listener_filters_timeout,
        "per_connection_buffer_limit_bytes": wrapped(listener, "per_connection_buffer_limit_bytes", BUFFER_LIMIT),
        "max_connections": _max_connections(ctx, name),
        "limit_row": ctx.registry.limit_row(f"listener.{name}"),
        "filter_chains": chains,
        "default_filter_chain": default,
        "access_logs": lower_access_logs(ctx, listener.access_log, f"{path}.access_log"),
        "stats": scope["counters"],
        "gauges": scope["gauges"],
        "histogram": scope["histograms"],
    }
    return [first, *_additional(ctx, listener, path, first)]


def stat_address(address: str) -> str:
    """The address as statistics spell it: "127.0.0.1_80"."""
    return address.removeprefix("unix:").replace(":", "_")


def _additional(ctx: Context, listener: Any, path: str, first: Listener) -> list[Listener]:
    more = []
    for index, extra in enumerate(listener.additional_addresses):
        address = lower_address(ctx, extra.address, f"{path}.additional_addresses[{index}].address")
        copy = Listener(**first)
        copy["name"], copy["address"] = f"{first['name']}#{index + 2}", address
        copy["ipv4_compat"] = extra.address.socket_address.ipv4_compat
        copy["mode"] = extra.address.pipe.mode
        more.append(copy)
    return more


def _require_address(ctx: Context, listener: Any, path: str) -> None:
    if ctx.findings.failed(f"{path}.address"):
        return
    if listener.WhichOneof("listener_specifier") is None and not listener.HasField("api_listener"):
        ctx.report("MC0108", f"{path}.address", "is required")


def _require_chains(ctx: Context, listener: Any, path: str) -> None:
    inside = (f"{path}.{field}" for field in ("filter_chains", "default_filter_chain", "api_listener"))
    if not any(ctx.findings.failed(where) for where in inside):
        ctx.report("MC0314", path, "the listener has no filter chain")


def _bind_to_port(listener: Any) -> bool:
    if listener.HasField("bind_to_port"):
        return bool(listener.bind_to_port.value)
    return bool(wrapped(listener.deprecated_v1, "bind_to_port", True))


def _max_connections(ctx: Context, name: str) -> int:
    return runtime_integer(ctx.runtime, f"envoy.resource_limits.listener.{name}.connection_limit", 0)


def _listener_filters(listener: Any, path: str) -> dict[str, tuple[Any, str]]:
    """Configurations and their paths by message name.  The engine runs them in a fixed order: only presence counts."""
    found: dict[str, tuple[Any, str]] = {}
    for index, item in enumerate(listener.listener_filters):
        config: Any = unpack(item.typed_config)
        if config is not None and config.DESCRIPTOR.full_name.startswith(_FILTERS):
            found[config.DESCRIPTOR.name] = config, f"{path}.listener_filters[{index}].typed_config"
    return found


def _protocols(ctx: Context, config: Any, path: str) -> list[str]:
    known = detectable_protocols()
    for index, name in enumerate(config.protocols):
        if name not in known:
            text = f'the protocol "{name}" cannot be told by its first bytes; known are {", ".join(known)}'
            ctx.report("MC0204", f"{path}.protocols[{index}]", text, suggestion=nearest(name, known))
    return list(dict.fromkeys(config.protocols)) or list(known)


def _inspector_stats(ctx: Context, filters: dict[str, Any], message: str, scope: str) -> int:
    return ctx.registry.scope(scope, "")["counters"] if message in filters else 0
