"""Descriptors run out, disks are full: what runs goes on, what waits is served later, nothing spins."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.proxy.sidecar import Sidecar, bootstrap, cluster, free_port, http_listener, route
from tests.proxy.upstream import Peer, ok, status
from tests.robustness.conftest import MakeUpstream, Start
from tests.robustness.programs import SANITIZED, output, tool
from tests.robustness.test_clients import memory
from tests.robustness.test_unique_answers import clean

GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
DIRECT = {"match": {"prefix": "/direct"}, "direct_response": {"status": 200, "body": {"inline_string": "hello"}}}


def asked(port: int, request: bytes = GET) -> Peer:
    """A connection on which a request was sent."""
    peer = Peer.connect(port)
    peer.send(request)
    return peer


@contextmanager
def few_descriptors(sidecar: Sidecar, spare: int) -> Iterator[psutil.Process]:
    """Every worker may have `spare` more than it has now."""
    workers = [psutil.Process(pid) for pid in sidecar.worker_pids()]
    before = [worker.rlimit(resource.RLIMIT_NOFILE) for worker in workers]
    for worker, (_, hard) in zip(workers, before, strict=True):
        worker.rlimit(resource.RLIMIT_NOFILE, (worker.num_fds() + spare, hard))
    try:
        yield workers[0]
    finally:
        for worker, limits in zip(workers, before, strict=True):
            worker.rlimit(resource.RLIMIT_NOFILE, limits)


def cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def answered(peers: list[Peer], seconds: float) -> list[Peer]:
    """Those that got a 200 in this time."""
    deadline = time.monotonic() + seconds
    done = []
    for peer in peers:
        peer.sock.settimeout(max(deadline - time.monotonic(), 0.01))
        try:
            head, _ = peer.message()
        except TimeoutError:
            continue
        assert status(head) == 200
        done.append(peer)
    return done


def serve_all(clients: list[Peer]) -> None:
    """Those that are served leave, which lets others in, until all were."""
    deadline = time.monotonic() + 60
    while clients:
        assert time.monotonic() < deadline, f"{len(clients)} were not served although descriptors are free"
        served = answered(clients, 0.3)
        for client in served:
            client.close()
        clients = [client for client in clients if client not in served]


def test_no_descriptors_for_clients(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    direct = GET.replace(b" / ", b" /direct ")
    sidecar = start(bootstrap([http_listener(port, [DIRECT, route()])], [cluster("backend", upstream().port)]))
    old = asked(port)
    assert status(old.message()[0]) == 200
    with few_descriptors(sidecar, 30) as worker:
        clients = [asked(port, direct) for _ in range(60)]
        first = answered(clients, 2)
        assert 10 < len(first) < 60
        before = cpu_seconds(worker)
        time.sleep(2)
        assert SANITIZED or cpu_seconds(worker) - before < 0.5
        old.send(GET)
        assert status(old.message()[0]) == 200
        for client in first:
            client.close()
        serve_all([client for client in clients if client not in first])
    old.close()
    clean(sidecar)


def test_no_descriptors_for_upstreams(start: Start, upstream: MakeUpstream) -> None:
    """Clients are not let in with the last descriptor: those who are get their upstream connections."""

    def slow(peer: Peer) -> None:
        while True:
            peer.message()
            time.sleep(0.1)
            peer.send(ok())

    port = free_port()
    sidecar = start(bootstrap([http_listener(port, [route()])], [cluster("backend", upstream(slow).port)]))
    assert status(asked(port).message()[0]) == 200
    with few_descriptors(sidecar, 60):
        clients = [asked(port) for _ in range(150)]
        serve_all(clients)
    assert sidecar.stat("http.http.downstream_rq_5xx") == 0


def logging_to(path: str) -> dict[str, Any]:
    log = {
        "name": "envoy.access_loggers.file",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
            "path": path,
            "log_format": {"text_format_source": {"inline_string": "%REQ(:PATH)%" + "x" * 4000 + "\n"}},
        },
    }
    return {"access_log": [log]}


def dropped(sidecar: Sidecar) -> int:
    return sidecar.stat("filesystem.lines_dropped") + sidecar.stat("server.access_log_dropped")


def requests(port: int, number: int = 3000) -> None:
    found = output(tool("h2load"), "--h1", "-n", str(number), "-c", "10", f"http://127.0.0.1:{port}/direct")
    assert f" {number} succeeded, 0 failed" in found and f"status codes: {number} 2xx" in found, found


def until_lines_are_dropped(sidecar: Sidecar, port: int) -> None:
    """16 MiB wait for each log: some 4000 lines of this one."""
    deadline = time.monotonic() + 60
    while dropped(sidecar) == 0:
        assert time.monotonic() < deadline, sidecar.admin("/stats?filter=filesystem")
        requests(port)
    assert sidecar.stat("filesystem.write_failed") > 0


def test_log_on_a_full_device(start: Start) -> None:
    port = free_port()
    listener = http_listener(port, [DIRECT], **logging_to("/dev/full"))
    sidecar = start(bootstrap([listener], []))
    until_lines_are_dropped(sidecar, port)
    assert SANITIZED or memory(sidecar) < 100 << 20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    directory = tmp_path / "small"
    directory.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(directory)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("mounting a file system is not permitted")
    yield directory
    subprocess.run(["umount", "-l", str(directory)], check=True)


def test_log_goes_on_when_the_disk_has_room_again(start: Start, small_disk: Path) -> None:
    port = free_port()
    log = small_disk / "access.log"
    sidecar = start(bootstrap([http_listener(port, [DIRECT], **logging_to(str(log)))], []))
    until_lines_are_dropped(sidecar, port)
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    size = log.stat().st_size
    deadline = time.monotonic() + 30
    while log.stat().st_size < size + (8 << 20):
        assert time.monotonic() < deadline, sidecar.admin("/stats?filter=filesystem")
        time.sleep(0.1)
    lines = log.read_bytes().split(b"\n")[:-1]
    assert set(lines) == {b"/direct" + b"x" * 4000}
