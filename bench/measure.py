"""One measurement of one peer in one row, by kind of row."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from bench import proc
from bench.instance import Instance, instance, scratch_directory
from bench.load.client import FAILURES, Backend, Cores, Load, holder, run_load
from bench.peers.base import Peer, PeerFailure, Setup
from bench.peers.bootstrap import bootstrap
from bench.probe import probe
from bench.process import bound_to
from bench.rows import Row

# Connections made and kept before the idle ones are counted, so that what is allocated once is not.
WARM_CONNECTIONS = 200
# Seconds until a proxy has freed what it frees after a load.
SETTLE = 1.0
CHECKED_BYTES = 100_000
CHECK_TIMEOUT = 60.0
# In a process title; not the option --workers.
WORKER = re.compile(r"(?<!-)\bworker\b")


@dataclass(frozen=True)
class Conditions:
    """What holds for a whole run; times in seconds, rate in requests a second."""

    cores: Cores = field(default_factory=Cores)
    warmup: float = 0.5
    seconds: float = 3.0
    rate: float = 0.0
    connections: int | None = None


@dataclass(frozen=True)
class Measurement:
    """Values by metric (the unit is in the name; memory in bytes), and what went wrong."""

    values: dict[str, float]
    failures: dict[str, int] = field(default_factory=dict)
    # Shares of the cores that neither the proxy nor the load side used.
    proxy_core_others: float = 0.0
    load_core_others: float = 0.0

    def disturbed(self, most: float) -> bool:
        """Whether other work took more than this share of either core."""
        return max(self.proxy_core_others, self.load_core_others) > most


def load_of(row: Row, conditions: Conditions) -> Load:
    return Load(
        row.exchange,
        connections=conditions.connections or row.connections,
        depth=row.depth,
        warmup=conditions.warmup,
        seconds=conditions.seconds,
    )


def under_load(load: Load, running: Instance | None, behind: Backend, cores: Cores) -> Measurement:
    """Apply a load to a proxy, or straight to the backend when there is none."""
    port, pid = (running.port, running.pid) if running else (behind.port, 0)
    report = run_load(load, port, pid, behind, cores)
    answered = max(report["answered"], 1)
    latency = report["latency_us"]
    values = {
        "requests_per_s": report["answered"] / report["seconds"],
        "p50_us": latency["p50"],
        "p99_us": latency["p99"],
        "p999_us": latency["p99.9"],
    }
    if running:
        held = proc.memory(pid)
        values |= {"cpu_us": report["cpu_s"] / answered * 1e6, "rss": held.rss, "pss": held.pss}
        values["core_used"] = report["cpu_s"] / report["wall_s"]
    return Measurement(
        values,
        {name: report[name] for name in FAILURES if report[name]},
        max(0.0, report["proxy_core_busy_s"] - report["cpu_s"]) / report["wall_s"],
        max(0.0, report["load_core_busy_s"] - report["load_cpu_s"]) / report["wall_s"],
    )


def closed(row: Row, peer: Peer | None, behind: Backend, conditions: Conditions) -> Measurement:
    """As fast as answers come."""
    load = load_of(row, conditions)
    if peer is None:
        return under_load(load, None, behind, conditions.cores)
    with instance(peer, row.exchange, behind.port, conditions.cores.proxy, row.workers, row.clusters) as running:
        return under_load(load, running, behind, conditions.cores)


def scaling(row: Row, peer: Peer | None, behind: Backend, conditions: Conditions) -> Measurement:
    """CPU a request with one worker on its core, and with two on both cores, which the load shares.

    Capacity is cores by CPU a request: two workers do 2 / cost_of_two times what one does.
    """
    assert peer is not None
    load, cores = load_of(row, conditions), conditions.cores
    with instance(peer, row.exchange, behind.port, cores.proxy, 1, row.clusters) as running:
        one = under_load(load, running, behind, cores)
    shared = replace(cores, shared=True)
    with instance(peer, row.exchange, behind.port, shared.of_load, 2, row.clusters) as running:
        proc.pin(behind.pid, *shared.of_load)
        two = under_load(load, running, behind, shared)
        proc.pin(behind.pid, *cores.of_load)
    values = {
        "cost_of_two": two.values["cpu_us"] / one.values["cpu_us"],
        "cpu_us": two.values["cpu_us"],
        "cpu_us_of_one": one.values["cpu_us"],
    }
    return Measurement(values, {name: one.failures.get(name, 0) + count for name, count in two.failures.items()})


def open_loop(row: Row, peer: Peer | None, behind: Backend, conditions: Conditions) -> Measurement:
    """At the rate of the conditions, equal for all."""
    load = replace(load_of(row, conditions), rate=conditions.rate)
    if peer is None:
        return under_load(load, None, behind, conditions.cores)
    with instance(peer, row.exchange, behind.port, conditions.cores.proxy, row.workers, row.clusters) as running:
        return under_load(load, running, behind, conditions.cores)


def idle(row: Row, peer: Peer | None, behind: Backend, conditions: Conditions) -> Measurement:
    """What the proxy's memory grows by when connections that were used once stay open."""
    assert peer is not None
    count = conditions.connections or row.connections
    cores = conditions.cores
    with (
        instance(peer, row.exchange, behind.port, cores.proxy) as running,
        holder(row.exchange, running.port, count + WARM_CONNECTIONS, cores.load) as clients,
    ):
        clients.hold(WARM_CONNECTIONS)
        time.sleep(SETTLE)
        before = proc.memory(running.pid)
        clients.hold(WARM_CONNECTIONS + count)
        time.sleep(SETTLE)
        after = proc.memory(running.pid)
    return Measurement(
        {
            "connections": count,
            "pss_per_connection": (after.pss - before.pss) / count,
            "rss_per_connection": (after.rss - before.rss) / count,
            "private_dirty_per_connection": (after.private_dirty - before.private_dirty) / count,
            "pss": after.pss,
            "rss": after.rss,
        }
    )


