"""HTTP/2 of clients through the real program, translated to HTTP/1.1."""

from __future__ import annotations

import threading
import time

import pytest

from tests.fastpath.codec import h2_cases as raw
from tests.proxy.conftest import MakeUpstream, Through, sidecar_of
from tests.proxy.http2 import H2Peer, request
from tests.proxy.upstream import Closed, Peer, ok, parse_fields, status

CODE_CANCEL, CODE_REFUSED = 8, 7

# -- clients

@pytest.mark.parametrize("codec", ["HTTP2", "AUTO"])
def test_to_http1(through: Through, upstream: MakeUpstream, codec: str) -> None:
    client = H2Peer.connect(through(upstream(), codec_type=codec))
    answer = client.ask(b"/a?b=c", b"POST", (b"cookie", b"a=1"), (b"cookie", b"b=2"), (b"te", b"trailers"),
                        body=b"hello")
    assert answer.status == 200 and answer.heads[0][b"server"] == b"envoy"
    seen, _, body = answer.body.partition(b"\r\n\r\n")
    fields = parse_fields(seen)
    assert seen.startswith(b"POST /a?b=c HTTP/1.1\r\nhost: a.example\r\n")
    assert body == b"hello" and fields[b"transfer-encoding"] == b"chunked"
    assert fields[b"cookie"] == b"a=1; b=2"
    assert client.ask(b"/again", b"POST", (b"content-length", b"2"), body=b"ok").body.endswith(b"\r\n\r\nok")


def test_http1_clients_are_served_beside(through: Through, upstream: MakeUpstream) -> None:
    port = through(upstream())
    assert H2Peer.connect(port).ask().status == 200
    peer = Peer.connect(port)
    for method in (b"GET", b"POST", b"PUT"):
        for piece in (method[:1], method[1:] + b" / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n"):
            peer.send(piece)
            time.sleep(0.05)
        assert status(peer.message()[0]) == 200
    slow = Peer.connect(port)
    for i in range(len(raw.START)):
        slow.send(raw.START[i:i + 1])
    assert slow.exactly(9)[3] == raw.SETTINGS
    sidecar = sidecar_of(through)
    sidecar.wait_stat("http.http.downstream_cx_http2_active", 1)
    sidecar.wait_stat("http.http.downstream_cx_http2_total", 2)
    sidecar.wait_stat("http.http.downstream_cx_http1_total", 1)
    sidecar.wait_stat("http.http.downstream_rq_http2_total", 1)


def test_many_at_once(through: Through, upstream: MakeUpstream) -> None:
    client = H2Peer.connect(through(upstream()))
    bodies = {client.start(request(b"/%d" % i, b"POST"), b"%d" % i * 3000): b"%d" % i * 3000 for i in range(80)}
    client.wait(*bodies)
    assert all(client.streams[id].body.endswith(b"\r\n\r\n" + body) for id, body in bodies.items())
    sidecar_of(through).wait_stat("http2.streams_active", 0)


def test_trailers_to_and_from_http1(through: Through, upstream: MakeUpstream) -> None:
    seen: list[bytes] = []

    def handler(peer: Peer) -> None:
        peer.until(b"\r\n\r\n")
        seen.append(peer.until(b"0\r\n") + peer.until(b"\r\n\r\n"))
        peer.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-sum: 7\r\n\r\n")

    client = H2Peer.connect(through(upstream(handler)))
    id = client.start(request(b"/", b"POST"), b"body", end=False)
    client.made.send_headers(id, [(b"x-end", b"1")], end_stream=True)
    client.flush()
    answer = client.wait(id)
    assert (answer.body, answer.trailers) == (b"ok", {b"x-sum": b"7"})
    assert b"x-end: 1" in seen[0]


def test_expect_continue(through: Through, upstream: MakeUpstream) -> None:
    client = H2Peer.connect(through(upstream()))
    id = client.start(request(b"/", b"POST", (b"expect", b"100-continue"), (b"content-length", b"2")), end=False)
    while not client.streams[id].heads:
        client.more()
    assert client.streams[id].heads[0][b":status"] == b"100"
    client.send(id, b"ok", end=True)
    assert client.wait(id).status == 200


