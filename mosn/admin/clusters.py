"""/clusters: every cluster with its hosts, their counters, health and limits, in Envoy's forms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from mosn._fastpath.shm.segment import Segment
from mosn._fastpath.shm.stats import HOST_COUNTERS, HOST_GAUGES
from mosn.admin.addresses import address_json
from mosn.admin.computed import BREAKERS
from mosn.model import CircuitBreaker, Cluster, Host, Snapshot

# In the order of Envoy's JSON.
COUNTERS = ("cx_connect_fail", "cx_total", "rq_error", "rq_success", "rq_timeout", "rq_total")
GAUGES = ("cx_active", "rq_active", "rq_pending_active")

HEALTH_FLAGS = {
    "healthy": "healthy",
    "unhealthy": "/failed_eds_health",
    "draining": "/eds_status_draining",
    "degraded": "/eds_degraded",
}


def selected(snapshot: Snapshot, matches: Callable[[str], bool] | None) -> list[Cluster]:
    """Those whose name matches."""
    return [cluster for name, cluster in snapshot["clusters"].items() if matches is None or matches(name)]


def clusters_text(clusters: Iterable[Cluster], segment: Segment) -> Iterator[str]:
    """One piece a cluster."""
    for cluster in clusters:
        yield "".join(f"{cluster['name']}::{line}\n" for line in _cluster_lines(cluster, segment))


def _cluster_lines(cluster: Cluster, segment: Segment) -> Iterator[str]:
    yield f"observability_name::{cluster['stat_name']}"
    for priority, breaker in cluster["circuit_breakers"].items():
        for _, _, maximum in BREAKERS:
            yield f"{priority}_priority::{maximum}::{breaker[maximum]}"
    yield f"added_via_api::{_flag(cluster['type'] == 'eds')}"
    for host in cluster["hosts"]:
        for name, value in _host_rows(host, segment):
            yield f"{host['address']}::{name}::{value}"


def _host_rows(host: Host, segment: Segment) -> Iterator[tuple[str, object]]:
    yield from sorted(host_numbers(host, segment).items())
    yield "hostname", host["hostname"]
    yield "health_flags", HEALTH_FLAGS[host["health"]]
    yield "weight", host["weight"]
    yield from ((name, value) for name, value in _locality(host).items())
    yield "canary", _flag(host["metadata"].get("canary") == "true")
    yield "priority", host["priority"]
    yield "success_rate", -1
    yield "local_origin_success_rate", -1


def host_numbers(host: Host, segment: Segment) -> dict[str, int]:
    """Envoy's counters and gauges of a host, over all workers."""
    numbers = dict.fromkeys((*COUNTERS, *GAUGES), 0)
    if host["stats"]:
        numbers.update(zip(HOST_COUNTERS, segment.counters(host["stats"], len(HOST_COUNTERS)), strict=True))
    if host["gauges"]:
        numbers.update(zip(HOST_GAUGES, segment.gauges(host["gauges"], len(HOST_GAUGES)), strict=True))
    return numbers


def _locality(host: Host) -> dict[str, str]:
    return {"region": host["region"], "zone": host["zone"], "sub_zone": host["sub_zone"]}


def _flag(value: bool) -> str:
    return "true" if value else "false"


def clusters_json(clusters: Iterable[Cluster], segment: Segment) -> dict[str, Any]:
    """envoy.admin.v3.Clusters"""
    return {"cluster_statuses": [_cluster_json(cluster, segment) for cluster in clusters]}


def _cluster_json(cluster: Cluster, segment: Segment) -> dict[str, Any]:
    thresholds = [_threshold(priority, breaker) for priority, breaker in cluster["circuit_breakers"].items()]
    found: dict[str, Any] = {"name": cluster["name"]}
    if cluster["type"] == "eds":
        found["added_via_api"] = True
    if cluster["hosts"]:
        found["host_statuses"] = [_host_json(host, segment) for host in cluster["hosts"]]
    found["circuit_breakers"] = {"thresholds": thresholds}
    found["observability_name"] = cluster["stat_name"]
    return found


def _threshold(priority: str, breaker: CircuitBreaker) -> dict[str, Any]:
    level = {"priority": "HIGH"} if priority == "high" else {}
    return {**level, **{name: breaker[name] for _, _, name in BREAKERS}}


def _host_json(host: Host, segment: Segment) -> dict[str, Any]:
    numbers = host_numbers(host, segment)
    found: dict[str, Any] = {
        "address": address_json(host["address"]),
        "stats": [_stat(name, numbers[name], {}) for name in COUNTERS]
        + [_stat(name, numbers[name], {"type": "GAUGE"}) for name in GAUGES],
        "health_status": {"eds_health_status": host["health"].upper()},
        "weight": host["weight"],
        "locality": {name: value for name, value in _locality(host).items() if value},
    }
    if host["hostname"]:
        found["hostname"] = host["hostname"]
    if host["priority"]:
        found["priority"] = host["priority"]
    return found


def _stat(name: str, value: int, kind: dict[str, str]) -> dict[str, str]:
    """envoy.admin.v3.SimpleMetric as protobuf's JSON writes it: zeros are left out, 64-bit numbers are strings."""
    number = {"value": str(value)} if value else {}
    return {**kind, **number, "name": name}
