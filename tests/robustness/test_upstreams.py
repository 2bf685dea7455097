"""Upstreams that refuse, hang, trickle, flood or go away, and what that costs."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time

import psutil
import pytest

from tests.proxy.sidecar import Sidecar, bootstrap, cluster, free_port, http_listener, route
from tests.proxy.upstream import Closed, Peer, ok, status
from tests.robustness.asking import ask
from tests.robustness.conftest import MakeUpstream, Start
from tests.robustness.programs import SANITIZED, running
from tests.robustness.test_clients import memory
from tests.robustness.test_unique_answers import clean

GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
MIB = 1 << 20


def get(port: int) -> int:
    client = Peer.connect(port)
    client.send(GET)
    head, _ = client.message()
    client.close()
    return status(head)


def cpu_seconds(sidecar: Sidecar) -> float:
    return sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in sidecar.worker_pids())


def test_a_hanging_upstream_does_not_disturb_another(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    with running("faulty") as good:
        hanging = cluster("hanging", upstream(lambda peer: peer.rest() and None).port)
        routes = [route("/hang", "hanging", timeout="3s"), route()]
        sidecar = start(bootstrap([http_listener(port, routes)], [hanging, cluster("backend", good)]))
        stuck = [Peer.connect(port) for _ in range(200)]
        for client in stuck:
            client.send(GET.replace(b" / ", b" /hang "))
        sidecar.wait_stat("cluster.hanging.upstream_rq_active", 200)
        before = cpu_seconds(sidecar)
        found = asyncio.run(ask(port, 1000, 8, ("none", "chunked")))
        assert found.wrong == [] and found.failed.total() == 0
        assert [status(client.message()[0]) for client in stuck] == [504] * 200
        assert SANITIZED or cpu_seconds(sidecar) - before < 3
        for client in stuck:
            client.close()
        clean(sidecar)
        sidecar.wait_stat("cluster.hanging.upstream_cx_active", 0)


def test_an_upstream_that_comes_back(start: Start, upstream: MakeUpstream) -> None:
    port, backend = free_port(), free_port()
    sidecar = start(bootstrap([http_listener(port, [route()])], [cluster("backend", backend)]))
    assert [get(port) for _ in range(20)] == [503] * 20
    upstream(port=backend)
    assert [get(port) for _ in range(20)] == [200] * 20
    assert sidecar.stat("cluster.backend.upstream_cx_connect_fail") == 20


def test_connections_reset_while_idle_are_not_lent(start: Start, upstream: MakeUpstream) -> None:
    def handler(peer: Peer) -> None:
        peer.message()
        peer.send(ok())
        time.sleep(0.05)
        peer.reset()

    port = free_port()
    backend = upstream(handler)
    start(bootstrap([http_listener(port, [route()])], [cluster("backend", backend.port)]))
    for _ in range(10):
        client = Peer.connect(port)
        client.send(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\na")
        assert status(client.message()[0]) == 200
        client.close()
        time.sleep(0.2)
    assert backend.accepted == 10


def test_the_rest_of_a_large_answer_is_not_fetched_for_a_client_that_left(start: Start, upstream: MakeUpstream) -> None:
    sent = threading.Event()
    amounts: list[int] = []

    def handler(peer: Peer) -> None:
        peer.message()
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n")
        amount = 0
        with contextlib.suppress(OSError):
            while amount < 100_000_000:
                peer.send(b"x" * 100_000)
                amount += 100_000
        amounts.append(amount)
        sent.set()

    port = free_port()
    sidecar = start(bootstrap([http_listener(port, [route()])], [cluster("backend", upstream(handler).port)]))
    client = Peer.connect(port)
    client.send(GET)
    client.until(b"\r\n\r\n")
    client.exactly(1_000_000)
    client.reset()
    assert sent.wait(10) and amounts[0] < 60_000_000
    clean(sidecar)
    sidecar.wait_stat("cluster.backend.upstream_cx_active", 0)


@pytest.mark.parametrize("framing", [b"content-length: 100000000", b"transfer-encoding: chunked", b"x: until close"])
def test_a_large_answer_waits_for_a_slow_client(start: Start, upstream: MakeUpstream, framing: bytes) -> None:
    """What the proxy holds of it is bounded, however it is framed."""
    chunk = b"186a0\r\n%s\r\n" % (b"x" * 100_000) if b"chunked" in framing else b"x" * 100_000

    def handler(peer: Peer) -> None:
        peer.message()
        peer.sock.settimeout(4)
        peer.send(b"HTTP/1.1 200 OK\r\n%s\r\n\r\n" % framing)
        with contextlib.suppress(OSError):
            for _ in range(1000):
                peer.send(chunk)

    port = free_port()
    sidecar = start(bootstrap([http_listener(port, [route()])], [cluster("backend", upstream(handler).port)]))
    before = memory(sidecar)
    clients = [Peer.connect(port) for _ in range(8)]
    for client in clients:
        client.send(GET)
        client.until(b"\r\n\r\n")
    time.sleep(1)
    # 1 MiB is the default of per_connection_buffer_limit_bytes; buffers grow by doubling.
    assert SANITIZED or memory(sidecar) - before < 8 * 4 * MIB
    for client in clients:
        client.reset()
    clean(sidecar)


def test_a_trickle_passes_through_as_it_comes(start: Start, upstream: MakeUpstream) -> None:
    go_on = threading.Semaphore(0)

    def handler(peer: Peer) -> None:
        peer.message()
        for byte in ok(b"0123456789"):
            peer.send(bytes([byte]))
            if byte in b"0123456789":
                go_on.acquire(timeout=5)

    port = free_port()
    start(bootstrap([http_listener(port, [route()])], [cluster("backend", upstream(handler).port)]))
    client = Peer.connect(port)
    client.send(GET)
    for _ in range(20):
        go_on.release()  # the digits of the head
    client.until(b"\r\n\r\n")
    assert client.exactly(10) == b"0123456789"


def test_upstreams_that_are_slow_to_read_hold_the_client_back(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    sidecar = start(
        bootstrap([http_listener(port, [route()])], [cluster("backend", upstream(lambda peer: time.sleep(4)).port)])
    )
    before = memory(sidecar)
    clients = [Peer.connect(port) for _ in range(8)]
    for client in clients:
        client.send(b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
        client.sock.settimeout(0.3)
        with contextlib.suppress(TimeoutError):
            for _ in range(1000):
                client.sock.sendall(b"186a0\r\n%s\r\n" % (b"x" * 100_000))
    assert SANITIZED or memory(sidecar) - before < 8 * 4 * MIB
    for client in clients:
        client.reset()
    clean(sidecar)


def test_an_answer_cut_short_is_never_taken_for_complete(start: Start, upstream: MakeUpstream) -> None:
    answers = [
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n" + b"h" * 50_000,
    ]
    for answer in answers:

        def handler(peer: Peer, answer: bytes = answer) -> None:
            peer.message()
            peer.send(answer)

        port = free_port()
        start(bootstrap([http_listener(port, [route()])], [cluster("backend", upstream(handler).port)]))
        client = Peer.connect(port)
        client.send(GET)
        with pytest.raises(Closed):
            client.message()