def test_head_and_local_replies(through: Through, upstream: MakeUpstream) -> None:
    said = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n"
    backend = upstream(lambda peer: (peer.until(b"\r\n\r\n"), peer.send(said)))
    port = through(backend)
    answer = H2Peer.connect(port).ask(b"/", b"HEAD")
    assert (answer.status, answer.body, answer.heads[0][b"content-length"]) == (200, b"", b"9")
    backend.stop()
    answer = H2Peer.connect(port).ask()
    assert answer.status == 503 and answer.body.startswith(b"upstream connect error")


def test_a_cancelled_request_ends_the_upstreams(through: Through, upstream: MakeUpstream) -> None:
    ended = threading.Event()

    def handler(peer: Peer) -> None:
        peer.until(b"\r\n\r\n")
        try:
            peer.more()
        except Closed:
            ended.set()

    client = H2Peer.connect(through(upstream(handler)))
    id = client.start(request())
    time.sleep(0.2)
    client.made.reset_stream(id, CODE_CANCEL)
    client.flush()
    assert ended.wait(5)
    sidecar_of(through).wait_stat("http2.rx_reset", 1)
    sidecar_of(through).wait_stat("http.http.downstream_rq_rx_reset", 1)


def test_an_upstream_that_breaks_off_resets_the_stream(through: Through, upstream: MakeUpstream) -> None:
    def handler(peer: Peer) -> None:
        head = peer.until(b"\r\n\r\n")
        if b"/bad" in head:
            peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf")
            time.sleep(0.1)
            peer.reset()
        else:
            peer.send(ok(b"fine"))

    client = H2Peer.connect(through(upstream(handler)))
    answer = client.ask(b"/bad")
    assert answer.reset == 2 and answer.body in (b"half", b"")
    assert client.ask(b"/good").body == b"fine"


def test_a_slow_reader_holds_the_upstream_back(through: Through, upstream: MakeUpstream) -> None:
    sent = [0]

    def handler(peer: Peer) -> None:
        peer.until(b"\r\n\r\n")
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 60000000\r\n\r\n")
        for _ in range(600):
            peer.send(b"x" * 100000)
            sent[0] += 100000

    port = through(upstream(handler))
    client = H2Peer.connect(port, taking=False)
    client.start(request())
    time.sleep(1)
    held = sent[0]
    assert held < 20_000_000          # windows and buffers, not the whole body
    time.sleep(0.5)
    assert sent[0] == held


def test_a_slow_upstream_holds_the_client_back(through: Through, upstream: MakeUpstream) -> None:
    release = threading.Event()
    got = [0]

    def handler(peer: Peer) -> None:
        peer.until(b"\r\n\r\n")
        release.wait(10)
        got[0] = len(peer.chunked())
        peer.send(ok())

    client = H2Peer.connect(through(upstream(handler)))
    id = client.start(request(b"/", b"POST"), end=False)
    sent = 0
    client.peer.sock.settimeout(1)
    with pytest.raises(TimeoutError):
        while sent < 60_000_000:
            client.send(id, b"x" * 16384)
            sent += 16384
    assert sent < 20_000_000
    client.peer.sock.settimeout(10)
    release.set()
    client.send(id, b"", end=True)
    assert client.wait(id).status == 200
    assert sent <= got[0] <= sent + 16384


def test_streams_flow_with_tiny_windows(through: Through, upstream: MakeUpstream) -> None:
    port = through(upstream(lambda peer: (peer.until(b"\r\n\r\n"), peer.send(ok(bytes(range(256)) * 400)))))
    client = H2Peer.connect(port)
    client.made.update_settings({4: 100})
    client.flush()
    ids = [client.start(request()) for _ in range(3)]
    client.wait(*ids)
    assert all(client.streams[id].body == bytes(range(256)) * 400 for id in ids)


# -- what is refused

def test_malformed_requests_reset_only_their_stream(through: Through, upstream: MakeUpstream) -> None:
    backend = upstream()
    client = H2Peer.connect(through(backend), checked=False)
    for fields in (request(b"/a\r\nx: y"), request(b"/", b"GET", (b"transfer-encoding", b"chunked")),
                   request(b"/", b"GET", (b"x", b"a\r\nb: c")), request(b"/", b"GET", (b"host", b"other"))):
        assert client.wait(client.start(fields)).reset == 1
    assert backend.accepted == 0
    assert client.ask().status == 200
    sidecar_of(through).wait_stat("http2.rx_messaging_error", 4)


