"""Gauges that no worker counts because they follow from the snapshot, the workers' states and the clock."""

from __future__ import annotations

import time
from collections.abc import Mapping
from itertools import chain
from typing import Literal

import psutil

from mosn._fastpath.shm.segment import Segment
from mosn.admin.context import AdminContext, WorkerRow
from mosn.model import CircuitBreaker, Cluster, Snapshot

Numbers = Mapping[str, int]
State = Literal["LIVE", "DRAINING", "PRE_INITIALIZING", "INITIALIZING"]

STATE_NUMBERS: dict[State, int] = {"LIVE": 0, "DRAINING": 1, "PRE_INITIALIZING": 2, "INITIALIZING": 3}
"""envoy.admin.v3.ServerInfo.State"""

NO_CERTIFICATE = 2**32 - 1
"""What Envoy says of days_until_first_cert_expiring when there is no certificate."""

SERVING_STATES = ("ready", "running", "serving")
"""The master says ready once a worker has the snapshot; the worker itself says serving."""

MaximumKey = Literal["max_connections", "max_pending_requests", "max_requests", "max_retries"]

# (gauge, kind of limit in shared memory, its maximum in the snapshot)
BREAKERS: tuple[tuple[str, int, MaximumKey], ...] = (
    ("cx_open", 0, "max_connections"),
    ("rq_pending_open", 1, "max_pending_requests"),
    ("rq_open", 2, "max_requests"),
    ("rq_retry_open", 3, "max_retries"),
)


def server_state(context: AdminContext, workers: list[WorkerRow]) -> State:
    if context.snapshot is None:
        return "PRE_INITIALIZING"
    if context.healthcheck_failed or context.draining:
        return "DRAINING"
    return "LIVE" if any(is_serving(worker) for worker in workers) else "INITIALIZING"


def is_serving(worker: WorkerRow) -> bool:
    return worker["state"] in SERVING_STATES


def computed_gauges(context: AdminContext, workers: list[WorkerRow]) -> dict[str, int]:
    """By Envoy's dotted name."""
    snapshot = context.snapshot
    found = {f"server.{name}": value for name, value in server_gauges(context, workers).items()}
    if snapshot:
        found.update(manager_gauges(snapshot, workers))
        scopes = scopes_by_block(snapshot, "cluster")
        for cluster in snapshot["clusters"].values():
            gauges = cluster_gauges(cluster, context.segment)
            found.update({f"{scopes[cluster['stats']]}.{name}": value for name, value in gauges.items()})
    return found


def scopes_by_block(snapshot: Snapshot, kind: str) -> dict[int, str]:
    """First counter of a scope -> its name: which scope a cluster, HTTP manager ... counts in."""
    return {scope["counters"]: name for name, scope in snapshot["stats_scopes"].items() if scope["kind"] == kind}


def server_gauges(context: AdminContext, workers: list[WorkerRow]) -> dict[str, int]:
    state = server_state(context, workers)
    resident = sum(memory_by_pid(workers).values())
    return {
        "uptime": max(0, int(time.time() - context.started_at)),
        "concurrency": sum(is_serving(worker) for worker in workers),
        "live": int(state == "LIVE"),
        "state": STATE_NUMBERS[state],
        "hot_restart_epoch": context.epoch,
        "hot_restart_generation": context.epoch + 1,
        "parent_connections": 0,
        "total_connections": sum(worker["connections"] for worker in workers),
        "memory_allocated": resident,
        "memory_physical_size": resident,
        "days_until_first_cert_expiring": NO_CERTIFICATE,
    }


def memory_by_pid(workers: list[WorkerRow]) -> dict[int, int]:
    """Resident bytes of this process, its parent (the master) and the workers."""
    here = psutil.Process()
    found = {}
    for pid in dict.fromkeys([here.pid, here.ppid(), *(worker["pid"] for worker in workers if worker["pid"])]):
        try:
            found[pid] = psutil.Process(pid).memory_info().rss
        except psutil.Error:
            continue  # it has just ended
    return found


def manager_gauges(snapshot: Snapshot, workers: list[WorkerRow]) -> dict[str, int]:
    return {
        "cluster_manager.active_clusters": len(snapshot["clusters"]),
        "cluster_manager.warming_clusters": 0,
        "listener_manager.total_listeners_active": len(snapshot["listeners"]),
        "listener_manager.total_listeners_draining": 0,
        "listener_manager.total_listeners_warming": 0,
        "listener_manager.total_filter_chains_draining": 0,
        "listener_manager.workers_started": int(any(is_serving(worker) for worker in workers)),
    }


def cluster_gauges(cluster: Cluster, segment: Segment) -> dict[str, int]:
    health = [host["health"] for host in cluster["hosts"]]
    found = {
        "membership_total": len(health),
        "membership_healthy": health.count("healthy"),
        "membership_degraded": health.count("degraded"),
        "membership_excluded": 0,
        "max_host_weight": max((host["weight"] for host in cluster["hosts"]), default=0),
    }
    pairs = (breaker_gauges(name, breaker, segment) for name, breaker in cluster["circuit_breakers"].items())
    found.update(chain.from_iterable(pair.items() for pair in pairs))
    return found


def breaker_gauges(priority: str, breaker: CircuitBreaker, segment: Segment) -> dict[str, int]:
    return {
        f"circuit_breakers.{priority}.{name}": int(segment.limit(breaker["index"], kind) >= breaker[maximum])
        for name, kind, maximum in BREAKERS
    }
