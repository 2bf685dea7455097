"""Requests from a server to its client: Dubbo's argument callbacks, BOLT's calls on the client's connection."""

from __future__ import annotations

import threading
import time
from typing import Any

from tests.proxy import bolt, dubbo, rpc
from tests.proxy.conftest import MakeUpstream, Start
from tests.proxy.sidecar import free_port
from tests.proxy.upstream import Peer

LISTENER = dubbo.attached(dubbo.SERVICE, (b"sys_callback_arg-1", b"77"))


def one_dubbo(port: int, *upstreams: int, **proxy: Any) -> dict[str, Any]:
    return rpc.one_cluster(port, *upstreams, protocol="dubbo", stat_prefix="dubbo", **proxy)


def calling_back(times: int) -> Any:
    """An upstream that calls the client back `times` times, with ids that the client uses too, then answers with what
    came of it."""

    def handle(peer: Peer) -> None:
        while True:
            message = dubbo.read(peer)
            if b"sys_callback_arg-1" not in message.attachments:
                peer.send(dubbo.response(message.id, message.content))
                continue
            for id in range(1, times + 1):
                peer.send(dubbo.request(id, f"event {id} for {message.content}"))
            said = {answer.id: answer.content for answer in (dubbo.read(peer) for _ in range(times))}
            peer.send(dubbo.response(message.id, str(sorted(said.items()))))

    return handle


