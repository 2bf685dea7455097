"""What picking a host costs, by policy, and what compiling a cluster costs.

Run: .venv/bin/python -m pytest bench/micro/test_balance.py --benchmark-only
"""

from __future__ import annotations

from typing import Any, cast

import pytest

from mosn._fastpath.proxy.balance_probe import Picker, set_active
from mosn._fastpath.proxy.cluster import ClusterObject, HostRegistry
from mosn.model import Cluster, Host

PICKS = 1_000_000
POLICIES = ["round_robin", "least_request", "random", "ring_hash", "maglev"]


def spec(policy: str, hosts: int, weighted: bool, **balancing: object) -> Cluster:
    members = [
        cast(Host, {"address": f"10.0.{i // 250}.{i % 250}:80", "hostname": "", "weight": i % 7 + 1 if weighted else 1,
                    "priority": 0, "health": "healthy", "metadata": {}, "stats": 0, "gauges": 0})
        for i in range(hosts)
    ]  # fmt: skip
    breaker = {"max_connections": 1024, "max_pending_requests": 1024, "max_requests": 1024, "max_retries": 3,
               "retry_budget_percent": 0.0, "min_retry_concurrency": 3, "index": 1}  # fmt: skip
    lb = {"policy": policy, "choice_count": 2, "active_request_bias": 1.0, "minimum_ring_size": 1024,
          "maximum_ring_size": 8 << 20, "hash_function": "xx_hash", "table_size": 65537,
          "use_hostname_for_hashing": False, "hash_balance_factor": 0, "healthy_panic_threshold": 50.0,
          "original_dst_header": ""}  # fmt: skip
    return cast(Cluster, {
        "name": "a", "stat_name": "a", "type": "static", "hosts": members, "lb": lb | balancing,
        "connect_timeout_ms": 5000, "circuit_breakers": {"default": breaker, "high": breaker},
        "idle_timeout_ms": 3_600_000, "max_connection_duration_ms": 0, "max_requests_per_connection": 0,
        "per_connection_buffer_limit_bytes": 1 << 20, "protocol": "http1", "tls": None,
        "proxy_protocol": "", "bind_address": "", "tcp_keepalive": False,
        "header_casing": "lower", "stats": 1, "gauges": 1, "histogram": 1,
    })  # fmt: skip


def compiled(cluster: Cluster) -> ClusterObject:
    return ClusterObject(cluster, HostRegistry().hosts(cluster))


def measure(benchmark: Any, picker: Picker) -> None:
    benchmark.pedantic(picker.loop, args=(PICKS,), rounds=10, iterations=1, warmup_rounds=1)
    if benchmark.stats:
        benchmark.extra_info["per_operation_ns"] = round(benchmark.stats.stats.median / PICKS * 1e9, 2)


@pytest.mark.parametrize("hosts", [3, 100])
@pytest.mark.parametrize("weighted", [False, True], ids=["equal", "weighted"])
@pytest.mark.parametrize("policy", POLICIES)
def test_pick(benchmark: Any, policy: str, weighted: bool, hosts: int) -> None:
    measure(benchmark, Picker(compiled(spec(policy, hosts, weighted))))


def test_pick_with_bounded_load(benchmark: Any) -> None:
    """Ten hosts that all have requests in flight, so that the bound is computed each time."""
    picker = Picker(compiled(spec("maglev", 10, False, hash_balance_factor=150)))
    for host in picker.cluster.hosts:
        set_active(host, 10)
    measure(benchmark, picker)


@pytest.mark.parametrize("policy", POLICIES)
def test_compile_100_hosts(benchmark: Any, policy: str) -> None:
    cluster = spec(policy, 100, True)
    hosts = HostRegistry().hosts(cluster)
    benchmark.pedantic(lambda: ClusterObject(cluster, hosts), rounds=20, iterations=1)
