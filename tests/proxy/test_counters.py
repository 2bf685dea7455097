"""Counters of unusual endings, as Envoy 1.40 counts them with the same upstreams and clients."""

from __future__ import annotations

import time

from tests.proxy.conftest import MakeUpstream, Start
from tests.proxy.sidecar import Sidecar, bootstrap, cluster, free_port, http_listener, route
from tests.proxy.upstream import Peer, status

GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


def cut_short(peer: Peer) -> None:
    peer.until(b"\r\n\r\n")
    peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc")
    time.sleep(0.1)


def closes_at_once(peer: Peer) -> None:
    peer.until(b"\r\n\r\n")


def says_close(peer: Peer) -> None:
    peer.until(b"\r\n\r\n")
    peer.send(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok")


def hangs(peer: Peer) -> None:
    peer.until(b"\r\n\r\n")
    peer.rest()


def counted(sidecar: Sidecar, *names: str) -> list[int]:
    time.sleep(0.1)
    return [sidecar.stat(name) for name in names]


def test_upstream_says_close(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    sidecar = start(bootstrap([http_listener(port, [route()])], [cluster("backend", upstream(says_close).port)]))
    for _ in range(2):
        peer = Peer.connect(port)
        peer.send(GET)
        assert peer.message()[1] == b"ok"
    assert counted(sidecar, "cluster.backend.upstream_cx_close_notify") == [2]


def test_an_answer_that_is_broken_off(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    sidecar = start(bootstrap([http_listener(port, [route()])], [cluster("backend", upstream(cut_short).port)]))
    peer = Peer.connect(port)
    peer.send(GET)
    assert peer.rest().endswith(b"abc")
    assert counted(sidecar, "http.http.downstream_rq_tx_reset", "cluster.backend.upstream_rq_rx_reset") == [1, 0]


def test_connections_are_not_streams_that_are_reset(start: Start, upstream: MakeUpstream) -> None:
    """HTTP/1 upstreams: neither a refused connection nor one that ends or is given up is a reset of a request."""
    port = free_port()
    routes = [route("/refused", "refused"), route("/closed", "closed"), route("/hang", "hang")]
    clusters = [cluster("refused", free_port()), cluster("closed", upstream(closes_at_once).port)]
    sidecar = start(bootstrap([http_listener(port, routes)], [*clusters, cluster("hang", upstream(hangs).port)]))
    for path in (b"/refused", b"/closed"):
        peer = Peer.connect(port)
        peer.send(GET.replace(b"/ ", path + b" ", 1))
        assert status(peer.message()[0]) == 503
    peer = Peer.connect(port)
    peer.send(GET.replace(b"/ ", b"/hang ", 1))
    time.sleep(0.1)
    peer.close()
    clusters_of = ("refused", "closed", "hang")
    names = [f"cluster.{name}.upstream_rq_{way}_reset" for name in clusters_of for way in ("rx", "tx")]
    assert counted(sidecar, *names, "http.http.downstream_rq_rx_reset") == [0, 0, 0, 0, 0, 0, 1]


def test_who_does_not_close_after_its_last_answer(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    listener = http_listener(port, [route()], delayed_close_timeout="0.2s")
    sidecar = start(bootstrap([listener], [cluster("backend", upstream().port)]))
    stays, leaves = Peer.connect(port), Peer.connect(port)
    for peer in (stays, leaves):
        peer.send(b"BAD BAD\r\n\r\n")
        assert status(peer.until(b"\r\n\r\n")) == 400
    leaves.close()
    sidecar.wait_stat("http.http.downstream_cx_delayed_close_timeout", 1)
    time.sleep(0.3)
    assert counted(sidecar, "http.http.downstream_cx_delayed_close_timeout") == [1]
    assert stays.closed() or stays.rest()