def test_a_dubbo_callback_reaches_its_client(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    made = upstream(calling_back(3))
    sidecar = start(one_dubbo(port, made.port))
    plain, clients = Peer.connect(port), [Peer.connect(port) for _ in range(3)]
    assert dubbo.call(plain, 1).content == "hello"
    for n, client in enumerate(clients):
        client.send(dubbo.request(1, f"client {n}", attachments=LISTENER))
    for n, client in enumerate(clients):
        events = [dubbo.read(client) for _ in range(3)]
        assert [event.content for event in events] == [f"event {id} for client {n}" for id in (1, 2, 3)]
        assert len({event.id for event in events}) == 3
        client.send(b"".join(dubbo.response(event.id, f"{n} took {event.content[6]}") for event in reversed(events)))
    for n, client in enumerate(clients):
        got = dubbo.read(client)
        assert (got.id, got.content) == (1, str([(id, f"{n} took {id}") for id in (1, 2, 3)]))
    # One shared connection, and one for each that is called back; they go with their clients.
    assert made.accepted == 4
    assert sidecar.stat("cluster.backend.upstream_callback") == 9
    for client in clients:
        client.close()
    sidecar.wait_stat("cluster.backend.upstream_cx_active", 1)
    sidecar.wait_stat("rpc.dubbo.downstream_cx_active", 1)
    assert dubbo.call(plain, 2).content == "hello"


def test_who_was_called_back_once_keeps_its_connection(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    made = upstream(calling_back(1))
    start(one_dubbo(port, made.port))
    client = Peer.connect(port)
    for turn in range(3):
        client.send(dubbo.request(turn, "again", attachments=LISTENER))
        event = dubbo.read(client)
        client.send(dubbo.response(event.id, "yes"))
        assert dubbo.read(client).id == turn
        assert dubbo.call(client, 9, "other call").content == "other call"
    assert made.accepted == 1


def test_a_request_on_a_shared_connection_is_refused(start: Start, upstream: MakeUpstream) -> None:
    answers: list[dubbo.Message] = []

    def handle(peer: Peer) -> None:
        message = dubbo.read(peer)
        peer.send(dubbo.request(5) + dubbo.request(6, oneway=True))
        answers.append(dubbo.read(peer))
        peer.send(dubbo.response(message.id, "after all"))
        peer.rest()

    port = free_port()
    sidecar = start(one_dubbo(port, upstream(handle).port))
    assert dubbo.call(Peer.connect(port), 1).content == "after all"
    assert (answers[0].id, answers[0].status) == (5, 80)
    sidecar.wait_stat("cluster.backend.upstream_callback_refused", 2)


def test_a_client_that_does_not_answer_is_forgotten_and_not_flooded(start: Start, upstream: MakeUpstream) -> None:
    refused = threading.Event()
    answers: list[bolt.Message] = []

    def handle(peer: Peer) -> None:
        message = bolt.read(peer)
        peer.send(b"".join(bolt.request(id, b"event", timeout=400) for id in range(1, 1101)))
        answers.extend(bolt.read(peer) for _ in range(76))
        refused.set()
        time.sleep(1)
        peer.send(bolt.request(2000, b"last", timeout=400))
        answers.append(bolt.read(peer))
        peer.send(bolt.response(message.id, b"done"))
        peer.rest()

    port = free_port()
    sidecar = start(rpc.one_cluster(port, upstream(handle).port, upstream_connection_mode="PER_CLIENT"))
    client = Peer.connect(port)
    client.send(bolt.request(1, timeout=30_000))
    events = [bolt.read(client) for _ in range(1024)]
    assert refused.wait(10)
    assert [answer.id for answer in answers] == list(range(1025, 1101))
    assert b"no client" in answers[0].error_text
    sidecar.wait_stat("cluster.backend.upstream_callback_timeout", 1024)
    client.send(b"".join(bolt.response(event.id, b"too late") for event in events))
    last = bolt.read(client)
    assert last.content == b"last"
    client.send(bolt.response(last.id, b"in time"))
    assert bolt.read(client).content == b"done"
    assert (answers[-1].id, answers[-1].content) == (2000, b"in time")
    assert sidecar.stat("cluster.backend.upstream_callback_refused") == 76


def test_bolt_requests_find_the_client_whose_connection_it_is(start: Start, upstream: MakeUpstream) -> None:
    def handle(peer: Peer) -> None:
        while True:
            message = bolt.read(peer)
            peer.send(bolt.request(1, b"one way to " + message.content, type=2, timeout=-1))
            peer.send(bolt.request(message.id, b"to " + message.content))
            answer = bolt.read(peer)
            assert answer.id == message.id
            peer.send(bolt.response(message.id, answer.content))

    port = free_port()
    made = upstream(handle)
    sidecar = start(rpc.one_cluster(port, made.port, upstream_connection_mode="PER_CLIENT"))
    clients = [Peer.connect(port) for _ in range(4)]
    for n, client in enumerate(clients):
        client.send(bolt.request(7, b"client %d" % n))
    for n, client in enumerate(clients):
        oneway, asked = bolt.read(client), bolt.read(client)
        assert (oneway.type, oneway.content) == (2, b"one way to client %d" % n)
        assert asked.content == b"to client %d" % n
        client.send(bolt.response(asked.id, b"answer of %d" % n))
        got = bolt.read(client)
        assert (got.id, got.content) == (7, b"answer of %d" % n)
    assert made.accepted == 4
    sidecar.wait_stat("cluster.backend.upstream_callback", 8)


def test_an_upstream_that_goes_takes_its_calls_with_it(start: Start, upstream: MakeUpstream) -> None:
    def handle(peer: Peer) -> None:
        bolt.read(peer)
        peer.send(bolt.request(1, b"never answered"))
        time.sleep(0.2)

    port = free_port()
    sidecar = start(rpc.one_cluster(port, upstream(handle).port, upstream_connection_mode="PER_CLIENT"))
    client = Peer.connect(port)
    for id in range(3):
        client.send(bolt.request(id))
        asked = bolt.read(client)
        assert asked.content == b"never answered"
        assert b"connection termination" in bolt.read(client).error_text
        client.send(bolt.response(asked.id, b"to nobody"))
    sidecar.wait_stat("cluster.backend.upstream_cx_active", 0)


def test_own_connections_stay_within_the_clusters_limit(start: Start, upstream: MakeUpstream) -> None:
    limits = {"circuit_breakers": {"thresholds": [{"max_connections": 2}]}}
    port = free_port()
    made = upstream(bolt.serving(bolt.echo))
    sidecar = start(rpc.one_cluster(port, made.port, cluster=limits, upstream_connection_mode="PER_CLIENT"))
    clients = [Peer.connect(port) for _ in range(3)]
    assert [bolt.call(client, 1, b"in").content for client in clients[:2]] == [b"in", b"in"]
    assert b"overflow" in bolt.call(clients[2], 1).error_text
    clients[0].close()
    sidecar.wait_stat("cluster.backend.upstream_cx_active", 1)
    assert bolt.call(clients[2], 2, b"in now").content == b"in now"
    assert made.accepted == 3
