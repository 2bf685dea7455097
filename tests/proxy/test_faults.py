"""What goes wrong on either side, and what the other side sees: statuses, flags, statistics."""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.proxy.conftest import MakeUpstream, Start
from tests.proxy.sidecar import bootstrap, cluster, free_port, http_listener, route
from tests.proxy.upstream import Peer, ok, status

GET = b"GET /a HTTP/1.1\r\nhost: x\r\n\r\n"
RETRY = {"retry_policy": {"retry_on": "5xx,reset,connect-failure", "num_retries": 2}}


def get(port: int, path: bytes = b"/a") -> tuple[bytes, bytes]:
    client = Peer.connect(port)
    client.send(b"GET %s HTTP/1.1\r\nhost: x\r\n\r\n" % path)
    found = client.message()
    client.close()
    return found


def test_no_route(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    start(bootstrap([http_listener(port, [route("/only")])], [cluster("backend", upstream().port)]))
    head, body = get(port, b"/other")
    assert status(head) == 404 and body == b""


def test_upstream_refuses(start: Start) -> None:
    port = free_port()
    sidecar = start(bootstrap([http_listener(port, [route()])], [cluster("backend", free_port())]))
    head, body = get(port)
    assert status(head) == 503
    assert body.startswith(b"upstream connect error or disconnect/reset before headers. reset reason: ")
    sidecar.wait_stat("cluster.backend.upstream_cx_connect_fail", 1)
    sidecar.wait_stat("cluster.backend.upstream_rq_pending_active", 0)


def test_upstream_never_answers(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    backend = upstream(lambda peer: peer.rest() and None)
    sidecar = start(bootstrap([http_listener(port, [route(timeout="0.3s")])], [cluster("backend", backend.port)]))
    head, body = get(port)
    assert status(head) == 504 and body == b"upstream request timeout"
    sidecar.wait_stat("cluster.backend.upstream_rq_timeout", 1)
    sidecar.wait_stat("cluster.backend.upstream_rq_active", 0)
    sidecar.wait_stat("cluster.backend.upstream_cx_active", 0)


def test_upstream_closes_before_the_head(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    backend = upstream(lambda peer: peer.until(b"\r\n\r\n") and None)
    start(bootstrap([http_listener(port, [route()])], [cluster("backend", backend.port)]))
    client = Peer.connect(port)
    client.send(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\na")
    head, body = client.message()
    assert status(head) == 503 and body.endswith(b"connection termination")


def test_upstream_resets_inside_the_body(start: Start, upstream: MakeUpstream) -> None:
    def handler(peer: Peer) -> None:
        peer.message()
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
        time.sleep(0.2)
        peer.reset()

    port = free_port()
    sidecar = start(bootstrap([http_listener(port, [route()])], [cluster("backend", upstream(handler).port)]))
    client = Peer.connect(port)
    client.send(GET)
    assert status(client.until(b"\r\n\r\n")) == 200
    assert client.rest() == b"half"
    sidecar.wait_stat("http.http.downstream_rq_active", 0)


def test_upstream_speaks_nonsense(start: Start, upstream: MakeUpstream) -> None:
    def handler(peer: Peer) -> None:
        peer.message()
        peer.send(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
        peer.rest()

    port = free_port()
    sidecar = start(bootstrap([http_listener(port, [route()])], [cluster("backend", upstream(handler).port)]))
    assert status(get(port)[0]) == 502
    sidecar.wait_stat("cluster.backend.upstream_cx_protocol_error", 1)


def test_client_leaves_while_waiting(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    backend = upstream(lambda peer: peer.rest() and None)
    sidecar = start(bootstrap([http_listener(port, [route()])], [cluster("backend", backend.port)]))
    client = Peer.connect(port)
    client.send(GET)
    sidecar.wait_stat("cluster.backend.upstream_rq_active", 1)
    client.reset()
    sidecar.wait_stat("http.http.downstream_rq_active", 0)
    sidecar.wait_stat("cluster.backend.upstream_rq_active", 0)
    sidecar.wait_stat("http.http.downstream_cx_active", 0)


@pytest.mark.parametrize(
    "bad",
    [
        b"GET / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n",
        b"GET / HTTP/1.1\nhost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\n folded: y\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost : x\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\nn\0l: 1\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
def test_bad_requests_get_400_and_never_reach_the_upstream(start: Start, upstream: MakeUpstream, bad: bytes) -> None:
    port = free_port()
    backend = upstream()
    start(bootstrap([http_listener(port, [route()])], [cluster("backend", backend.port)]))
    client = Peer.connect(port)
    client.send(bad)
    head, body = client.message()
    assert status(head) == 400 and b"connection: close" in head and body == b"Bad Request"
    assert client.closed()
    assert backend.accepted == 0


def test_head_larger_than_the_limit(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    start(bootstrap([http_listener(port, [route()], max_request_headers_kb=2)], [cluster("backend", upstream().port)]))
    client = Peer.connect(port)
    client.send(b"GET / HTTP/1.1\r\nhost: x\r\nx-long: " + b"a" * 3000)
    assert status(client.message()[0]) == 431
    assert client.closed()


def test_retry_on_another_host(start: Start, upstream: MakeUpstream) -> None:
    """Every request meets the broken host first or not at all; none fails."""
    broken = upstream(lambda peer: peer.until(b"\r\n\r\n") and None)
    good = upstream()
    port = free_port()
    policy = {
        "retry_policy": {
            **RETRY["retry_policy"],
            "retry_host_predicate": [
                {
                    "name": "envoy.retry_host_predicates.previous_hosts",
                    "typed_config": {
                        "@type": "type.googleapis.com/"
                        "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
                    },
                }
            ],
            "host_selection_retry_max_attempts": 5,
        }
    }
    config = bootstrap([http_listener(port, [route(**policy)])], [cluster("backend", broken.port, good.port)])
    sidecar = start(config)
    for _ in range(10):
        assert status(get(port)[0]) == 200
    assert sidecar.stat("cluster.backend.upstream_rq_retry") >= 4
    assert sidecar.stat("cluster.backend.upstream_rq_retry_success") == sidecar.stat("cluster.backend.upstream_rq_retry")


def test_retry_replays_the_body(start: Start, upstream: MakeUpstream) -> None:
    seen: list[bytes] = []

    def handler(peer: Peer) -> None:
        while True:
            seen.append(peer.message()[1])
            peer.send(ok() if len(seen) > 1 else b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n")

    port = free_port()
    start(bootstrap([http_listener(port, [route(**RETRY)])], [cluster("backend", upstream(handler).port)]))
    client = Peer.connect(port)
    client.send(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nabcde")
    assert status(client.message()[0]) == 200
    assert seen == [b"abcde", b"abcde"]


def test_retries_are_limited(start: Start, upstream: MakeUpstream) -> None:
    tries = 0

    def handler(peer: Peer) -> None:
        nonlocal tries
        while True:
            peer.message()
            tries += 1
            peer.send(b"HTTP/1.1 503 No\r\ncontent-length: 2\r\n\r\nno")

    port = free_port()
    start(bootstrap([http_listener(port, [route(**RETRY)])], [cluster("backend", upstream(handler).port)]))
    head, body = get(port)
    assert status(head) == 503 and body == b"no" and tries == 3


def test_stale_pooled_connection_is_not_an_error(start: Start, upstream: MakeUpstream) -> None:
    """The upstream closes a kept connection at the moment a request goes out: an idempotent one is sent again."""

    def handler(peer: Peer) -> None:
        peer.message()
        peer.send(ok())
        peer.until(b"\r\n\r\n")

    port = free_port()
    start(bootstrap([http_listener(port, [route()])], [cluster("backend", upstream(handler).port)]))
    for _ in range(5):
        assert status(get(port)[0]) == 200


def test_circuit_breaker_for_pending_requests(start: Start, upstream: MakeUpstream) -> None:
    backend = upstream(lambda peer: peer.rest() and None)
    port = free_port()
    breakers = {"thresholds": [{"max_connections": 1, "max_pending_requests": 1}]}
    sidecar = start(
        bootstrap([http_listener(port, [route()])], [cluster("backend", backend.port, circuit_breakers=breakers)])
    )
    clients = [Peer.connect(port) for _ in range(2)]
    clients[0].send(GET)
    sidecar.wait_stat("cluster.backend.upstream_rq_active", 1)
    clients[1].send(GET)
    sidecar.wait_stat("cluster.backend.upstream_rq_pending_active", 1)
    head, body = get(port)
    assert status(head) == 503 and body.endswith(b"overflow")
    sidecar.wait_stat("cluster.backend.upstream_rq_pending_overflow", 1)


def test_killed_worker_is_replaced_and_others_go_on(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    config = bootstrap([http_listener(port, [route()])], [cluster("backend", upstream().port)])
    sidecar = start(config, workers=2)
    clients = [Peer.connect(port) for _ in range(40)]
    for client in clients:
        client.send(GET)
        client.message()
    victim, survivor = sidecar.worker_pids()
    os.kill(victim, signal.SIGKILL)
    alive = 0
    for client in clients:
        if not client.closed(0.2):
            client.sock.settimeout(10)
            client.send(GET)
            assert status(client.message()[0]) == 200
            alive += 1
    assert 0 < alive < 40
    for _ in range(40):
        assert status(get(port)[0]) == 200
    assert survivor in sidecar.worker_pids() and victim not in sidecar.worker_pids()
    total = sidecar.stat("http.http.downstream_rq_total")
    assert total == 80 + alive
