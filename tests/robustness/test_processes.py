"""Processes die under load: no wrong answer, no number that goes back, and only the dead worker's connections break."""

from __future__ import annotations

import asyncio
import os
import random
import re
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import psutil
import pytest

from mosn.workers.control_client import ControlClient
from tests.proxy.sidecar import Sidecar, bootstrap, cluster, free_port, http_listener, route
from tests.proxy.upstream import Closed, Peer, ok, status
from tests.robustness.asking import Found, ask
from tests.robustness.conftest import MakeUpstream, Start
from tests.robustness.programs import running
from tests.robustness.test_unique_answers import clean

GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
CLIENTS = 16


def status_of(sidecar: Sidecar) -> dict[str, object]:
    client = ControlClient(sidecar.run_dir)
    try:
        body: dict[str, object] = client.call("status", lambda text: None).body
        return body
    finally:
        client.close()


def pids_of_workers(sidecar: Sidecar) -> list[int]:
    """As the master has them: it answers while the controller is dead."""
    return [worker["pid"] for worker in status_of(sidecar)["workers"] if worker["pid"]]  # type: ignore[attr-defined]


def pid_of_controller(sidecar: Sidecar) -> int:
    return int(status_of(sidecar)["controller"]["pid"] or 0)  # type: ignore[index]


class Watch(threading.Thread):
    """Context manager.  Asks for statistics all the time and remembers those that went back."""

    def __init__(self, sidecar: Sidecar) -> None:
        super().__init__(daemon=True)
        self.sidecar = sidecar
        self.highest: dict[str, int] = {}
        self.went_back: list[str] = []
        self.rounds = 0
        self.stopped = False

    def __enter__(self) -> Watch:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stopped = True
        self.join(60)

    def run(self) -> None:
        while not self.stopped:
            try:
                self.look(self.sidecar.admin("/stats?filter=_total|rq_completed|rq_2xx|bytes_total"))
            except OSError:
                pass  # between two controllers
            time.sleep(0.05)

    def look(self, stats: str) -> None:
        self.rounds += 1
        for name, value in re.findall(r"^(\S+(?:_total|_completed|_2xx)): (\d+)$", stats, re.MULTILINE):
            if int(value) < self.highest.get(name, 0):
                self.went_back.append(f"{name}: {self.highest[name]} -> {value}")
            self.highest[name] = int(value)


class Killer(threading.Thread):
    """Context manager.  Kills what `choose` names, again and again."""

    def __init__(self, choose: Callable[[], int], pause: float = 0.7) -> None:
        super().__init__(daemon=True)
        self.choose, self.pause = choose, pause
        self.killed = 0
        self.stopped = False

    def __enter__(self) -> Killer:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stopped = True
        self.join(60)

    def run(self) -> None:
        while not self.stopped:
            time.sleep(self.pause)
            pid = self.choose()
            if pid and not self.stopped:
                os.kill(pid, signal.SIGKILL)
                self.killed += 1


def under_load(
    sidecar: Sidecar, port: int, choose: Callable[[], int], seconds: float = 6
) -> tuple[Found, Killer, Watch]:
    """Checked requests while processes are killed."""
    found = Found()
    deadline = time.monotonic() + seconds
    seed = 0
    with Watch(sidecar) as watch, Killer(choose) as killer:
        while time.monotonic() < deadline:
            seed += 1
            more = asyncio.run(ask(port, 800, CLIENTS, ("none", "chunked", "empty", "hint"), seed))
            found.wrong += more.wrong
            found.outcomes += more.outcomes
            found.failed += more.failed
    assert watch.rounds > 0 and killer.killed > 2
    return found, killer, watch


def settle(sidecar: Sidecar) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            sidecar.admin("/ready")
            break
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    clean(sidecar)


def test_controllers_die(start: Start) -> None:
    """Traffic does not notice at all."""
    port = free_port()
    with running("faulty") as upstream:
        sidecar = start(bootstrap([http_listener(port, [route()])], [cluster("backend", upstream)]), workers=2)
        found, _, watch = under_load(sidecar, port, lambda: pid_of_controller(sidecar))
        settle(sidecar)
    assert found.wrong == [] and found.failed.total() == 0, found.outcomes
    assert watch.went_back == []
    assert sidecar.stat("http.http.downstream_rq_total") == found.outcomes.total()


