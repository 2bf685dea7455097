"""HTTP/1.1 through the real program: framing, streaming, keep-alive, early answers, tunnels."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable

import pytest

from tests.proxy.conftest import MakeUpstream, Start
from tests.proxy.sidecar import Sidecar, bootstrap, cluster, free_port, http_listener, route
from tests.proxy.upstream import Peer, Upstream, ok, parse_fields, status

GET = b"GET /a HTTP/1.1\r\nhost: x\r\n\r\n"


@pytest.fixture
def through(start: Start) -> Callable[..., int]:
    """The port of a sidecar in front of an upstream."""

    def make(backend: Upstream, **manager: object) -> int:
        port = free_port()
        fields = manager.pop("cluster", {})
        action = manager.pop("action", {})
        assert isinstance(fields, dict) and isinstance(action, dict)
        listener = http_listener(port, [route(**action)], **manager)
        make.sidecar = start(bootstrap([listener], [cluster("backend", backend.port, **fields)]))  # type: ignore[attr-defined]
        return port

    return make


def sidecar_of(through: Callable[..., int]) -> Sidecar:
    found: Sidecar = through.sidecar  # type: ignore[attr-defined]
    return found


def test_forwards_a_request(through: Callable[..., int], upstream: MakeUpstream) -> None:
    client = Peer.connect(through(upstream()))
    client.send(b"POST /a?b=c HTTP/1.1\r\nHost: example.com\r\nX-Thing: One\r\nContent-Length: 3\r\n\r\nabc")
    head, body = client.message()
    assert status(head) == 200
    seen, _, sent = body.partition(b"\r\n\r\n")
    assert seen.startswith(b"POST /a?b=c HTTP/1.1\r\nhost: example.com\r\n")
    assert sent == b"abc"
    fields = parse_fields(seen)
    assert fields[b"x-thing"] == b"One"
    assert fields[b"content-length"] == b"3"
    assert fields[b"x-forwarded-proto"] == b"http"
    assert len(fields[b"x-request-id"]) == 36
    assert fields[b"x-envoy-expected-rq-timeout-ms"] == b"15000"
    assert b"connection" not in fields
    assert parse_fields(head)[b"server"] == b"envoy"
    assert b"x-envoy-upstream-service-time" in parse_fields(head)


def test_keeps_connections_on_both_sides(through: Callable[..., int], upstream: MakeUpstream) -> None:
    backend = upstream()
    client = Peer.connect(through(backend))
    for _ in range(20):
        client.send(GET)
        assert status(client.message()[0]) == 200
    assert backend.accepted == 1


def test_answers_pipelined_requests_in_order(through: Callable[..., int], upstream: MakeUpstream) -> None:
    client = Peer.connect(through(upstream()))
    client.send(b"".join(b"GET /%d HTTP/1.1\r\nhost: x\r\n\r\n" % n for n in range(50)))
    for n in range(50):
        assert client.message()[1].startswith(b"GET /%d " % n)


def test_streams_a_request_body(through: Callable[..., int], upstream: MakeUpstream) -> None:
    """The upstream sees the first half before the client sent the second."""
    seen = threading.Event()

    def handler(peer: Peer) -> None:
        head = peer.until(b"\r\n\r\n")
        assert parse_fields(head)[b"content-length"] == b"10"
        assert peer.exactly(5) == b"12345"
        seen.set()
        assert peer.exactly(5) == b"67890"
        peer.send(ok())

    client = Peer.connect(through(upstream(handler)))
    client.send(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n12345")
    assert seen.wait(5)
    client.send(b"67890")
    assert status(client.message()[0]) == 200


def test_streams_a_response_body(through: Callable[..., int], upstream: MakeUpstream) -> None:
    go_on = threading.Event()

    def handler(peer: Peer) -> None:
        peer.message()
        peer.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        assert go_on.wait(5)
        peer.send(b"6\r\nsecond\r\n0\r\n\r\n")
        peer.rest()

    client = Peer.connect(through(upstream(handler)))
    client.send(GET)
    head = client.until(b"\r\n\r\n")
    assert parse_fields(head)[b"transfer-encoding"] == b"chunked"
    assert client.until(b"first\r\n") == b"5\r\nfirst\r\n"
    go_on.set()
    assert client.until(b"0\r\n\r\n") == b"6\r\nsecond\r\n0\r\n\r\n"


def test_passes_trailers_both_ways(through: Callable[..., int], upstream: MakeUpstream) -> None:
    def handler(peer: Peer) -> None:
        peer.until(b"\r\n\r\n")
        assert peer.until(b"0\r\nx-sum: 7\r\n\r\n").startswith(b"3\r\nabc\r\n")
        peer.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nx-done: yes\r\n\r\n")
        peer.rest()

    client = Peer.connect(through(upstream(handler), http_protocol_options={"enable_trailers": True}))
    client.send(b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 7\r\n\r\n")
    client.until(b"\r\n\r\n")
    assert client.until(b"yes\r\n\r\n") == b"2\r\nhi\r\n0\r\nx-done: yes\r\n\r\n"


@pytest.mark.parametrize("code", [204, 304])
def test_bodiless_statuses(through: Callable[..., int], upstream: MakeUpstream, code: int) -> None:
    def handler(peer: Peer) -> None:
        while True:
            peer.message()
            peer.send(b"HTTP/1.1 %d X\r\netag: e\r\n\r\n" % code)

    client = Peer.connect(through(upstream(handler)))
    for _ in range(2):
        client.send(GET)
        head = client.until(b"\r\n\r\n")
        assert status(head) == code
        assert b"content-length" not in head and b"transfer-encoding" not in head


def test_head_keeps_the_length_and_has_no_body(through: Callable[..., int], upstream: MakeUpstream) -> None:
    def handler(peer: Peer) -> None:
        while True:
            peer.message()
            peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")

    client = Peer.connect(through(upstream(handler)))
    for _ in range(2):
        client.send(b"HEAD / HTTP/1.1\r\nhost: x\r\n\r\n")
        assert parse_fields(client.until(b"\r\n\r\n"))[b"content-length"] == b"1000"
    assert client.unread == b""


def test_body_until_close_becomes_chunked(through: Callable[..., int], upstream: MakeUpstream) -> None:
    def handler(peer: Peer) -> None:
        peer.message()
        peer.send(b"HTTP/1.1 200 OK\r\n\r\nno length")

    client = Peer.connect(through(upstream(handler)))
    client.send(GET)
    head, body = client.message()
    assert parse_fields(head)[b"transfer-encoding"] == b"chunked"
    assert body == b"no length"


def test_expect_continue_is_answered_here(through: Callable[..., int], upstream: MakeUpstream) -> None:
    client = Peer.connect(through(upstream()))
    client.send(b"POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n")
    assert client.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.send(b"hi")
    head, body = client.message()
    assert status(head) == 200 and body.endswith(b"hi") and b"\r\nexpect:" not in body


def test_informational_responses_pass(through: Callable[..., int], upstream: MakeUpstream) -> None:
    def handler(peer: Peer) -> None:
        peer.message()
        peer.send(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + ok())
        peer.rest()

    client = Peer.connect(through(upstream(handler)))
    client.send(GET)
    assert status(client.until(b"\r\n\r\n")) == 103
    assert status(client.message()[0]) == 200


def test_early_response_closes_both_sides(through: Callable[..., int], upstream: MakeUpstream) -> None:
    """The answer comes before the request is complete: it is delivered, nothing is pooled."""
    answered = threading.Event()

    def handler(peer: Peer) -> None:
        peer.until(b"\r\n\r\n")
        peer.send(b"HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig")
        answered.set()
        peer.rest()

    backend = upstream(handler)
    client = Peer.connect(through(backend))
    client.send(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n" + b"a" * 1000)
    head, body = client.message()
    assert status(head) == 413 and body == b"big"
    assert client.closed()
    sidecar_of(through).wait_stat("cluster.backend.upstream_cx_active", 0)


def test_websocket_upgrade(through: Callable[..., int], upstream: MakeUpstream) -> None:
    def handler(peer: Peer) -> None:
        head = peer.until(b"\r\n\r\n")
        fields = parse_fields(head)
        assert fields[b"upgrade"] == b"websocket" and fields[b"connection"].lower() == b"upgrade"
        peer.send(b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nhello")
        while True:
            peer.send(peer.exactly(4)[::-1])

    client = Peer.connect(through(upstream(handler), upgrade_configs=[{"upgrade_type": "websocket"}]))
    client.send(b"GET /ws HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n")
    head = client.until(b"\r\n\r\n")
    assert status(head) == 101 and parse_fields(head)[b"upgrade"] == b"websocket"
    assert client.exactly(5) == b"hello"
    for word in (b"abcd", b"1234"):
        client.send(word)
        assert client.exactly(4) == word[::-1]


def test_upgrade_is_refused_unless_configured(through: Callable[..., int], upstream: MakeUpstream) -> None:
    backend = upstream()
    client = Peer.connect(through(backend))
    client.send(b"GET /ws HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n")
    assert status(client.message()[0]) == 403
    assert backend.accepted == 0


def test_connect_tunnel(through: Callable[..., int], upstream: MakeUpstream, start: Start) -> None:
    def handler(peer: Peer) -> None:
        assert peer.until(b"\r\n\r\n").startswith(b"CONNECT db.example:5432 HTTP/1.1\r\n")
        peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        assert peer.rest() == b"question"
        peer.send(b"answer after the half-close")

    port = free_port()
    match = {"match": {"connect_matcher": {}}, "route": {"cluster": "backend"}}
    listener = http_listener(port, [match], upgrade_configs=[{"upgrade_type": "CONNECT"}])
    start(bootstrap([listener], [cluster("backend", upstream(handler).port)]))
    client = Peer.connect(port)
    client.send(b"CONNECT db.example:5432 HTTP/1.1\r\nhost: db.example:5432\r\n\r\n")
    assert status(client.until(b"\r\n\r\n")) == 200
    client.send(b"question")
    client.sock.shutdown(socket.SHUT_WR)
    assert client.rest() == b"answer after the half-close"


def test_hop_by_hop_headers_stay_here(through: Callable[..., int], upstream: MakeUpstream) -> None:
    client = Peer.connect(through(upstream()))
    client.send(
        b"GET / HTTP/1.1\r\nhost: x\r\nconnection: keep-alive, x-secret\r\nkeep-alive: 5\r\nx-secret: 1\r\n"
        b"proxy-connection: a\r\nte: trailers\r\nx-kept: 2\r\n\r\n"
    )
    seen = parse_fields(client.message()[1])
    assert seen[b"x-kept"] == b"2" and seen[b"te"] == b"trailers"
    assert not {b"connection", b"keep-alive", b"x-secret", b"proxy-connection"} & seen.keys()


def test_http10_client_gets_a_closed_connection(through: Callable[..., int], upstream: MakeUpstream) -> None:
    options = {"http_protocol_options": {"accept_http_10": True, "default_host_for_http_10": "old.example"}}
    client = Peer.connect(through(upstream(), **options))
    client.send(b"GET /old HTTP/1.0\r\n\r\n")
    answer = client.rest()
    assert b"host: old.example" in answer and b"\r\nconnection: close\r\n" in answer


def test_client_connection_close(through: Callable[..., int], upstream: MakeUpstream) -> None:
    client = Peer.connect(through(upstream()))
    client.send(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    head, _ = client.message()
    assert parse_fields(head)[b"connection"] == b"close"
    assert client.closed()


def test_many_large_bodies_on_one_connection(through: Callable[..., int], upstream: MakeUpstream) -> None:
    """Sizes around every threshold at which bodies change the way they are moved."""
    sizes = [0, 1, 8000, 8192, 30000, 40960, 41000, 65536, 65537, 200_000, 1 << 20, 3_000_000, 17]

    def handler(peer: Peer) -> None:
        while True:
            head, _ = peer.message()
            n = int(head.split(b"/")[1].split(b" ")[0])
            peer.send(ok(bytes([n % 251]) * n))

    client = Peer.connect(through(upstream(handler)))
    for n in sizes * 4:
        client.send(b"GET /%d HTTP/1.1\r\nhost: x\r\n\r\n" % n)
        assert client.message()[1] == bytes([n % 251]) * n


def test_slow_upload_through_back_pressure(through: Callable[..., int], upstream: MakeUpstream) -> None:
    """An upstream that does not read stops the client; nothing is lost and memory stays bounded."""
    size = 64 << 20

    def handler(peer: Peer) -> None:
        peer.until(b"\r\n\r\n")
        time.sleep(1)
        got = len(peer.unread)
        while got < size:
            got += len(peer.sock.recv(1 << 20))
        peer.send(ok(b"%d" % got))
        peer.rest()

    client = Peer.connect(through(upstream(handler)))
    client.sock.settimeout(60)
    sidecar = sidecar_of(through)
    [worker] = sidecar.worker_pids()
    sender = threading.Thread(
        target=lambda: client.send(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % size + bytes(size))
    )
    before = resident_kib(worker)
    sender.start()
    time.sleep(0.8)
    grown = resident_kib(worker) - before
    assert client.message()[1] == b"%d" % size
    sender.join()
    assert grown < 8192, f"{grown} KiB held for one slow upload"


def resident_kib(pid: int) -> int:
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


def test_slow_reader_through_back_pressure(through: Callable[..., int], upstream: MakeUpstream) -> None:
    size = 64 << 20

    def handler(peer: Peer) -> None:
        peer.message()
        peer.sock.settimeout(60)
        peer.send(ok(bytes(size)))
        peer.rest()

    client = Peer.connect(through(upstream(handler)))
    [worker] = sidecar_of(through).worker_pids()
    before = resident_kib(worker)
    client.send(GET)
    time.sleep(1)
    assert resident_kib(worker) - before < 8192
    client.until(b"\r\n\r\n")
    got = len(client.unread)
    while got < size:
        more = len(client.sock.recv(1 << 20))
        assert more, f"the answer ended after {got} bytes"
        got += more
