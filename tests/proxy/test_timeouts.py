"""Connections and requests that take too long: which timeout ends them, and what is said and counted."""

from __future__ import annotations

import time

from tests.proxy.conftest import MakeUpstream, Start
from tests.proxy.sidecar import bootstrap, cluster, free_port, http_listener, route
from tests.proxy.upstream import Peer, ok, parse_fields, status

GET = b"GET /a HTTP/1.1\r\nhost: x\r\n\r\n"


def test_idle_client_connection_is_closed(start: Start, upstream: MakeUpstream) -> None:
    """The clock starts again with every request: it is alive long after the first idle time-out would have been."""
    port = free_port()
    listener = http_listener(port, [route()], common_http_protocol_options={"idle_timeout": "0.6s"})
    sidecar = start(bootstrap([listener], [cluster("backend", upstream().port)]))
    client = Peer.connect(port)
    for _ in range(5):
        client.send(GET)
        assert status(client.message()[0]) == 200
        time.sleep(0.3)
    assert client.closed(5)
    sidecar.wait_stat("http.http.downstream_cx_idle_timeout", 1)


def test_idle_connection_that_never_asked_is_closed(start: Start) -> None:
    port = free_port()
    listener = http_listener(port, [route()], common_http_protocol_options={"idle_timeout": "0.3s"})
    start(bootstrap([listener], [cluster("backend", free_port())]))
    assert Peer.connect(port).closed(5)


def test_long_request_outlives_the_idle_timeout(start: Start, upstream: MakeUpstream) -> None:
    def handler(peer: Peer) -> None:
        peer.message()
        time.sleep(1)
        peer.send(ok())
        peer.rest()

    port = free_port()
    listener = http_listener(port, [route()], common_http_protocol_options={"idle_timeout": "0.3s"})
    start(bootstrap([listener], [cluster("backend", upstream(handler).port)]))
    client = Peer.connect(port)
    client.send(GET)
    assert status(client.message()[0]) == 200


def test_longest_life_of_a_client_connection(start: Start, upstream: MakeUpstream) -> None:
    """One that is inside a request is told with the answer, one that is idle is closed."""

    def handler(peer: Peer) -> None:
        peer.message()
        time.sleep(0.8)
        peer.send(ok())
        peer.rest()

    port = free_port()
    listener = http_listener(port, [route()], common_http_protocol_options={"max_connection_duration": "0.5s"})
    sidecar = start(bootstrap([listener], [cluster("backend", upstream(handler).port)]))
    busy, idle = Peer.connect(port), Peer.connect(port)
    busy.send(GET)
    assert parse_fields(busy.message()[0])[b"connection"] == b"close"
    assert busy.closed() and idle.closed()
    sidecar.wait_stat("http.http.downstream_cx_max_duration_reached", 2)


def test_idle_upstream_connection_is_closed(start: Start, upstream: MakeUpstream) -> None:
    options = {
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            "common_http_protocol_options": {"idle_timeout": "0.3s"},
            "explicit_http_config": {"http_protocol_options": {}},
        }
    }
    port = free_port()
    backend = upstream()
    sidecar = start(
        bootstrap(
            [http_listener(port, [route()])],
            [cluster("backend", backend.port, typed_extension_protocol_options=options)],
        )
    )
    client = Peer.connect(port)
    for expected in (1, 2):
        client.send(GET)
        assert status(client.message()[0]) == 200
        assert backend.accepted == expected
        sidecar.wait_stat("cluster.backend.upstream_cx_active", 0)
    sidecar.wait_stat("cluster.backend.upstream_cx_idle_timeout", 2)


def test_head_that_never_ends(start: Start) -> None:
    port = free_port()
    listener = http_listener(port, [route()], request_headers_timeout="0.4s")
    sidecar = start(bootstrap([listener], [cluster("backend", free_port())]))
    client = Peer.connect(port)
    for n in range(20):
        client.send(b"GET / HTTP/1.1\r\n"[n : n + 1] or b"x")
        time.sleep(0.01)
    assert status(client.message()[0]) == 408
    assert client.closed()
    sidecar.wait_stat("http.http.downstream_rq_header_timeout", 1)


def test_body_that_never_ends(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    listener = http_listener(port, [route()], request_timeout="0.4s")
    sidecar = start(bootstrap([listener], [cluster("backend", upstream().port)]))
    client = Peer.connect(port)
    client.send(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc")
    assert status(client.message()[0]) == 408
    assert client.closed()
    sidecar.wait_stat("cluster.backend.upstream_rq_active", 0)


def test_silent_stream(start: Start, upstream: MakeUpstream) -> None:
    """stream_idle_timeout: bytes that move keep it alive, silence ends it."""

    def handler(peer: Peer) -> None:
        peer.message()
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n")
        for _ in range(6):
            peer.send(b"x")
            time.sleep(0.2)
        peer.rest()

    port = free_port()
    listener = http_listener(port, [route(timeout="0s")], stream_idle_timeout="0.5s")
    sidecar = start(bootstrap([listener], [cluster("backend", upstream(handler).port)]))
    client = Peer.connect(port)
    client.send(GET)
    client.until(b"\r\n\r\n")
    assert client.rest() == b"xxxxxx"
    sidecar.wait_stat("http.http.downstream_rq_idle_timeout", 1)


def test_per_try_timeout_is_retried(start: Start, upstream: MakeUpstream) -> None:
    tries = 0

    def handler(peer: Peer) -> None:
        nonlocal tries
        while True:
            peer.message()
            tries += 1
            if tries == 1:
                time.sleep(2)
            peer.send(ok())

    port = free_port()
    policy = {"retry_policy": {"retry_on": "5xx", "num_retries": 1, "per_try_timeout": "0.3s"}}
    sidecar = start(bootstrap([http_listener(port, [route(**policy)])], [cluster("backend", upstream(handler).port)]))
    client = Peer.connect(port)
    client.send(GET)
    assert status(client.message()[0]) == 200 and tries == 2
    sidecar.wait_stat("cluster.backend.upstream_rq_per_try_timeout", 1)
