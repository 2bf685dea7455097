"""The proxy of RPC protocols."""

from __future__ import annotations

from functools import cache
from typing import Any, Literal

from mosn.config.declaration import provided
from mosn.config.findings import nearest
from mosn.config.lower.access_logs import lower_access_logs
from mosn.config.lower.context import Context, wrapped
from mosn.config.lower.declarations import lower_declaration
from mosn.config.lower.http import add_route_table, pick
from mosn.config.lower.routes import lower_route_table
from mosn.config.lower.rpc_reads import rpc_reads
from mosn.model import RpcManager

_MAX_FRAME = 16 * 1024 * 1024
_MOST_CONNECTIONS = 16
_MODES: tuple[Literal["shared", "per_client"], ...] = ("shared", "per_client")


@cache
def rpc_protocols() -> tuple[str, ...]:
    """Names of the protocols that need no declaration in the configuration; where the extensions are not built, of
    those only that are described."""
    try:
        from mosn._fastpath.codec.frames import protocols
    except ImportError:
        return provided()
    return (*protocols(), *provided())


@cache
def detectable_protocols() -> tuple[str, ...]:
    """Those of them that can be told by their first bytes, in the order in which they are asked."""
    try:
        from mosn._fastpath.codec.frames import detectable
    except ImportError:
        return ()
    return tuple(detectable())


def lower_rpc(ctx: Context, config: Any, path: str) -> RpcManager:
    return rpc_manager(ctx, config, path, _route_table(ctx, config, path))


def rpc_manager(ctx: Context, config: Any, path: str, table: str) -> RpcManager:
    """`config` is an RpcProxy whose routes are the table of this name."""
    declaration = lower_declaration(ctx, config, path)
    if not config.HasField("declaration") and config.protocol not in rpc_protocols():
        text = f'there is no protocol "{config.protocol}"'
        ctx.report("MC0204", f"{path}.protocol", text, suggestion=nearest(config.protocol, rpc_protocols()))
    scope = ctx.registry.scope("rpc", config.stat_prefix)
    heartbeat, heartbeat_path = config.upstream_heartbeat, f"{path}.upstream_heartbeat"
    logs = lower_access_logs(ctx, config.access_log, f"{path}.access_log")
    reads = rpc_reads(ctx.route_tables.get(table), logs)
    connections = wrapped(config, "upstream_connections", 1)
    if not 1 <= connections <= _MOST_CONNECTIONS:
        ctx.report("MC0109", f"{path}.upstream_connections", f"must be 1 to {_MOST_CONNECTIONS}")
    return {
        "protocol": config.protocol,
        "declaration": declaration,
        "stat_prefix": config.stat_prefix,
        "route_table": table,
        "max_frame_bytes": wrapped(config, "max_frame_bytes", _MAX_FRAME),
        "max_headers_count": wrapped(config, "max_headers_count", 256),
        "max_concurrent_requests": wrapped(config, "max_concurrent_requests", 4096),
        "upstream_connections": connections,
        "upstream_connection_mode": pick(_MODES, config.upstream_connection_mode),
        "reads_path": reads.path,
        "reads_headers": reads.headers,
        "idle_timeout_ms": ctx.milliseconds(config, "idle_timeout", 90_000, path),
        "max_stream_duration_ms": ctx.milliseconds(config, "max_stream_duration", 0, path),
        "heartbeat_interval_ms": ctx.milliseconds(heartbeat, "interval", 15_000, heartbeat_path),
        "heartbeat_timeout_ms": ctx.milliseconds(heartbeat, "timeout", 5_000, heartbeat_path),
        "heartbeat_failures": wrapped(heartbeat, "failures", 3),
        "access_logs": logs,
        "stats": scope["counters"],
        "gauges": scope["gauges"],
        "histogram": scope["histograms"],
    }


def _route_table(ctx: Context, config: Any, path: str) -> str:
    if not config.HasField("route_config"):
        ctx.report("MC0108", f"{path}.route_config", "is required")
        return ""
    table = lower_route_table(ctx, config.route_config, f"{path}.route_config", static=True)
    for host in table["virtual_hosts"]:
        if any(route["action"] and route["action"]["bridge"] for route in host["routes"]):
            ctx.report("MC0315", f"{path}.route_config", "a bridge is for routes of HTTP listeners")
    return add_route_table(ctx, table, table["name"] or config.stat_prefix)
