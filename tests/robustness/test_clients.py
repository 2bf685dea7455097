"""Clients that stall, dribble, do not read, or go away at every state: others are served, and nothing stays behind."""

from __future__ import annotations

import asyncio
import time

import psutil
import pytest

from tests.proxy.sidecar import Sidecar, bootstrap, cluster, free_port, http_listener, route
from tests.proxy.upstream import Peer, status
from tests.robustness.asking import ask
from tests.robustness.bad_clients import GET, BadClients, many_descriptors
from tests.robustness.conftest import MakeUpstream, Start
from tests.robustness.programs import SANITIZED, running
from tests.robustness.test_unique_answers import clean

MIB = 1 << 20
TIMEOUTS = {"request_headers_timeout": "60s", "stream_idle_timeout": "60s"}


def memory(sidecar: Sidecar) -> int:
    return sum(psutil.Process(pid).memory_info().rss for pid in sidecar.worker_pids())


def descriptors(sidecar: Sidecar) -> int:
    return sum(psutil.Process(pid).num_fds() for pid in sidecar.worker_pids())


def settled(sidecar: Sidecar) -> tuple[int, int]:
    """Descriptors and bytes of memory of the workers once all gauges are 0 and upstream connections were closed."""
    clean(sidecar)
    sidecar.wait_stat("cluster.backend.upstream_cx_active", 0, 15)
    return descriptors(sidecar), memory(sidecar)


def round_of(clients: BadClients, port: int, number: int) -> None:
    """Bad clients come, others are served while they are there, they go."""
    clients.add(number)
    clients.dribble()
    found = asyncio.run(ask(port, 300, 4, ("none", "chunked")))
    assert found.wrong == [] and found.outcomes.total() == 300 and found.failed.total() == 0
    clients.dribble()
    clients.leave()


def test_nothing_stays_behind(start: Start) -> None:
    """The second half of the rounds takes no more than the first."""
    many_descriptors()
    port = free_port()
    with running("faulty") as upstream:
        idle = {"common_http_protocol_options": {"idle_timeout": "1s"}}
        breakers = {"thresholds": [{"max_connections": 5000, "max_pending_requests": 5000, "max_requests": 5000}]}
        backend = cluster("backend", upstream, circuit_breakers=breakers, **idle)
        sidecar = start(bootstrap([http_listener(port, [route()], **TIMEOUTS)], [backend]), workers=2)
        clients = BadClients(port)
        seen = []
        for _ in range(6):
            round_of(clients, port, 800)
            seen.append(settled(sidecar))
    files, bytes_used = [used[0] for used in seen], [used[1] for used in seen]
    assert max(files[3:]) <= max(files[:3]) + 4, seen
    assert SANITIZED or max(bytes_used[3:]) < max(bytes_used[:3]) + 6 * MIB, seen


def test_memory_of_clients_that_do_not_read(start: Start) -> None:
    """A thousand pipelined requests a client: one answer at a time is made, the rest waits in the kernel."""
    port = free_port()
    with running("faulty") as upstream:
        listener = http_listener(port, [route()], listener={"per_connection_buffer_limit_bytes": 65536}, **TIMEOUTS)
        sidecar = start(bootstrap([listener], [cluster("backend", upstream)]))
        assert status(answered(port)) == 200
        before = memory(sidecar)
        clients = [Peer.connect(port) for _ in range(50)]
        for client in clients:
            client.sock.setblocking(False)
            try:
                while client.sock.send(GET * 100):
                    pass
            except BlockingIOError:
                pass
        time.sleep(1)
        # Input and output buffer of a connection: some 64 KiB each.
        assert SANITIZED or memory(sidecar) - before < 50 * 300 * 1024
        for client in clients:
            client.reset()
        clean(sidecar)


def answered(port: int) -> bytes:
    client = Peer.connect(port)
    client.send(GET)
    head, _ = client.message()
    client.close()
    return head


def test_large_heads(start: Start, upstream: MakeUpstream) -> None:
    """500 heads of 60 KiB that never end: their bytes and not much more."""
    port = free_port()
    sidecar = start(bootstrap([http_listener(port, [route()], **TIMEOUTS)], [cluster("backend", upstream().port)]))
    before = memory(sidecar)
    clients = [Peer.connect(port) for _ in range(500)]
    for client in clients:
        client.send(b"GET / HTTP/1.1\r\nhost: x\r\n" + b"x: %s\r\n" % (b"y" * 994) * 59)
    sidecar.wait_stat("http.http.downstream_cx_active", 500)
    time.sleep(0.5)
    assert SANITIZED or memory(sidecar) - before < 500 * 150 * 1024
    for client in clients:
        client.send(b"x: y\r\n\r\n")
    assert [status(client.message()[0]) for client in clients] == [200] * 500
    for client in clients:
        client.close()
    clean(sidecar)


def test_stalled_heads_are_ended(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    listener = http_listener(port, [route()], request_headers_timeout="0.5s")
    sidecar = start(bootstrap([listener], [cluster("backend", upstream().port)]))
    clients = [Peer.connect(port) for _ in range(200)]
    for client in clients:
        client.send(GET[:20])
    assert [status(client.message()[0]) for client in clients] == [408] * 200
    for client in clients:
        assert client.closed()
    clean(sidecar)


def test_reset_while_the_body_is_held_back(start: Start, upstream: MakeUpstream) -> None:
    """An upstream that reads nothing stops the client; when that one resets, the request is over at once."""
    port = free_port()
    backend = upstream(lambda peer: time.sleep(8))
    sidecar = start(bootstrap([http_listener(port, [route()])], [cluster("backend", backend.port)]))
    client = Peer.connect(port)
    client.send(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000000\r\n\r\n")
    client.sock.settimeout(1)
    with pytest.raises(TimeoutError):
        while True:
            client.sock.sendall(b"b" * 65536)
    client.reset()
    sidecar.wait_stat("http.http.downstream_rq_active", 0, 3)


def test_pipelined_requests_are_answered_in_order(start: Start) -> None:
    port = free_port()
    with running("faulty") as upstream:
        start(bootstrap([http_listener(port, [route()])], [cluster("backend", upstream)]))
        client = Peer.connect(port)
        for first in range(0, 1000, 100):
            paths = [b"/none/%d/50" % number for number in range(first, first + 100)]
            client.send(b"".join(b"GET %s HTTP/1.1\r\nhost: x\r\n\r\n" % path for path in paths))
        for number in range(1000):
            assert b"\r\nx-id: %d\r\n" % number in client.message()[0]
