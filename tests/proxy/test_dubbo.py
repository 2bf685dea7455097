"""Dubbo through a real sidecar: frames, ids, connections, errors."""

from __future__ import annotations

import signal
import threading
import time
from typing import Any

import pytest

from tests.proxy import dubbo, rpc
from tests.proxy.conftest import MakeUpstream, Start
from tests.proxy.dubbo import call
from tests.proxy.sidecar import bootstrap, cluster, free_port
from tests.proxy.upstream import Peer


def one_cluster(port: int, *upstreams: int, **proxy: Any) -> dict[str, Any]:
    return rpc.one_cluster(port, *upstreams, protocol="dubbo", stat_prefix="dubbo", **proxy)


def silent(peer: Peer) -> None:
    peer.rest()


@pytest.mark.parametrize("serialization", [dubbo.HESSIAN2, dubbo.FASTJSON2])
def test_request_and_response(start: Start, upstream: MakeUpstream, serialization: int) -> None:
    seen: list[dubbo.Message] = []

    def answer(message: dubbo.Message) -> bytes | None:
        seen.append(message)
        return dubbo.echo(message)

    port = free_port()
    sidecar = start(one_cluster(port, upstream(dubbo.serving(answer)).port))
    client = Peer.connect(port)
    for id in (1, 77, 0, 2**64 - 1, 2**63):
        got = call(client, id, f"content {id}", serialization=serialization)
        assert (got.id, got.content, got.status) == (id, f"content {id}", dubbo.OK)
    assert seen[0].raw == dubbo.request(seen[0].id, "content 1", serialization=serialization)
    sidecar.wait_stat("cluster.backend.upstream_rq_2xx", 5)
    assert sidecar.stat("rpc.dubbo.downstream_rq_2xx") == 5
    assert sidecar.stat("cluster.backend.upstream_cx_total") == 1


