"""Mirrored requests: copies arrive, and a bad mirror never hurts the request it copies."""

from __future__ import annotations

import queue

from tests.proxy.conftest import MakeUpstream, Start
from tests.proxy.sidecar import Sidecar, bootstrap, cluster, free_port, http_listener, route
from tests.proxy.upstream import Peer, Upstream, ok, parse_fields, status


def mirrored(start: Start, main: Upstream, shadow_port: int, port: int) -> Sidecar:
    routes = [route(request_mirror_policies=[{"cluster": "shadow"}])]
    return start(bootstrap([http_listener(port, routes)], [cluster("backend", main.port), cluster("shadow", shadow_port)]))


def test_copies_arrive_whole(start: Start, upstream: MakeUpstream) -> None:
    seen: queue.Queue[tuple[bytes, bytes]] = queue.Queue()

    def shadow(peer: Peer) -> None:
        while True:
            seen.put(peer.message())
            peer.send(b"HTTP/1.1 500 No\r\ncontent-length: 3\r\n\r\nbad")

    port = free_port()
    sidecar = mirrored(start, upstream(), upstream(shadow).port, port)
    client = Peer.connect(port)
    for body in (b"", b"abc", b"x" * 100_000):
        client.send(b"POST /p?q=1 HTTP/1.1\r\nhost: example.com:81\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
        head, _ = client.message()
        assert status(head) == 200
        copy, copied = seen.get(timeout=5)
        assert copy.startswith(b"POST /p?q=1 HTTP/1.1\r\n") and copied == body
        assert parse_fields(copy)[b"host"] == b"example.com-shadow:81"
    sidecar.wait_stat("cluster.shadow.upstream_rq_5xx", 3)
    assert sidecar.stat("http.http.downstream_rq_5xx") == 0
    assert sidecar.stat("http.http.downstream_rq_total") == 3


def test_silent_mirror_holds_nobody_up(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    sidecar = mirrored(start, upstream(), upstream(lambda peer: peer.sock.recv(1) and peer.sock.settimeout(1)).port, port)
    client = Peer.connect(port)
    for _ in range(200):
        client.send(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9000\r\n\r\n" + bytes(9000))
        assert status(client.message()[0]) == 200
    client.close()
    sidecar.wait_stat("http.http.downstream_cx_active", 0)


def test_refusing_mirror_is_not_noticed(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    sidecar = mirrored(start, upstream(lambda peer: peer.message() and peer.send(ok())), free_port(), port)
    client = Peer.connect(port)
    client.send(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    assert status(client.message()[0]) == 200
    sidecar.wait_stat("cluster.shadow.upstream_cx_connect_fail", 1)
