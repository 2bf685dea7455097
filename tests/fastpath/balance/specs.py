"""Clusters for tests, as mosn.config lowers them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, cast

from mosn._fastpath.proxy.balance_probe import Picker
from mosn._fastpath.proxy.cluster import ClusterObject, HostRegistry
from mosn.model import CircuitBreaker, Cluster, Host, LoadBalancing


def host(address: str, **changes: Any) -> Host:
    spec = {
        "address": address, "hostname": "", "weight": 1, "priority": 0, "health": "healthy", "region": "", "zone": "",
        "sub_zone": "", "metadata": {}, "stats": 0, "gauges": 0,
    }  # fmt: skip
    return cast(Host, spec | changes)


def hosts(n: int, weights: Sequence[int] = (), first: int = 1, **changes: Any) -> list[Host]:
    """10.0.0.1:80, 10.0.0.2:80 ..."""
    return [
        host(f"10.0.{i // 250}.{i % 250}:80", weight=weights[i - first] if weights else 1, **changes)
        for i in range(first, first + n)
    ]


def balancing(policy: str, **changes: Any) -> LoadBalancing:
    spec = {
        "policy": policy, "choice_count": 2, "active_request_bias": 1.0, "minimum_ring_size": 1024,
        "maximum_ring_size": 8 << 20, "hash_function": "xx_hash", "table_size": 65537,
        "use_hostname_for_hashing": False, "hash_balance_factor": 0, "healthy_panic_threshold": 50.0,
        "original_dst_header": "",
    }  # fmt: skip
    return cast(LoadBalancing, spec | changes)


def cluster(members: Iterable[Host], policy: str = "round_robin", **changes: Any) -> Cluster:
    """`changes` are of the load balancing, or of the cluster where it has such a field."""
    breaker: CircuitBreaker = {
        "max_connections": 1024, "max_pending_requests": 1024, "max_requests": 1024, "max_retries": 3,
        "retry_budget_percent": 0.0, "min_retry_concurrency": 3, "index": 1,
    }  # fmt: skip
    spec: dict[str, Any] = {
        "name": "a", "stat_name": "a", "type": "static", "hosts": list(members), "connect_timeout_ms": 5000,
        "circuit_breakers": {"default": breaker, "high": breaker}, "idle_timeout_ms": 3_600_000,
        "max_connection_duration_ms": 0, "max_requests_per_connection": 0,
        "per_connection_buffer_limit_bytes": 1 << 20, "protocol": "http1", "proxy_protocol": "", "http2": {
            "max_concurrent_streams": 1024, "initial_stream_window_size": 262144,
            "initial_connection_window_size": 1048576, "hpack_table_size": 4096,
        },
        "bind_address": "",
        "tcp_keepalive": False, "header_casing": "lower", "stats": 1, "gauges": 1, "histogram": 1,
    }  # fmt: skip
    own = {name: value for name, value in changes.items() if name in spec}
    spec["lb"] = balancing(policy, **{name: value for name, value in changes.items() if name not in own})
    return cast(Cluster, spec | own)


def picker(spec: Cluster, seed: int = 1) -> Picker:
    return Picker(ClusterObject(spec, HostRegistry().hosts(spec), seed), seed + 12345)


def shares(picks: Iterable[str]) -> dict[str, int]:
    return dict(Counter(picks))
