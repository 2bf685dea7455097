"""The goals, in one table. Everything is "at most": least is best."""

from __future__ import annotations

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB

# Instead of a peer's name: the least value of any peer.
BEST = "best peer"


@dataclass(frozen=True)
class Goal:
    """Our `metric` in `row` is at most `limit`, or at most `limit` times that of `peer`."""

    row: str
    metric: str
    limit: float
    peer: str | None = None


GOALS: tuple[Goal, ...] = (
    Goal("http1", "cpu_us", 0.65, "nginx"),
    Goal("http1", "cpu_us", 0.65, "haproxy"),
    Goal("http1", "cpu_us", 0.20, "envoy"),
    Goal("http1", "cpu_us", 0.18, "mosn-go"),
    Goal("http1-64k", "cpu_us", 0.70, "nginx"),
    Goal("http1-64k", "cpu_us", 0.70, "haproxy"),
    Goal("tls", "cpu_us", 0.80, "nginx"),
    Goal("tls", "cpu_us", 0.80, "haproxy"),
    Goal("http2", "cpu_us", 0.90, "haproxy"),
    Goal("http2", "cpu_us", 0.22, "envoy"),
    Goal("tcp", "cpu_us", 0.90, "nginx"),
    Goal("tcp", "cpu_us", 0.90, "haproxy"),
    Goal("tcp-64k", "cpu_us", 0.90, "nginx"),
    Goal("tcp-64k", "cpu_us", 0.90, "haproxy"),
    Goal("bolt", "cpu_us", 0.80, "haproxy"),
    Goal("bolt", "cpu_us", 0.25, "mosn-go"),
    Goal("bolt-8x64", "cpu_us", 1.00, "haproxy"),
    Goal("bolt-8x64", "cpu_us", 0.06, "mosn-go"),
    Goal("bolt-16x32", "cpu_us", 1.00, "haproxy"),
    Goal("bolt-16x32", "cpu_us", 0.06, "mosn-go"),
    Goal("dubbo", "cpu_us", 0.85, "haproxy"),
    Goal("dubbo", "cpu_us", 0.15, "envoy"),
    Goal("dubbo", "cpu_us", 0.08, "mosn-go"),
    Goal("dubbo-16x32", "cpu_us", 1.20, "haproxy"),
    Goal("dubbo-16x32", "cpu_us", 0.15, "envoy"),
    Goal("dubbo-16x32", "cpu_us", 0.08, "mosn-go"),
    Goal("http1-open", "added_p50_us", 60.0),
    Goal("http1-open", "p99_us", 1.00, BEST),
    # 2 workers do 1.8 times what one does.
    Goal("http1-scaling", "cost_of_two", 2 / 1.8),
    Goal("idle", "pss_per_connection", 400.0),
    Goal("idle-bolt", "pss_per_connection", 600.0),
    Goal("memory", "pss", 90.0 * MIB),
    Goal("memory", "worker_pss", 12.0 * MIB),
    Goal("ready", "ready_s", 1.0),
    Goal("ready", "check_s", 0.4),
)