def test_workers_and_controllers_die(start: Start) -> None:
    """Each death costs at most the requests that were under way in that worker."""
    port = free_port()
    chance = random.Random(3)
    with running("faulty") as upstream:
        sidecar = start(bootstrap([http_listener(port, [route()])], [cluster("backend", upstream)]), workers=2)

        def anyone() -> int:
            return chance.choice([*pids_of_workers(sidecar), pid_of_controller(sidecar)])

        found, killer, watch = under_load(sidecar, port, anyone, 10)
        settle(sidecar)
    assert found.wrong == []
    assert found.failed.total() <= killer.killed * CLIENTS, found.outcomes
    assert watch.went_back == []


def test_counters_of_the_dead_are_kept(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    sidecar = start(bootstrap([http_listener(port, [route()])], [cluster("backend", upstream().port)]), workers=2)
    asked = 0
    for _ in range(3):
        for _ in range(30):
            client = Peer.connect(port)
            client.send(GET)
            assert status(client.message()[0]) == 200
            client.close()
            asked += 1
        sidecar.wait_stat("http.http.downstream_rq_total", asked)
        before = set(pids_of_workers(sidecar))
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + 30
        while len(now := set(sidecar.worker_pids()) - before) < 2 or 0 in now:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert sidecar.stat("http.http.downstream_rq_total") == asked
    clean(sidecar)


def test_workers_share_connections(start: Start, upstream: MakeUpstream) -> None:
    """Accept fairness: of 400 connections at once, each of two workers gets its part."""
    port = free_port()
    sidecar = start(bootstrap([http_listener(port, [route()])], [cluster("backend", upstream().port)]), workers=2)
    clients = [Peer.connect(port) for _ in range(400)]
    sidecar.wait_stat("http.http.downstream_cx_active", 400)
    shares = [len(psutil.Process(pid).net_connections("tcp")) for pid in sidecar.worker_pids()]
    assert sum(shares) >= 400 and min(shares) > 100, shares
    for client in clients:
        client.close()


def test_without_the_master(start: Start, upstream: MakeUpstream) -> None:
    """Requests that are under way are answered, nobody is let in, all processes end (docs: When the master dies)."""

    def slow(peer: Peer) -> None:
        peer.message()
        time.sleep(1)
        peer.send(ok())

    port = free_port()
    sidecar = start(bootstrap([http_listener(port, [route()])], [cluster("backend", upstream(slow).port)]), workers=2)
    family = [psutil.Process(pid) for pid in [*sidecar.worker_pids(), pid_of_controller(sidecar)]]
    clients = [Peer.connect(port) for _ in range(10)]
    for client in clients:
        client.send(GET)
    sidecar.wait_stat("http.http.downstream_rq_active", 10)
    sidecar.process.kill()
    sidecar.process.wait()
    assert [status(client.message()[0]) for client in clients] == [200] * 10
    assert psutil.wait_procs(family, timeout=40)[1] == []
    with pytest.raises((ConnectionRefusedError, Closed)):
        Peer.connect(port).until(b"\r\n")


def test_a_bad_file_does_not_disturb_traffic(start: Start, tmp_path: Path) -> None:
    """Exit code 2 and the reason; the old configuration goes on."""
    port = free_port()
    with running("faulty") as upstream:
        sidecar = start(bootstrap([http_listener(port, [route()])], [cluster("backend", upstream)]), workers=2)
        done: list[tuple[int, str]] = []

        def bad_reloads() -> None:
            for bad in ("{", '{"static_resources": {"listenerz": []}}', '{"admin": 7}', ""):
                sidecar.file.write_text(bad)
                result = sidecar.reload()
                done.append((result.returncode, result.stderr))

        other = threading.Thread(target=bad_reloads)
        other.start()
        found = asyncio.run(ask(port, 3000, CLIENTS, ("none", "chunked")))
        other.join()
        assert [code for code, _ in done] == [2, 2, 2, 2], done
        assert all(error.strip() for _, error in done)
        assert found.wrong == [] and found.failed.total() == 0, found.outcomes
        settle(sidecar)
