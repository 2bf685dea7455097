"""Start the backend and the load as processes on the load core, and read what they report."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bench.process import running

# What keeps an answer from counting, and how the report calls it.
FAILURES = ("wrong", "broken", "closed", "refused", "lost", "late")


@dataclass(frozen=True)
class Exchange:
    """What is sent and answered: body sizes in bytes."""

    protocol: str
    body: int = 1024
    request_body: int = 0
    # From clients to the proxy; the backend is always reached in plain text.
    tls: bool = False

    def options(self) -> list[str]:
        """For `python -m bench.load`."""
        sizes = ["--body", str(self.body), "--request-body", str(self.request_body)]
        return ["--protocol", self.protocol, *sizes, *(["--tls"] if self.tls else [])]


@dataclass(frozen=True)
class Load:
    """One measurement: connections x depth in flight, closed loop or (rate > 0) open loop, times in seconds."""

    exchange: Exchange
    connections: int = 64
    depth: int = 1
    warmup: float = 0.5
    seconds: float = 3.0
    rate: float = 0.0


@dataclass(frozen=True)
class Cores:
    """The proxy has one core for itself; load and backend share the other. Or all share both."""

    proxy: int = 0
    load: int = 1
    shared: bool = False

    @property
    def of_load(self) -> tuple[int, ...]:
        """Where load and backend may run."""
        return (self.proxy, self.load) if self.shared else (self.load,)


def command(role: str, exchange: Exchange, *options: object) -> list[str]:
    return [sys.executable, "-m", "bench.load", role, *exchange.options(), *map(str, options)]


def read_report(child: subprocess.Popen[str], role: str) -> dict[str, Any]:
    """The next line a process reports."""
    assert child.stdout is not None
    line = child.stdout.readline()
    if not line:
        raise RuntimeError(f"the {role} process ended with {child.wait()} and no report; its errors are above")
    report: dict[str, Any] = json.loads(line)
    return report


@dataclass(frozen=True)
class Backend:
    """A running backend."""

    pid: int
    port: int


@contextmanager
def backend(exchange: Exchange, core: int) -> Iterator[Backend]:
    """A backend that answers while the block runs."""
    with running(command("serve", exchange), core) as child:
        yield Backend(child.pid, int(read_report(child, "backend")["port"]))


def run_load(load: Load, port: int, proxy: int, behind: Backend, cores: Cores) -> dict[str, Any]:
    """Apply a load and return its report; `proxy` is the pid whose tree's CPU time is taken, or 0."""
    options = {
        "--port": port,
        "--connections": load.connections,
        "--depth": load.depth,
        "--warmup": load.warmup,
        "--seconds": load.seconds,
        "--rate": load.rate,
        "--proxy": proxy,
        "--backend": behind.pid,
        "--proxy-core": cores.proxy,
        "--load-core": cores.load,
    }
    flat = [item for pair in options.items() for item in pair]
    with running(command("load", load.exchange, *flat), cores.of_load) as child:
        return read_report(child, "load")


class Holder:
    """Clients that each did one request and now keep their connection open."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self.child = child

    def hold(self, connections: int) -> None:
        """Have so many connections open, all of which have been answered."""
        assert self.child.stdin is not None
        self.child.stdin.write(f"{connections}\n")
        self.child.stdin.flush()
        report = read_report(self.child, "hold")
        failures = {name: report[name] for name in FAILURES if report[name]}
        if failures:
            raise RuntimeError(f"not every held connection was answered: {failures}; look at the proxy's log")


@contextmanager
def holder(exchange: Exchange, port: int, most: int, core: int) -> Iterator[Holder]:
    """Up to `most` idle connections while the block runs."""
    with running(command("hold", exchange, "--port", port, "--connections", most), core) as child:
        yield Holder(child)