def test_a_frame_may_come_in_pieces(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    start(one_cluster(port, upstream(dubbo.serving(dubbo.echo)).port))
    client = Peer.connect(port)
    data = dubbo.request(9, "pieces")
    for at in range(0, len(data), 7):
        client.send(data[at : at + 7])
        time.sleep(0.002)
    assert dubbo.read(client).content == "pieces"


def test_heartbeats_are_answered_here(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    made = upstream(dubbo.serving(dubbo.echo))
    sidecar = start(one_cluster(port, made.port))
    client = Peer.connect(port)
    client.send(dubbo.heartbeat(3) + dubbo.heartbeat(2**64 - 4, dubbo.FASTJSON2))
    assert dubbo.read(client).raw == dubbo.heartbeat_answer(3)
    assert dubbo.read(client).raw == dubbo.heartbeat_answer(2**64 - 4, dubbo.FASTJSON2)
    assert made.accepted == 0
    sidecar.wait_stat("rpc.dubbo.downstream_heartbeat", 2)


def test_a_clients_own_events_go_nowhere(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    start(one_cluster(port, upstream(dubbo.serving(dubbo.echo)).port))
    client = Peer.connect(port)
    client.send(dubbo.readonly() + dubbo.heartbeat_answer(5))
    assert call(client, 6).id == 6


def test_oneway(start: Start, upstream: MakeUpstream) -> None:
    got = threading.Event()

    def answer(message: dubbo.Message) -> bytes | None:
        if not message.two_way:
            got.set()
        return dubbo.echo(message)

    port = free_port()
    sidecar = start(one_cluster(port, upstream(dubbo.serving(answer)).port))
    client = Peer.connect(port)
    client.send(dubbo.request(1, "one-way", oneway=True))
    assert call(client, 2).id == 2
    assert got.wait(5)
    sidecar.wait_stat("rpc.dubbo.downstream_rq_oneway", 1)
    sidecar.wait_stat("cluster.backend.upstream_rq_active", 0)


def test_1000_in_flight_on_one_connection_answered_backwards(start: Start, upstream: MakeUpstream) -> None:
    count = 1000

    def backwards(peer: Peer) -> None:
        seen = [dubbo.read(peer) for _ in range(count)]
        assert [message.content for message in seen] == [str(i) for i in range(count)]
        peer.send(b"".join(dubbo.response(message.id, message.content) for message in reversed(seen)))
        peer.rest()

    port = free_port()
    sidecar = start(one_cluster(port, upstream(backwards).port))
    client = Peer.connect(port)
    # Ids as Dubbo 3 makes them: from anywhere.
    ids = [(2**64 - 500 + i) % 2**64 for i in range(count)]
    client.send(b"".join(dubbo.request(id, str(i)) for i, id in enumerate(ids)))
    answers = [dubbo.read(client) for _ in range(count)]
    assert [(message.id, message.content) for message in answers] == [
        (ids[i], str(i)) for i in reversed(range(count))
    ]
    sidecar.wait_stat("rpc.dubbo.downstream_rq_active", 0)


def test_64_clients_share_2_connections(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    made = upstream(dubbo.serving(dubbo.echo))
    sidecar = start(one_cluster(port, made.port, upstream_connections=2))
    clients = [Peer.connect(port) for _ in range(64)]
    for turn in range(5):
        # Every client uses the same ids.
        for n, client in enumerate(clients):
            client.send(b"".join(dubbo.request(id, f"{turn} {n} {id}") for id in (1, 2, 3)))
        for n, client in enumerate(clients):
            got = {message.id: message.content for message in (dubbo.read(client) for _ in range(3))}
            assert got == {id: f"{turn} {n} {id}" for id in (1, 2, 3)}
    assert made.accepted == 2
    sidecar.wait_stat("rpc.dubbo.downstream_rq_2xx", 64 * 5 * 3)
    assert sidecar.stat("cluster.backend.upstream_response_unknown") == 0


def test_the_services_own_errors_pass_as_they_are(start: Start, upstream: MakeUpstream) -> None:
    answers = {
        "exception": {"kind": 0}, "with attachments": {"kind": 3}, "unknown": {"status": 70}, "full": {"status": 100},
        "not found": {"status": 60},
    }  # fmt: skip

    def answer(message: dubbo.Message) -> bytes | None:
        return dubbo.response(message.id, f"why {message.content}", **answers[message.content])

    port = free_port()
    sidecar = start(one_cluster(port, upstream(dubbo.serving(answer)).port))
    client = Peer.connect(port)
    for words, options in answers.items():
        assert call(client, 3, words).raw == dubbo.response(3, f"why {words}", **options)
    sidecar.wait_stat("cluster.backend.upstream_rq_5xx", 4)
    sidecar.wait_stat("cluster.backend.upstream_rq_4xx", 1)


def test_errors_in_the_clients_own_words(start: Start, upstream: MakeUpstream) -> None:
    port, dead = free_port(), free_port()
    routes: list[dict[str, Any]] = [
        {"match": {"path": "/a/x"}, "route": {"cluster": "refusing"}},
        {"match": {"path": "/b/x"}, "route": {"cluster": "empty"}},
        {"match": {"path": "/c/x"}, "direct_response": {"status": 403, "body": {"inline_string": "not you"}}},
        {"match": {"path": "/d/x"}, "direct_response": {"status": 429, "body": {"inline_string": "too often"}}},
        {"match": {"path": "/e/x"}, "route": {"cluster": "closing"}},
    ]

    def close(peer: Peer) -> None:
        dubbo.read(peer)

    clusters = [cluster("refusing", dead), cluster("empty"), cluster("closing", upstream(close).port)]
    start(bootstrap([rpc.rpc_listener(port, routes, protocol="dubbo", stat_prefix="dubbo")], clusters))
    client = Peer.connect(port)
    for service, status, words in (
        ("a", 80, "connection failure"), ("b", 80, "no healthy upstream"), ("e", 80, "connection termination"),
        ("f", 60, "route_not_found"),
    ):  # fmt: skip
        for serialization in (dubbo.HESSIAN2, dubbo.FASTJSON2):
            got = call(client, 9, service=service, method="x", serialization=serialization)
            # Java decodes the text of every error with the serialization that the answer itself says.
            assert (got.id, got.status, got.flags) == (9, status, dubbo.HESSIAN2)
            assert words in got.content
    for service, words in (("c", "not you"), ("d", "too often")):
        got = call(client, 2**63, service=service, method="x")
        assert (got.id, got.status, got.flags) == (2**63, dubbo.OK, dubbo.HESSIAN2)
        # 4: forbidden, which clients do not try again.
        assert got.exception == {"class": "org.apache.dubbo.rpc.RpcException", "code": 4, "detailMessage": words}
        got = call(client, 2, service=service, method="x", serialization=dubbo.FASTJSON2)
        assert (got.status, got.flags, got.content) == (80, dubbo.HESSIAN2, words)
    # One-way requests get no answer, not even such a one.
    client.send(dubbo.request(10, service="f", oneway=True))
    assert call(client, 11, service="b", method="x").id == 11


def test_a_timeout_is_status_31_and_the_late_answer_is_dropped(start: Start, upstream: MakeUpstream) -> None:
    def late(peer: Peer) -> None:
        first, second = dubbo.read(peer), dubbo.read(peer)
        time.sleep(0.4)
        peer.send(dubbo.response(first.id, "too late") + dubbo.response(second.id, "in time"))
        peer.rest()

    def timed(id: int, timeout: bytes) -> bytes:
        return dubbo.request(id, attachments=dubbo.attached(dubbo.SERVICE, (b"timeout", timeout)))

    port = free_port()
    sidecar = start(one_cluster(port, upstream(late).port))
    client = Peer.connect(port)
    client.send(timed(1, b"200") + timed(2, b"5000"))
    got = dubbo.read(client)
    assert (got.id, got.status) == (1, 31)
    assert "timeout" in got.content
    got = dubbo.read(client)
    assert (got.id, got.status, got.content) == (2, dubbo.OK, "in time")
    sidecar.wait_stat("cluster.backend.upstream_response_unknown", 1)
    assert sidecar.stat("cluster.backend.upstream_rq_timeout") == 1


def test_the_routes_timeout_when_it_is_shorter(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    start(one_cluster(port, upstream(silent).port, action={"timeout": "0.2s"}))
    client = Peer.connect(port)
    assert call(client, 1).status == 31


def test_garbage_closes_only_that_connection(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    sidecar = start(one_cluster(port, upstream(dubbo.serving(dubbo.echo)).port, max_frame_bytes=4096))
    good = Peer.connect(port)
    assert call(good, 1).id == 1

    def lying(length: int) -> bytes:
        data = bytearray(dubbo.request(1))
        data[12:16] = length.to_bytes(4, "big")
        return bytes(data)

    broken = (
        b"GET / HTTP/1.1\r\n\r\n", lying(0x7FFFFFFF), lying(0xFFFFFFFF), lying(4081), lying(20),
        dubbo.frame(b"\x05abc", flags=dubbo.REQUEST | dubbo.HESSIAN2), dubbo.request(1, method="a/b"),
        dubbo.request(1, "x" * 5000),
    )  # fmt: skip
    for data in broken:
        bad = Peer.connect(port)
        bad.send(data)
        assert bad.closed(), data[:30]
        assert call(good, 2).id == 2
    sidecar.wait_stat("rpc.dubbo.downstream_cx_protocol_error", len(broken))
    assert sidecar.stat("rpc.dubbo.downstream_cx_active") == 1


def test_an_upstream_that_talks_nonsense(start: Start, upstream: MakeUpstream) -> None:
    def nonsense(peer: Peer) -> None:
        dubbo.read(peer)
        peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        peer.rest()

    port = free_port()
    sidecar = start(one_cluster(port, upstream(nonsense).port))
    client = Peer.connect(port)
    got = call(client, 1)
    assert (got.status, "protocol error" in got.content) == (80, True)
    sidecar.wait_stat("cluster.backend.upstream_cx_protocol_error", 1)


def test_limits_of_the_circuit_breaker(start: Start, upstream: MakeUpstream) -> None:
    limits = {"circuit_breakers": {"thresholds": [{"max_requests": 2}]}}
    port = free_port()
    sidecar = start(one_cluster(port, upstream(silent).port, cluster=limits))
    client = Peer.connect(port)
    client.send(b"".join(dubbo.request(id) for id in (1, 2)))
    sidecar.wait_stat("cluster.backend.upstream_rq_active", 2)
    got = call(client, 3)
    assert (got.id, got.status, "overflow" in got.content) == (3, 80, True)
    client.close()
    sidecar.wait_stat("cluster.backend.upstream_rq_active", 0)


def test_heartbeats_on_silent_upstream_connections(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    beat = {"interval": "0.1s", "timeout": "0.2s", "failures": 2}
    asked: list[dubbo.Message] = []

    def answering(peer: Peer) -> None:
        while True:
            message = dubbo.read(peer)
            asked.append(message)
            peer.send(dubbo.heartbeat_answer(message.id) if message.event else dubbo.response(message.id))

    sidecar = start(one_cluster(port, upstream(answering).port, upstream_heartbeat=beat))
    client = Peer.connect(port)
    call(client, 1)
    sidecar.wait_stat("cluster.backend.upstream_heartbeat", 2)
    assert sidecar.stat("cluster.backend.upstream_cx_active") == 1
    assert asked[1].raw == dubbo.heartbeat(asked[1].id)
    sidecar.reload(one_cluster(port, upstream(silent).port, upstream_heartbeat=beat))
    client = Peer.connect(port)
    assert "connection termination" in call(client, 5).content
    sidecar.wait_stat("cluster.backend.upstream_heartbeat_timeout", 2)


def test_a_large_body_both_ways(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    start(one_cluster(port, upstream(dubbo.serving(dubbo.echo)).port))
    client = Peer.connect(port)
    body = "0123456789abcdef" * 0x20000
    sender = threading.Thread(target=client.send, args=(dubbo.request(1, body) + dubbo.request(2, "small"),))
    sender.start()
    got = {message.id: message.content for message in (dubbo.read(client) for _ in range(2))}
    sender.join()
    assert got == {1: body, 2: "small"}


def test_clients_that_go_leave_nothing_behind(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    sidecar = start(one_cluster(port, upstream(silent).port))
    for _ in range(20):
        client = Peer.connect(port)
        client.send(b"".join(dubbo.request(id) for id in range(50)) + dubbo.request(99)[:-3])
        client.close()
    sidecar.wait_stat("rpc.dubbo.downstream_rq_total", 1000)
    sidecar.wait_stat("rpc.dubbo.downstream_rq_active", 0)
    sidecar.wait_stat("rpc.dubbo.downstream_cx_active", 0)
    sidecar.wait_stat("cluster.backend.upstream_rq_active", 0)
    assert sidecar.stat("cluster.backend.upstream_cx_active") == 1


def test_a_readonly_upstream_gets_no_new_requests(start: Start, upstream: MakeUpstream) -> None:
    said = threading.Event()

    def going(peer: Peer) -> None:
        first = dubbo.read(peer)
        if first.content == "new":
            peer.send(dubbo.response(first.id, "another connection"))
            peer.rest()
            return
        peer.send(dubbo.readonly())
        said.set()
        time.sleep(0.5)
        peer.send(dubbo.response(first.id, "in flight"))
        assert peer.rest() == b""

    port = free_port()
    made = upstream(going)
    sidecar = start(one_cluster(port, made.port))
    client = Peer.connect(port)
    client.send(dubbo.request(1, "old"))
    assert said.wait(5)
    sidecar.wait_stat("cluster.backend.upstream_cx_goaway", 1)
    client.send(dubbo.request(2, "new"))
    assert [(message.id, message.content) for message in (dubbo.read(client), dubbo.read(client))] == [
        (2, "another connection"), (1, "in flight"),
    ]  # fmt: skip
    assert made.accepted == 2
    sidecar.wait_stat("cluster.backend.upstream_cx_active", 1)


def test_clients_hear_readonly_before_a_drain_ends_them(start: Start, upstream: MakeUpstream) -> None:
    def slow(message: dubbo.Message) -> bytes | None:
        time.sleep(1.5 if message.content == "slow" else 0)
        return dubbo.echo(message)

    port = free_port()
    sidecar = start(one_cluster(port, upstream(dubbo.serving(slow)).port))
    idle, busy = Peer.connect(port), Peer.connect(port)
    assert call(idle, 1).content == "hello"
    busy.send(dubbo.request(2, "slow"))
    sidecar.wait_stat("cluster.backend.upstream_rq_active", 1)
    sidecar.process.send_signal(signal.SIGQUIT)
    assert dubbo.read(idle).raw == dubbo.read(busy).raw == dubbo.readonly()
    # What was on its way meanwhile is served.
    assert call(idle, 3, "raced").content == "raced"
    assert idle.closed()
    assert dubbo.read(busy).content == "slow"
    assert busy.closed()