def memory(row: Row, peer: Peer | None, behind: Backend, conditions: Conditions) -> Measurement:
    """The whole proxy, after a short load, by process."""
    assert peer is not None
    load = replace(load_of(row, conditions), connections=64, seconds=min(conditions.seconds, 1.0))
    cores = conditions.cores
    with instance(peer, row.exchange, behind.port, cores.proxy, row.workers, row.clusters) as running:
        under_load(load, running, behind, cores)
        time.sleep(SETTLE)
        held = proc.memory_by_process(running.pid)
        workers = [size.pss for pid, size in held.items() if WORKER.search(proc.names_of(pid))]
    whole = sum(held.values(), proc.Memory(0, 0, 0))
    values: dict[str, float] = {"pss": whole.pss, "rss": whole.rss, "private_dirty": whole.private_dirty}
    values["processes"] = len(held)
    if workers:
        values["worker_pss"] = max(workers)
    return Measurement(values)


def ready(row: Row, peer: Peer | None, behind: Backend, conditions: Conditions) -> Measurement:
    """From the start of the program to its first right answer; and how long a check of a big file takes."""
    assert peer is not None
    with instance(peer, row.exchange, behind.port, conditions.cores.proxy) as running:
        probe(row.exchange, running.port)
        values = {"ready_s": running.ready_seconds}
    return Measurement(values | check_seconds(peer, behind, conditions.cores.proxy))


def check_seconds(peer: Peer, behind: Backend, core: int) -> dict[str, float]:
    """Wall time of checking as many clusters as make a bootstrap of 100 kB; nothing when the peer cannot check."""
    with scratch_directory() as directory:
        setup = Setup("http1", behind.port, behind.port, directory, clusters=clusters_of_size(CHECKED_BYTES))
        configuration = peer.configure(setup)
        command = peer.check_command(configuration, setup)
        if command is None:
            return {}
        begun = time.monotonic()
        done = subprocess.run(
            command,
            preexec_fn=bound_to(core),  # safe: this process has one thread
            capture_output=True,
            text=True,
            check=False,
            timeout=CHECK_TIMEOUT,
        )
        seconds = time.monotonic() - begun
    if done.returncode != 0:
        raise PeerFailure(f"{peer.name} rejects its own configuration: {(done.stderr + done.stdout)[-600:]}")
    return {"check_s": seconds}


def clusters_of_size(size: int) -> int:
    """How many clusters, each with its route, make a bootstrap of so many bytes."""

    def bytes_with(clusters: int) -> int:
        return len(bootstrap(Setup("http1", 18000, 18000, scratch, clusters=clusters)))

    with scratch_directory() as scratch:
        small, large = bytes_with(11), bytes_with(21)
        return 11 + (size - small) * 10 // (large - small)


KINDS: dict[str, Callable[[Row, Peer | None, Backend, Conditions], Measurement]] = {
    "closed": closed,
    "scaling": scaling,
    "open": open_loop,
    "idle": idle,
    "memory": memory,
    "ready": ready,
}
