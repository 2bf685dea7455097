"""TCP proxy through the real program: bytes, half-close, resets, bulk."""

from __future__ import annotations

import hashlib
import os
import socket
import threading

from tests.proxy.conftest import MakeUpstream, Start
from tests.proxy.sidecar import bootstrap, cluster, free_port, tcp_listener
from tests.proxy.upstream import Closed, Peer


def echo(peer: Peer) -> None:
    while True:
        if not peer.unread:
            peer.more()
        peer.send(peer.unread)
        peer.unread = b""


def test_bytes_both_ways(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    sidecar = start(bootstrap([tcp_listener(port)], [cluster("backend", upstream(echo).port)]))
    client = Peer.connect(port)
    for n in (1, 100, 5000, 70000):
        data = os.urandom(n)
        client.send(data)
        assert client.exactly(n) == data
    client.close()
    sidecar.wait_stat("tcp.tcp.downstream_cx_active", 0)
    sidecar.wait_stat("cluster.backend.upstream_cx_active", 0)
    assert sidecar.stat("tcp.tcp.downstream_cx_rx_bytes_total") == 75101


def test_half_close_is_passed_on(start: Start, upstream: MakeUpstream) -> None:
    def handler(peer: Peer) -> None:
        question = peer.rest()
        peer.send(b"you said " + question)

    port = free_port()
    sidecar = start(bootstrap([tcp_listener(port)], [cluster("backend", upstream(handler).port)]))
    client = Peer.connect(port)
    client.send(b"hello")
    client.sock.shutdown(socket.SHUT_WR)
    assert client.rest() == b"you said hello"
    sidecar.wait_stat("tcp.tcp.downstream_cx_active", 0)


def test_server_speaks_first(start: Start, upstream: MakeUpstream) -> None:
    def handler(peer: Peer) -> None:
        peer.send(b"220 hello\r\n")
        peer.rest()

    port = free_port()
    start(bootstrap([tcp_listener(port)], [cluster("backend", upstream(handler).port)]))
    assert Peer.connect(port).until(b"\r\n") == b"220 hello\r\n"


def test_resets_are_passed_on(start: Start, upstream: MakeUpstream) -> None:
    seen = threading.Event()

    def handler(peer: Peer) -> None:
        peer.exactly(2)
        try:
            peer.more()
        except Closed as closed:
            assert str(closed) == "reset"
            seen.set()

    port = free_port()
    start(bootstrap([tcp_listener(port)], [cluster("backend", upstream(handler).port)]))
    client = Peer.connect(port)
    client.send(b"hi")
    assert not client.closed(0.2)
    client.reset()
    assert seen.wait(5)


def test_bulk_is_exact(start: Start, upstream: MakeUpstream) -> None:
    """Long enough to be moved by splice, both ways at once."""
    size = 256 << 20
    digests: dict[str, str] = {}
    block = os.urandom(1 << 20)

    def pour(peer: Peer) -> None:
        for n in range(size // len(block)):
            peer.send(block[n:] + block[:n])
        peer.sock.shutdown(socket.SHUT_WR)

    def drink(peer: Peer, name: str) -> None:
        digest = hashlib.sha256()
        while data := peer.sock.recv(1 << 20):
            digest.update(data)
        digests[name] = digest.hexdigest()

    def both(peer: Peer, name: str) -> None:
        peer.sock.settimeout(60)
        other = threading.Thread(target=pour, args=(peer,))
        other.start()
        drink(peer, name)
        other.join()

    port = free_port()
    done = threading.Event()

    def handler(peer: Peer) -> None:
        both(peer, "server")
        done.set()

    sidecar = start(bootstrap([tcp_listener(port)], [cluster("backend", upstream(handler).port)]))
    both(Peer.connect(port), "client")
    assert done.wait(30)
    expected = hashlib.sha256()
    for n in range(size // len(block)):
        expected.update(block[n:] + block[:n])
    assert digests == {"client": expected.hexdigest(), "server": expected.hexdigest()}
    sidecar.wait_stat("tcp.tcp.downstream_cx_active", 0)


def test_upstream_refuses(start: Start) -> None:
    port = free_port()
    sidecar = start(bootstrap([tcp_listener(port)], [cluster("backend", free_port())]))
    assert Peer.connect(port).closed()
    sidecar.wait_stat("cluster.backend.upstream_cx_connect_fail", 1)
    sidecar.wait_stat("tcp.tcp.downstream_cx_active", 0)


def test_connect_attempts_are_repeated(start: Start) -> None:
    port = free_port()
    sidecar = start(bootstrap([tcp_listener(port, max_connect_attempts=3)], [cluster("backend", free_port())]))
    assert Peer.connect(port).closed()
    sidecar.wait_stat("cluster.backend.upstream_cx_connect_fail", 3)
    sidecar.wait_stat("cluster.backend.upstream_cx_connect_attempts_exceeded", 1)


def test_idle_timeout(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    sidecar = start(bootstrap([tcp_listener(port, idle_timeout="0.3s")], [cluster("backend", upstream(echo).port)]))
    client = Peer.connect(port)
    client.send(b"a")
    assert client.exactly(1) == b"a"
    assert client.closed()
    sidecar.wait_stat("tcp.tcp.idle_timeout", 1)


def test_slow_reader_is_bounded(start: Start, upstream: MakeUpstream) -> None:
    """A client that does not read holds back the upstream; the worker does not grow."""
    sent = 0

    def handler(peer: Peer) -> None:
        nonlocal sent
        peer.sock.settimeout(1)
        try:
            while True:
                sent += peer.sock.send(bytes(1 << 16))
        except TimeoutError:
            pass
        peer.rest()

    port = free_port()
    sidecar = start(bootstrap([tcp_listener(port)], [cluster("backend", upstream(handler).port)]))
    [worker] = sidecar.worker_pids()
    client = Peer.connect(port)
    sidecar.wait_stat("tcp.tcp.downstream_cx_active", 1)
    threading.Event().wait(2)
    with open(f"/proc/{worker}/status") as file:
        resident = next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))
    # A sanitized build keeps freed memory for a while.
    assert sent > 0 and (resident < 64 << 10 or "ASAN_OPTIONS" in os.environ)