def test_a_head_above_the_limit(through: Through, upstream: MakeUpstream) -> None:
    client = H2Peer.connect(through(upstream(), max_request_headers_kb=1))
    assert client.ask(b"/", b"GET", (b"x-large", b"v" * 2000)).status == 431
    assert client.ask().status == 200


def test_more_streams_than_allowed(through: Through, upstream: MakeUpstream) -> None:
    backend = upstream(lambda peer: (peer.until(b"\r\n\r\n"), time.sleep(0.5), peer.send(ok())))
    client = H2Peer.connect(through(backend, http2_protocol_options={"max_concurrent_streams": 2}))
    ids = [client.start(request()) for _ in range(3)]
    client.wait(*ids)
    assert sorted(client.streams[id].reset or 0 for id in ids) == [0, 0, CODE_REFUSED]


FLOODS = {
    "pings": raw.frame(raw.PING, 0, 0, b"12345678") * 200_000,
    "rapid resets": b"".join(raw.headers(2 * i + 1, raw.GET) + raw.reset(2 * i + 1) for i in range(2000)),
    "empty frames": raw.headers(1, raw.POST, raw.END_HEADERS) + raw.data(1, b"") * 100,
    "continuations": raw.headers(1, raw.GET, 0) + raw.frame(raw.CONTINUATION, 0, 1, b"\0\1a\1b") * 1000,
    "window updates": raw.window(0, 1) * 1000,
    "priorities": raw.frame(raw.PRIORITY, 0, 1, b"\0\0\0\0\0") * 1000,
}


@pytest.mark.parametrize("data", FLOODS.values(), ids=FLOODS)
def test_floods_end_the_connection(through: Through, upstream: MakeUpstream, data: bytes) -> None:
    """The offender is cut; another client is served meanwhile."""
    port = through(upstream())
    other = H2Peer.connect(port)
    offender = Peer.connect(port)
    try:
        offender.send(raw.START + data)
    except OSError:
        pass        # cut before it had said all
    offender.rest()
    assert other.ask().status == 200
    sidecar_of(through).wait_stat("http.http.downstream_cx_protocol_error", 1)
    sidecar_of(through).wait_stat("http.http.downstream_cx_active", 1)


# -- ends

def test_drain_says_goodbye_in_two_steps(through: Through, upstream: MakeUpstream) -> None:
    answer = threading.Event()
    backend = upstream(lambda peer: (peer.until(b"\r\n\r\n"), answer.wait(10), peer.send(ok(b"late"))))
    port = through(backend)
    sidecar = sidecar_of(through)
    client = Peer.connect(port)
    client.send(raw.START + raw.headers(1, raw.GET))
    time.sleep(0.3)
    sidecar.process.terminate()
    first = raw.frames(client.until(b"goodbye."))
    assert first[-2] == (raw.GOAWAY, 0, 0, b"\x7f\xff\xff\xff\0\0\0\0") and first[-1][0] == raw.PING
    client.send(raw.headers(3, raw.GET) + raw.frame(raw.PING, raw.ACK, 0, b"goodbye."))
    second = client.exactly(17)
    assert raw.frames(second) == [(raw.GOAWAY, 0, 0, b"\0\0\0\3\0\0\0\0")]
    client.send(raw.headers(5, raw.GET))
    answer.set()
    rest = raw.frames(client.rest())
    assert sorted(f[2] for f in rest if f[0] == raw.DATA and f[3] == b"late") == [1, 3]
    assert sidecar.process.wait(10) == 0


def test_an_idle_connection_is_ended(through: Through, upstream: MakeUpstream) -> None:
    client = H2Peer.connect(through(upstream(), common_http_protocol_options={"idle_timeout": "0.3s"}))
    assert client.ask().status == 200
    assert client.closed()
    assert client.goaways == [(1, 0)]
    sidecar_of(through).wait_stat("http.http.downstream_cx_idle_timeout", 1)
