"""Route tables for tests: Envoy's RouteConfiguration as a dict, lowered by the product's own code."""

from __future__ import annotations

from typing import Any, cast

from envoy.config.route.v3.route_pb2 import RouteConfiguration
from google.protobuf.json_format import ParseDict

from mosn._fastpath.proxy.cluster import ClusterObject
from mosn._fastpath.proxy.route import RouteTableObject
from mosn._fastpath.proxy.route_exchange import Exchange
from mosn._fastpath.proxy.route_face import find
from mosn.config.findings import Findings
from mosn.config.lower.context import Context, NullRegistry
from mosn.config.lower.routes import lower_route_table
from mosn.config.lower.runtime import Runtime
from mosn.model import Cluster, RouteTable


def table_spec(config: dict[str, Any]) -> RouteTable:
    """The snapshot's form of a RouteConfiguration; a finding is a failure."""
    message = ParseDict({"name": "table", **config}, RouteConfiguration())
    findings = Findings("table.yaml")
    context = Context(findings=findings, registry=NullRegistry(), resolved={}, runtime=Runtime())
    spec = lower_route_table(context, message, "", static=False)
    assert not findings.sorted(), findings.sorted()
    return spec


def routes_spec(*routes: dict[str, Any], **more: Any) -> RouteTable:
    """One virtual host for every domain; routes get names r0, r1, ..."""
    named = [{"name": f"r{i}", **route} for i, route in enumerate(routes)]
    return table_spec({"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": named}], **more})


def to(cluster: str = "a", **match: Any) -> dict[str, Any]:
    """A route to a cluster; without a path it matches every one."""
    if not {"prefix", "path", "safe_regex", "path_separated_prefix", "connect_matcher"} & set(match):
        match["prefix"] = "/"
    return {"match": match, "route": {"cluster": cluster}}


def compiled(spec: RouteTable, *clusters: str) -> RouteTableObject:
    return RouteTableObject(spec, {name: cluster_object(name) for name in clusters})


def cluster_object(name: str) -> ClusterObject:
    return ClusterObject(cluster_spec(name), [])


def cluster_spec(name: str) -> Cluster:
    breaker = {"max_connections": 1024, "max_pending_requests": 1024, "max_requests": 1024, "max_retries": 3,
               "retry_budget_percent": 0.0, "min_retry_concurrency": 3, "index": 1}  # fmt: skip
    lb = {"policy": "round_robin", "choice_count": 2, "active_request_bias": 1.0, "minimum_ring_size": 1024,
          "maximum_ring_size": 8 << 20, "hash_function": "xx_hash", "table_size": 65537,
          "use_hostname_for_hashing": False, "hash_balance_factor": 0, "healthy_panic_threshold": 50.0,
          "original_dst_header": ""}  # fmt: skip
    return cast(Cluster, {
        "name": name, "stat_name": name, "type": "static", "hosts": [], "lb": lb, "connect_timeout_ms": 5000,
        "circuit_breakers": {"default": breaker, "high": breaker}, "idle_timeout_ms": 3_600_000,
        "max_connection_duration_ms": 0, "max_requests_per_connection": 0, "per_connection_buffer_limit_bytes": 1 << 20,
        "protocol": "http1", "http2": {
            "max_concurrent_streams": 1024, "initial_stream_window_size": 262144,
            "initial_connection_window_size": 1048576, "hpack_table_size": 4096,
        },
        "proxy_protocol": "", "bind_address": "", "tcp_keepalive": False,
        "header_casing": "lower", "stats": 1, "gauges": 1, "histogram": 1,
    })  # fmt: skip


def route_index(table: RouteTableObject, exchange: Exchange) -> int | None:
    return find(table, exchange)[1]
