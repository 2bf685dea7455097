"""Clusters: where requests go, over what, and how much at once."""

from __future__ import annotations

from typing import Any, Literal

from mosn.config.lower.addresses import lower_socket_address
from mosn.config.lower.balancing import lower_balancing, panic_threshold
from mosn.config.lower.context import Context, wrapped
from mosn.config.lower.endpoints import dns_target, endpoints_of, resolved_hosts, static_hosts
from mosn.config.lower.http import HOUR_MS, header_casing, pick
from mosn.config.lower.http2 import lower_http2
from mosn.config.lower.listeners import BUFFER_LIMIT
from mosn.config.rules import unpack
from mosn.model import CircuitBreaker, Cluster, Host

ClusterKind = Literal["static", "strict_dns", "logical_dns", "original_dst", "eds"]
_KINDS: tuple[ClusterKind, ...] = ("static", "strict_dns", "logical_dns", "eds", "original_dst")
_HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_PROXY_PROTOCOL = "envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport"
_RAW_BUFFER = "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer"
_PRIORITIES: tuple[Literal["default", "high"], ...] = ("default", "high")


def lower_cluster(ctx: Context, cluster: Any, path: str) -> Cluster:
    kind = cluster_kind(ctx, cluster, path)
    common, common_path, http1, http2 = _protocol_options(ctx, cluster, path)
    requests = wrapped(common, "max_requests_per_connection", wrapped(cluster, "max_requests_per_connection", 0))
    scope = ctx.registry.scope("cluster", stat_name(cluster))
    lb = lower_balancing(ctx, cluster, path, original_dst=kind == "original_dst")
    override = panic_threshold(ctx, lb)
    if 0 <= override <= 100:
        lb["healthy_panic_threshold"] = override
    return {
        "name": cluster.name,
        "stat_name": stat_name(cluster),
        "type": kind,
        "hosts": _hosts(ctx, cluster, kind, path),
        "lb": lb,
        "connect_timeout_ms": ctx.milliseconds(cluster, "connect_timeout", 5000, path),
        "circuit_breakers": _breakers(ctx, cluster),
        "idle_timeout_ms": ctx.milliseconds(common, "idle_timeout", HOUR_MS, common_path),
        "max_connection_duration_ms": ctx.milliseconds(common, "max_connection_duration", 0, common_path),
        "max_requests_per_connection": requests,
        "per_connection_buffer_limit_bytes": wrapped(cluster, "per_connection_buffer_limit_bytes", BUFFER_LIMIT),
        "protocol": "http1" if http2 is None else "http2",
        "http2": lower_http2(http2 if http2 is not None else cluster.http2_protocol_options),
        "proxy_protocol": _proxy_protocol(ctx, cluster, path),
        "bind_address": _bind_address(ctx, cluster, path),
        "tcp_keepalive": cluster.upstream_connection_options.HasField("tcp_keepalive"),
        "header_casing": header_casing(http1),
        "stats": scope["counters"],
        "gauges": scope["gauges"],
        "histogram": scope["histograms"],
    }


def stat_name(cluster: Any) -> str:
    return str(cluster.alt_stat_name or cluster.name).replace(":", "_")


def cluster_kind(ctx: Context, cluster: Any, path: str) -> ClusterKind:
    kind: ClusterKind = pick(_KINDS, cluster.type)
    if kind == "eds":
        ctx.report("MC0204", f"{path}.type", "endpoints from a management server are not implemented")
    return kind


def _protocol_options(ctx: Context, cluster: Any, path: str) -> tuple[Any, str, Any, Any]:
    """Common, HTTP/1 and HTTP/2 options (None: it speaks HTTP/1), from the extension or older fields."""
    for key in sorted(cluster.typed_extension_protocol_options):
        config: Any = unpack(cluster.typed_extension_protocol_options[key])
        if config is None or config.DESCRIPTOR.full_name != _HTTP_OPTIONS:
            continue
        where = f'{path}.typed_extension_protocol_options["{key}"]'
        explicit = config.explicit_http_config
        where += ".common_http_protocol_options"
        http2 = explicit.http2_protocol_options if explicit.HasField("http2_protocol_options") else None
        return config.common_http_protocol_options, where, explicit.http_protocol_options, http2
    http2 = cluster.http2_protocol_options if cluster.HasField("http2_protocol_options") else None
    where = f"{path}.common_http_protocol_options"
    return cluster.common_http_protocol_options, where, cluster.http_protocol_options, http2


