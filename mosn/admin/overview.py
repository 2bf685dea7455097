"""/overview: the numbers behind the console and `mosn top`, in one small JSON.

Counters are totals; whoever looks twice gets rates and recent percentiles from the difference.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from mosn._fastpath.shm.histogram import LOWER_BOUNDS
from mosn._fastpath.shm.segment import Segment
from mosn._fastpath.shm.stats import NAMES
from mosn.admin.computed import State
from mosn.admin.context import AdminContext
from mosn.admin.listeners import real_address
from mosn.model import Cluster, Listener, Snapshot, StatsScope

MOST_CLUSTERS = 50
"""The busiest ones; `clusters_total` says how many there are."""

# Response flag -> the counter that tells how often that happened: (kind of scope, counter).
CAUSES: tuple[tuple[str, str, str], ...] = (
    ("UF", "cluster", "upstream_cx_connect_fail"),
    ("UH", "cluster", "upstream_cx_none_healthy"),
    ("UO", "cluster", "upstream_rq_pending_overflow"),
    ("UT", "cluster", "upstream_rq_timeout"),
    ("UC", "cluster", "upstream_cx_destroy_with_active_rq"),
    ("URX", "cluster", "upstream_rq_retry_limit_exceeded"),
    ("UPE", "cluster", "upstream_cx_protocol_error"),
    ("UMSDR", "cluster", "upstream_rq_max_duration_reached"),
    ("NR", "http", "no_route"),
    ("NC", "http", "no_cluster"),
    ("DC", "http", "downstream_rq_rx_reset"),
    ("DPE", "http", "downstream_cx_protocol_error"),
    ("SI", "http", "downstream_rq_idle_timeout"),
    ("OM", "http", "downstream_rq_overload_close"),
)

CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx")


def overview(
    context: AdminContext, state: State, workers: list[dict[str, Any]], own: Mapping[str, int]
) -> dict[str, Any]:
    """`own`: the counters that the controller keeps."""
    snapshot = context.snapshot
    return {
        "time": time.time(),
        "state": state,
        "version": context.version,
        "config_version": snapshot["version"] if snapshot else "",
        "uptime": max(0.0, time.time() - context.started_at),
        "epoch": context.epoch,
        "workers": workers,
        "changes": list(context.changes)[-30:],
        **(traffic(snapshot, context) if snapshot else {}),
        "logs": {name: value for name, value in own.items() if name.startswith("filesystem.lines_")},
    }


def traffic(snapshot: Snapshot, context: AdminContext) -> dict[str, Any]:
    segment = context.segment
    scopes = [scope for scope in snapshot["stats_scopes"].values() if scope["kind"] in ("http", "tcp", "cluster")]
    by_kind = {kind: Sums(segment, kind, scopes) for kind in ("http", "tcp", "cluster")}
    http = by_kind["http"]
    rows = cluster_rows(snapshot, segment)
    return {
        "requests": http.counter("downstream_rq_total"),
        "responses": {name: http.counter(f"downstream_rq_{name}") for name in CLASSES},
        "active_requests": http.gauge("downstream_rq_active"),
        "causes": {flag: by_kind[kind].counter(counter) for flag, kind, counter in CAUSES},
        "connections": {
            "downstream": http.gauge("downstream_cx_active") + by_kind["tcp"].gauge("downstream_cx_active"),
            "upstream": by_kind["cluster"].gauge("upstream_cx_active"),
        },
        "bytes": {
            "received": http.counter("downstream_cx_rx_bytes_total"),
            "sent": http.counter("downstream_cx_tx_bytes_total"),
        },
        "latency": merged_histograms(segment, http_latency(scopes)),
        "clusters_total": len(rows),
        "clusters": [with_latency(row, segment) for row in busiest(rows)],
        "listeners": [listener_row(listener, context) for listener in snapshot["listeners"]],
    }


class Sums:
    """Counters and gauges of all scopes of a kind, added up."""

    def __init__(self, segment: Segment, kind: str, scopes: Iterable[StatsScope]) -> None:
        self._segment = segment
        self._names = NAMES[kind]
        self._scopes = [scope for scope in scopes if scope["kind"] == kind]

    def counter(self, name: str) -> int:
        place = self._names[0].index(name)
        return sum(self._segment.counter(scope["counters"] + place) for scope in self._scopes)

    def gauge(self, name: str) -> int:
        place = self._names[1].index(name)
        return sum(self._segment.gauge(scope["gauges"] + place) for scope in self._scopes)


def http_latency(scopes: Iterable[StatsScope]) -> list[int]:
    place = NAMES["http"][2].index("downstream_rq_time")
    return [scope["histograms"] + place for scope in scopes if scope["kind"] == "http"]


def merged_histograms(segment: Segment, indexes: Iterable[int]) -> list[list[int]]:
    """The buckets that hold something: [least microseconds, count]."""
    total = [0] * len(LOWER_BOUNDS)
    for index in indexes:
        for bucket, count in enumerate(segment.histogram(index).buckets):
            total[bucket] += count
    return [[low, count] for low, count in zip(LOWER_BOUNDS, total, strict=True) if count]


def cluster_rows(snapshot: Snapshot, segment: Segment) -> list[dict[str, Any]]:
    return [_cluster_row(cluster, segment) for cluster in snapshot["clusters"].values()]


def _cluster_row(cluster: Cluster, segment: Segment) -> dict[str, Any]:
    counters = _block(segment.counters, cluster["stats"], NAMES["cluster"][0])
    gauges = _block(segment.gauges, cluster["gauges"], NAMES["cluster"][1])
    health = [host["health"] for host in cluster["hosts"]]
    return {
        "name": cluster["name"],
        "type": cluster["type"],
        "hosts": len(health),
        "healthy": health.count("healthy") + health.count("degraded"),
        "requests": counters["upstream_rq_total"],
        "connections_total": counters["upstream_cx_total"],
        "errors": counters["upstream_rq_5xx"],
        "active_requests": gauges["upstream_rq_active"],
        "connections": gauges["upstream_cx_active"],
        "histogram": cluster["histogram"],
    }


def _block(read: Any, base: int, names: tuple[str, ...]) -> Mapping[str, int]:
    return dict(zip(names, read(base, len(names)), strict=True))


def busiest(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    ranked = sorted(rows, key=lambda row: (-row["requests"], -row["connections_total"], row["name"]))
    return ranked[:MOST_CLUSTERS]


def with_latency(row: dict[str, Any], segment: Segment) -> dict[str, Any]:
    index = row.pop("histogram")
    return {**row, "latency": merged_histograms(segment, [index])}


def listener_row(listener: Listener, context: AdminContext) -> dict[str, Any]:
    counters = _block(context.segment.counters, listener["stats"], NAMES["listener"][0])
    gauges = _block(context.segment.gauges, listener["gauges"], NAMES["listener"][1])
    return {
        "name": listener["name"],
        "address": real_address(context, listener["name"], listener["address"]),
        "connections": gauges["downstream_cx_active"],
        "connections_total": counters["downstream_cx_total"],
    }
