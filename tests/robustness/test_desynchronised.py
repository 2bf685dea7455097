"""An upstream connection is used again only when nothing of its last exchange is left in it."""

from __future__ import annotations

import time

from tests.proxy.sidecar import bootstrap, cluster, free_port, http_listener, route
from tests.proxy.upstream import Peer, ok, status
from tests.robustness.conftest import MakeUpstream, Start

ONE_CONNECTION = {"thresholds": [{"max_connections": 1}]}
EVIL = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nEVIL"


def answers_of_waiting_requests(start: Start, upstream: MakeUpstream, answer: bytes) -> list[bytes]:
    """Four requests queue up for one connection; each gets `answer`, after a while that lets the others queue."""

    def handler(peer: Peer) -> None:
        while True:
            peer.message()
            time.sleep(0.2)
            peer.send(answer)

    port = free_port()
    backend = cluster("backend", upstream(handler).port, circuit_breakers=ONE_CONNECTION)
    sidecar = start(bootstrap([http_listener(port, [route()])], [backend]))
    clients = [Peer.connect(port) for _ in range(4)]
    for number, client in enumerate(clients):
        client.send(b"GET /%d HTTP/1.1\r\nhost: x\r\n\r\n" % number)
    sidecar.wait_stat("cluster.backend.upstream_rq_active", 1)
    return [client.message()[1] for client in clients]


def test_bytes_behind_a_response_never_answer_the_next_request(start: Start, upstream: MakeUpstream) -> None:
    assert answers_of_waiting_requests(start, upstream, ok(b"right") + EVIL) == [b"right"] * 4


def test_bytes_behind_a_large_response(start: Start, upstream: MakeUpstream) -> None:
    """Large bodies are spliced, so what follows them is not read along with them."""
    body = b"r" * 200_000
    assert answers_of_waiting_requests(start, upstream, ok(body) + EVIL) == [body] * 4


def test_bytes_behind_a_response_that_fills_a_read(start: Start, upstream: MakeUpstream) -> None:
    head = len(ok(b"r" * 8000)) - 8000
    body = b"r" * (8192 - head)
    assert answers_of_waiting_requests(start, upstream, ok(body) + EVIL) == [body] * 4


def test_bytes_behind_a_chunked_response(start: Start, upstream: MakeUpstream) -> None:
    chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nright\r\n0\r\n\r\n"

    def handler(peer: Peer) -> None:
        while True:
            peer.message()
            peer.send(chunked + EVIL)

    port = free_port()
    sidecar = start(bootstrap([http_listener(port, [route()])], [cluster("backend", upstream(handler).port)]))
    client = Peer.connect(port)
    for _ in range(20):
        client.send(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        head = client.until(b"\r\n\r\n")
        assert status(head) == 200 and client.chunked() == b"right"
    assert sidecar.stat("cluster.backend.upstream_rq_total") == 20


def test_informational_responses_are_bounded(start: Start, upstream: MakeUpstream) -> None:
    """1xx heads without end take memory of the request they belong to: it is given up at 1 MiB."""
    hint = b"HTTP/1.1 103 Early Hints\r\nlink: </%s>\r\n\r\n" % (b"x" * 1000)

    def handler(peer: Peer) -> None:
        peer.message()
        while True:
            peer.send(hint * 100)

    port = free_port()
    sidecar = start(bootstrap([http_listener(port, [route()])], [cluster("backend", upstream(handler).port)]))
    client = Peer.connect(port)
    client.send(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    assert len(client.until(b"HTTP/1.1 502 ")) < 4 << 20
    sidecar.wait_stat("cluster.backend.upstream_cx_protocol_error", 1)


def test_a_slow_reader_gets_all_of_the_last_answer(start: Start, upstream: MakeUpstream) -> None:
    """The delayed close counts from the last byte that went out."""
    body = bytes(range(256)) * 4096 * 6

    def handler(peer: Peer) -> None:
        peer.message()
        peer.send(ok(body))
        peer.rest()

    port = free_port()
    listener = http_listener(port, [route()], delayed_close_timeout="0.4s")
    start(bootstrap([listener], [cluster("backend", upstream(handler).port)]))
    client = Peer.connect(port)
    client.send(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    head = client.until(b"\r\n\r\n")
    seen = b""
    while len(seen) < len(body):
        seen += client.exactly(min(500_000, len(body) - len(seen)))
        time.sleep(0.1)
    assert b"connection: close" in head and seen == body and client.closed()
