"""HTTP/2 to upstreams through the real program, from clients of both versions."""

from __future__ import annotations

import time

from tests.fastpath.codec import h2_cases as raw
from tests.proxy.conftest import MakeUpstream, Through, sidecar_of
from tests.proxy.http2 import Exchange, H2Peer, echo, reply, request, serve
from tests.proxy.upstream import Closed, Peer, Upstream, parse_fields, status

CODE_REFUSED = 7


def test_from_http1(through: Through, upstream: MakeUpstream) -> None:
    peer = Peer.connect(through(upstream(serve(echo)), h2=True))
    peer.send(b"POST /x HTTP/1.1\r\nHost: b.example\r\nConnection: x-hop\r\nX-Hop: 1\r\nKeep-Alive: 1\r\n"
              b"TE: trailers\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 3\r\n\r\n")
    head = peer.until(b"\r\n\r\n")
    assert status(head) == 200 and parse_fields(head)[b"transfer-encoding"] == b"chunked"
    chunks = peer.until(b"0\r\n") + peer.until(b"\r\n\r\n")
    assert b":method: POST\n" in chunks and b":authority: b.example\n" in chunks and b":path: /x\n" in chunks
    assert b"te: trailers\n" in chunks and b"x-hop" not in chunks and b"connection" not in chunks
    assert b"\n\nabc" in chunks and chunks.endswith(b"x-sum: 3\r\n\r\n")


def test_http2_all_the_way(through: Through, upstream: MakeUpstream) -> None:
    backend = upstream(serve(echo))
    client = H2Peer.connect(through(backend, h2=True))
    ids = [client.start(request(b"/%d" % i, b"POST"), b"b%d" % i * 10000, end=False) for i in range(30)]
    for id in ids:
        client.made.send_headers(id, [(b"grpc-status", b"0")], end_stream=True)
    client.flush()
    client.wait(*ids)
    for i, id in enumerate(ids):
        stream = client.streams[id]
        assert b":path: /%d\n" % i in stream.body and stream.body.endswith(b"\n\n" + b"b%d" % i * 10000)
        assert stream.trailers == {b"grpc-status": b"0"}
    assert backend.accepted == 1
    sidecar_of(through).wait_stat("cluster.backend.upstream_cx_http2_total", 1)
    sidecar_of(through).wait_stat("cluster.backend.upstream_rq_active", 0)


def test_the_upstreams_limit_of_streams(through: Through, upstream: MakeUpstream) -> None:
    most = [0]
    waiting: list[tuple[H2Peer, int]] = []

    def answer(side: H2Peer, id: int, stream: Exchange) -> None:
        waiting.append((side, id))
        most[0] = max(most[0], len(waiting))
        if len(waiting) == 2:
            time.sleep(0.1)
            for each, number in waiting:
                reply(each, number, b"ok")
            waiting.clear()

    def limited(peer: Peer) -> None:
        inner = serve(answer)
        peer.send(raw.settings((3, 2)))
        inner(peer)

    client = H2Peer.connect(through(upstream(limited), h2=True,
                                    cluster={"circuit_breakers": {"thresholds": [{"max_connections": 1}]}}))
    ids = [client.start(request(b"/%d" % i)) for i in range(6)]
    client.wait(*ids)
    assert [client.streams[id].status for id in ids] == [200] * 6


def test_a_refused_stream_is_tried_again(through: Through, upstream: MakeUpstream) -> None:
    seen: list[int] = []

    def answer(side: H2Peer, id: int, stream: Exchange) -> None:
        seen.append(id)
        if len(seen) == 1:
            side.made.reset_stream(id, CODE_REFUSED)
            side.flush()
        else:
            reply(side, id, b"second")

    client = H2Peer.connect(through(upstream(serve(answer)), h2=True))
    assert client.ask(b"/", b"POST").body == b"second"
    assert len(seen) == 2


def test_an_upstreams_goaway_is_honoured(through: Through, upstream: MakeUpstream) -> None:
    def answer(side: H2Peer, id: int, stream: Exchange) -> None:
        reply(side, id, b"x")
        side.made.close_connection(last_stream_id=id)
        side.flush()
        side.peer.rest()
        raise Closed("after the goodbye")

    backend = upstream(serve(answer))
    client = H2Peer.connect(through(backend, h2=True))
    for _ in range(5):
        assert client.ask().body == b"x"
        time.sleep(0.05)
    assert backend.accepted == 5


def test_an_upstreams_reset_reaches_the_client(through: Through, upstream: MakeUpstream) -> None:
    def answer(side: H2Peer, id: int, stream: Exchange) -> None:
        side.made.send_headers(id, [(b":status", b"200")])
        side.made.send_data(id, b"part")
        side.flush()
        time.sleep(0.2)
        side.made.reset_stream(id, 2)
        side.flush()

    client = H2Peer.connect(through(upstream(serve(answer)), h2=True))
    answered = client.ask()
    assert answered.reset is not None and not answered.ended


def test_bodies_through_two_windows(through: Through, upstream: MakeUpstream) -> None:
    """Larger than every window on the way, both ways at once."""
    body = bytes(range(256)) * 20000
    client = H2Peer.connect(through(upstream(serve(echo)), h2=True))
    assert client.ask(b"/", b"POST", body=body).body.endswith(b"\n\n" + body)


def test_a_slow_reader_holds_an_http2_upstream_back(through: Through, upstream: MakeUpstream) -> None:
    sent = [0]

    def answer(side: H2Peer, id: int, stream: Exchange) -> None:
        side.made.send_headers(id, [(b":status", b"200")])
        while sent[0] < 60_000_000:
            side.send(id, b"x" * 16000)
            sent[0] += 16000

    client = H2Peer.connect(through(upstream(serve(answer)), h2=True), taking=False)
    client.start(request())
    time.sleep(1.5)
    held = sent[0]
    assert held < 5_000_000
    time.sleep(0.5)
    assert sent[0] == held


def test_connect_failures(through: Through) -> None:
    backend = Upstream()
    port = through(backend, h2=True)
    backend.stop()
    client = H2Peer.connect(port)
    answers = [client.ask() for _ in range(3)]
    assert [a.status for a in answers] == [503] * 3
    sidecar_of(through).wait_stat("cluster.backend.upstream_cx_active", 0)


def test_an_upstream_that_speaks_http1(through: Through, upstream: MakeUpstream) -> None:
    backend = upstream(lambda peer: peer.send(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"))
    assert H2Peer.connect(through(backend, h2=True)).ask().status in (502, 503)


def test_a_reload_keeps_connections(through: Through, upstream: MakeUpstream) -> None:
    port = through(upstream(serve(echo)), h2=True)
    sidecar = sidecar_of(through)
    client = H2Peer.connect(port)
    assert client.ask().status == 200
    config = {k: v for k, v in sidecar.config.items() if k != "admin"}
    for _ in range(3):
        config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"][
            "server_name"] = f"s{time.monotonic_ns()}"
        assert sidecar.reload(config).returncode == 0
        assert client.ask().heads[0][b"server"].startswith(b"s")
    assert client.goaways == []
