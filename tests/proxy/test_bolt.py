"""BOLT through a real sidecar: frames, ids, connections, errors."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from tests.proxy import bolt
from tests.proxy.bolt import call
from tests.proxy.conftest import MakeUpstream, Start
from tests.proxy.rpc import one_cluster, rpc_listener
from tests.proxy.sidecar import bootstrap, cluster, free_port
from tests.proxy.upstream import Peer


def test_request_and_response(start: Start, upstream: MakeUpstream) -> None:
    seen: list[bolt.Message] = []

    def answer(message: bolt.Message) -> bytes | None:
        seen.append(message)
        return bolt.echo(message)

    port = free_port()
    sidecar = start(one_cluster(port, upstream(bolt.serving(answer)).port))
    client = Peer.connect(port)
    for id in (1, 77, 0, 2**32 - 1):
        got = call(client, id, b"content %d" % id)
        assert (got.id, got.content, got.status) == (id, b"content %d" % id, 0)
    sent = bolt.request(seen[0].id, b"content 1", timeout=seen[0].timeout)
    assert seen[0].raw == sent
    sidecar.wait_stat("cluster.backend.upstream_rq_2xx", 4)
    assert sidecar.stat("rpc.bolt.downstream_rq_2xx") == 4
    assert sidecar.stat("cluster.backend.upstream_cx_total") == 1


@pytest.mark.parametrize(("v2", "crc"), [(1, False), (2, False), (2, True)])
def test_version_2(start: Start, upstream: MakeUpstream, v2: int, crc: bool) -> None:
    port = free_port()
    start(one_cluster(port, upstream(bolt.serving(bolt.echo)).port))
    client = Peer.connect(port)
    got = call(client, 5, b"x" * 3000, v2=v2, crc=crc)
    assert (got.version, got.id, got.content) == (2, 5, b"x" * 3000)


def test_a_frame_may_come_in_pieces(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    start(one_cluster(port, upstream(bolt.serving(bolt.echo)).port))
    client = Peer.connect(port)
    data = bolt.request(9, b"pieces")
    for at in range(0, len(data), 7):
        client.send(data[at : at + 7])
        time.sleep(0.002)
    assert bolt.read(client).content == b"pieces"


def test_heartbeats_are_answered_here(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    made = upstream(bolt.serving(bolt.echo))
    sidecar = start(one_cluster(port, made.port))
    client = Peer.connect(port)
    client.send(bolt.heartbeat(3) + bolt.heartbeat(4, v2=1))
    assert bolt.read(client).raw == bolt.heartbeat_answer(3)
    assert bolt.read(client).raw == bolt.heartbeat_answer(4, v2=1)
    assert made.accepted == 0
    sidecar.wait_stat("rpc.bolt.downstream_heartbeat", 2)


def test_oneway(start: Start, upstream: MakeUpstream) -> None:
    got = threading.Event()

    def answer(message: bolt.Message) -> bytes | None:
        if message.type == 2:
            got.set()
        return bolt.echo(message)

    port = free_port()
    sidecar = start(one_cluster(port, upstream(bolt.serving(answer)).port))
    client = Peer.connect(port)
    client.send(bolt.request(1, b"oneway", type=2, timeout=-1))
    assert call(client, 2).id == 2
    assert got.wait(5)
    sidecar.wait_stat("rpc.bolt.downstream_rq_oneway", 1)
    sidecar.wait_stat("cluster.backend.upstream_rq_active", 0)


def test_1000_in_flight_on_one_connection_answered_backwards(start: Start, upstream: MakeUpstream) -> None:
    count = 1000

    def backwards(peer: Peer) -> None:
        seen = [bolt.read(peer) for _ in range(count)]
        assert [message.content for message in seen] == [b"%d" % i for i in range(count)]
        peer.send(b"".join(bolt.response(message.id, message.content) for message in reversed(seen)))
        peer.rest()

    port = free_port()
    sidecar = start(one_cluster(port, upstream(backwards).port))
    client = Peer.connect(port)
    client.send(b"".join(bolt.request(i + 1, b"%d" % i) for i in range(count)))
    answers = [bolt.read(client) for _ in range(count)]
    assert [(message.id, message.content) for message in answers] == [
        (i + 1, b"%d" % i) for i in reversed(range(count))
    ]
    sidecar.wait_stat("rpc.bolt.downstream_rq_active", 0)


def test_64_clients_share_2_connections(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    made = upstream(bolt.serving(bolt.echo))
    sidecar = start(one_cluster(port, made.port, upstream_connections=2))
    clients = [Peer.connect(port) for _ in range(64)]
    for turn in range(20):
        # Every client uses the same ids.
        for n, client in enumerate(clients):
            client.send(b"".join(bolt.request(id, b"%d %d %d" % (turn, n, id)) for id in (1, 2, 3)))
        for n, client in enumerate(clients):
            got = {message.id: message.content for message in (bolt.read(client) for _ in range(3))}
            assert got == {id: b"%d %d %d" % (turn, n, id) for id in (1, 2, 3)}
    assert made.accepted == 2
    assert sidecar.stat("cluster.backend.upstream_cx_active") == 2
    sidecar.wait_stat("rpc.bolt.downstream_rq_2xx", 64 * 20 * 3)
    assert sidecar.stat("cluster.backend.upstream_response_unknown") == 0


def silent(peer: Peer) -> None:
    peer.rest()


def test_a_timeout_is_status_7_and_the_late_answer_is_dropped(start: Start, upstream: MakeUpstream) -> None:
    def late(peer: Peer) -> None:
        first, second = bolt.read(peer), bolt.read(peer)
        time.sleep(0.4)
        peer.send(bolt.response(first.id, b"too late") + bolt.response(second.id, b"in time"))
        peer.rest()

    port = free_port()
    sidecar = start(one_cluster(port, upstream(late).port))
    client = Peer.connect(port)
    client.send(bolt.request(1, timeout=200) + bolt.request(2, timeout=5000))
    got = bolt.read(client)
    assert (got.id, got.status, got.content) == (1, 7, b"")
    got = bolt.read(client)
    assert (got.id, got.status, got.content) == (2, 0, b"in time")
    sidecar.wait_stat("cluster.backend.upstream_response_unknown", 1)
    assert sidecar.stat("cluster.backend.upstream_rq_timeout") == 1


def test_the_routes_timeout_when_it_is_shorter(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    start(one_cluster(port, upstream(silent).port, action={"timeout": "0.2s"}))
    client = Peer.connect(port)
    began = time.monotonic()
    assert call(client, 1, timeout=60_000).status == 7
    assert time.monotonic() - began < 5


def test_an_upstream_that_closes_resets_all_its_requests(start: Start, upstream: MakeUpstream) -> None:
    def close(peer: Peer) -> None:
        for _ in range(3):
            bolt.read(peer)

    port = free_port()
    sidecar = start(one_cluster(port, upstream(close).port))
    client = Peer.connect(port)
    client.send(b"".join(bolt.request(id) for id in (1, 2, 3)))
    answers = {message.id: message for message in (bolt.read(client) for _ in range(3))}
    assert set(answers) == {1, 2, 3}
    assert b"connection termination" in answers[2].error_text
    assert (b"sofa_head_response_error", b"true") in answers[2].headers
    sidecar.wait_stat("cluster.backend.upstream_rq_active", 0)


def test_errors_in_the_clients_own_words(start: Start, upstream: MakeUpstream) -> None:
    port, dead = free_port(), free_port()
    routes: list[dict[str, Any]] = [
        {"match": {"path": "/a:1.0/x"}, "route": {"cluster": "refusing"}},
        {"match": {"path": "/b:1.0/x"}, "route": {"cluster": "empty"}},
        {"match": {"path": "/c:1.0/x"}, "direct_response": {"status": 403, "body": {"inline_string": "not you"}}},
    ]
    clusters = [cluster("refusing", dead), cluster("empty")]
    start(bootstrap([rpc_listener(port, routes)], clusters))
    client = Peer.connect(port)

    def ask(service: bytes, **options: Any) -> bolt.Message:
        return call(client, 9, headers=bolt.sofa_headers(service, b"x"), **options)

    for service, words in (
        (b"a:1.0", b"connection failure"), (b"b:1.0", b"no healthy upstream"), (b"c:1.0", b"not you"),
        (b"d:1.0", b"route_not_found"),
    ):  # fmt: skip
        for options in ({}, {"v2": 1}, {"v2": 2, "crc": True}, {"codec": 11}):
            got = ask(service, **options)
            assert (got.id, got.status, got.class_name, got.codec) == (9, 0, bolt.RESPONSE_CLASS, 1)
            assert words in got.error_text
            assert got.version == (2 if "v2" in options else 1)
    # Oneway requests get no answer, not even such a one.
    client.send(bolt.request(10, type=2, headers=bolt.sofa_headers(b"d:1.0", b"x")))
    assert ask(b"b:1.0").id == 9


def test_garbage_closes_only_that_connection(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    sidecar = start(one_cluster(port, upstream(bolt.serving(bolt.echo)).port, max_frame_bytes=4096))
    good = Peer.connect(port)
    assert call(good, 1).id == 1
    huge = bytearray(bolt.request(1))
    huge[18:22] = b"\x7f\xff\xff\xff"
    broken_crc = bytearray(bolt.request(1, v2=2, crc=True))
    broken_crc[-1] ^= 1
    bad_map = bytearray(bolt.request(1, headers=[(b"key", b"value")]))
    bad_map[22 + len(bolt.REQUEST_CLASS)] = 0x70
    for data in (b"GET / HTTP/1.1\r\n\r\n", bytes(huge), bytes(broken_crc), bytes(bad_map),
                 bolt.request(1, b"x" * 5000), bolt.request(1, command=9)):  # fmt: skip
        bad = Peer.connect(port)
        bad.send(data)
        assert bad.closed(), data[:30]
        assert call(good, 2).id == 2
    sidecar.wait_stat("rpc.bolt.downstream_cx_protocol_error", 6)
    assert sidecar.stat("rpc.bolt.downstream_cx_active") == 1


def test_an_upstream_that_talks_nonsense(start: Start, upstream: MakeUpstream) -> None:
    def nonsense(peer: Peer) -> None:
        bolt.read(peer)
        peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        peer.rest()

    port = free_port()
    sidecar = start(one_cluster(port, upstream(nonsense).port))
    client = Peer.connect(port)
    assert b"protocol error" in call(client, 1).error_text
    sidecar.wait_stat("cluster.backend.upstream_cx_protocol_error", 1)


def test_retries_go_to_another_host_with_less_time(start: Start, upstream: MakeUpstream) -> None:
    seen: list[bolt.Message] = []

    def busy(message: bolt.Message) -> bytes | None:
        seen.append(message)
        return bolt.response(message.id, b"", status=4, class_name=b"") if len(seen) < 3 else bolt.echo(message)

    port = free_port()
    retry = {"retry_on": "5xx", "num_retries": 3, "retry_back_off": {"base_interval": "0.02s"}}
    sidecar = start(one_cluster(port, upstream(bolt.serving(busy)).port, action={"retry_policy": retry}))
    client = Peer.connect(port)
    assert call(client, 1, b"again", timeout=8000).content == b"again"
    assert [message.content for message in seen] == [b"again"] * 3
    assert 7000 < seen[2].timeout < 8000
    assert len({message.id for message in seen}) == 3
    sidecar.wait_stat("cluster.backend.upstream_rq_retry_success", 1)


def test_limits_of_the_circuit_breaker(start: Start, upstream: MakeUpstream) -> None:
    limits = {"circuit_breakers": {"thresholds": [{"max_requests": 2}]}}
    port = free_port()
    made = upstream(silent)
    sidecar = start(one_cluster(port, made.port, cluster=limits))
    client = Peer.connect(port)
    client.send(b"".join(bolt.request(id) for id in (1, 2)))
    sidecar.wait_stat("cluster.backend.upstream_rq_active", 2)
    assert b"overflow" in call(client, 3).error_text
    client.close()
    sidecar.wait_stat("cluster.backend.upstream_rq_active", 0)


def test_heartbeats_on_silent_upstream_connections(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    beat = {"interval": "0.1s", "timeout": "0.2s", "failures": 2}
    alive, deaf = upstream(bolt.serving(bolt.echo)), upstream(silent)
    sidecar = start(one_cluster(port, alive.port, upstream_heartbeat=beat))
    client = Peer.connect(port)
    call(client, 1)
    sidecar.wait_stat("cluster.backend.upstream_heartbeat", 2)
    assert sidecar.stat("cluster.backend.upstream_cx_active") == 1
    sidecar.reload(one_cluster(port, deaf.port, upstream_heartbeat=beat))
    client = Peer.connect(port)
    client.send(bolt.request(5))
    assert b"connection termination" in bolt.read(client).error_text
    sidecar.wait_stat("cluster.backend.upstream_heartbeat_timeout", 2)


def test_a_large_body_both_ways(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    start(one_cluster(port, upstream(bolt.serving(bolt.echo)).port))
    client = Peer.connect(port)
    body = bytes(range(256)) * 8192
    sender = threading.Thread(target=client.send, args=(bolt.request(1, body) + bolt.request(2, b"small"),))
    sender.start()
    got = {message.id: message.content for message in (bolt.read(client) for _ in range(2))}
    sender.join()
    assert got == {1: body, 2: b"small"}


def test_clients_that_go_leave_nothing_behind(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    sidecar = start(one_cluster(port, upstream(silent).port))
    for _ in range(20):
        client = Peer.connect(port)
        client.send(b"".join(bolt.request(id) for id in range(50)) + bolt.request(99)[:-3])
        client.close()
    sidecar.wait_stat("rpc.bolt.downstream_rq_total", 1000)
    sidecar.wait_stat("rpc.bolt.downstream_rq_active", 0)
    sidecar.wait_stat("rpc.bolt.downstream_cx_active", 0)
    sidecar.wait_stat("cluster.backend.upstream_rq_active", 0)
    assert sidecar.stat("cluster.backend.upstream_cx_active") == 1