def _hosts(ctx: Context, cluster: Any, kind: ClusterKind, path: str) -> list[Host]:
    _check_assignment(ctx, cluster, kind, path)
    if kind == "static":
        return static_hosts(ctx, cluster, path)
    if kind in ("strict_dns", "logical_dns"):
        return resolved_hosts(ctx, cluster, path, only_first=kind == "logical_dns")
    return []


def _check_assignment(ctx: Context, cluster: Any, kind: ClusterKind, path: str) -> None:
    where = f"{path}.load_assignment"
    endpoints = sum(len(locality.lb_endpoints) for locality in cluster.load_assignment.endpoints)
    single = endpoints == 1 and len(cluster.load_assignment.endpoints) == 1
    if kind == "logical_dns" and not single and not ctx.findings.failed(where):
        ctx.report("MC0315", where, "a LOGICAL_DNS cluster has exactly one locality with one endpoint")
    if kind in ("eds", "original_dst") and cluster.HasField("load_assignment"):
        ctx.report("MC0315", where, f"a cluster of type {kind.upper()} has no endpoints of its own")
    if kind == "strict_dns":
        for item in endpoints_of(cluster, path):
            dns_target(ctx, item)


def _breakers(ctx: Context, cluster: Any) -> dict[Literal["default", "high"], CircuitBreaker]:
    thresholds: dict[str, Any] = {}
    for entry in cluster.circuit_breakers.thresholds:
        thresholds.setdefault(pick(_PRIORITIES, entry.priority), entry)
    return {priority: _breaker(ctx, cluster, priority, thresholds.get(priority)) for priority in _PRIORITIES}


def _breaker(ctx: Context, cluster: Any, priority: str, entry: Any) -> CircuitBreaker:
    key = f"circuit_breakers.{cluster.name}.{priority}"

    def limit(name: str, default: int) -> int:
        return min(wrapped(entry, name, default) if entry is not None else default, 2**32 - 1)

    percent, concurrency = 0.0, 3
    if entry is not None and entry.HasField("retry_budget"):
        budget = entry.retry_budget
        percent = budget.budget_percent.value if budget.HasField("budget_percent") else 20.0
        concurrency = wrapped(budget, "min_retry_concurrency", 3)
    return {
        "max_connections": limit("max_connections", 1024),
        "max_pending_requests": limit("max_pending_requests", 1024),
        "max_requests": limit("max_requests", 1024),
        "max_retries": limit("max_retries", 3),
        "retry_budget_percent": percent,
        "min_retry_concurrency": concurrency,
        "index": ctx.registry.limit_row(key),
    }


def _proxy_protocol(ctx: Context, cluster: Any, path: str) -> Literal["", "v1", "v2"]:
    config: Any = unpack(cluster.transport_socket.typed_config)
    if config is None or config.DESCRIPTOR.full_name != _PROXY_PROTOCOL:
        return ""
    inner = unpack(config.transport_socket.typed_config)
    if inner is None or inner.DESCRIPTOR.full_name != _RAW_BUFFER:
        where = f"{path}.transport_socket.typed_config.transport_socket"
        if not ctx.findings.failed(where):
            ctx.report("MC0202", where, "only raw_buffer is implemented inside proxy_protocol")
    return "v2" if config.config.version == 1 else "v1"


def _bind_address(ctx: Context, cluster: Any, path: str) -> str:
    if not cluster.upstream_bind_config.HasField("source_address"):
        return ""
    source = cluster.upstream_bind_config.source_address
    where = f"{path}.upstream_bind_config.source_address"
    return lower_socket_address(ctx, source, where)
