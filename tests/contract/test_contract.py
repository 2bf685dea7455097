"""The same cases over every protocol, through a real sidecar (README.md says how a protocol joins)."""

from __future__ import annotations

import random
import socket
import threading
import time

import pytest

from mosn.config.declaration import load_declaration, provided
from tests.contract.box import FRAME_BYTES, Box
from tests.contract.protocol import Message, Protocol
from tests.proxy.upstream import Closed, Peer


def stat(box: Box, name: str) -> int:
    return box.sidecar.stat(name)


def test_a_frame_that_nobody_changed_goes_on_as_it_came(box: Box, protocol: Protocol) -> None:
    client = box.connect()
    for id in (1, 77, protocol.largest_id):
        body = b"as it came %d" % id
        got = box.call(client, id, body=body)
        assert (got.kind, got.id, got.body) == ("response", id, body)
        sent = box.wait_seen(body)
        assert sent.raw == protocol.request(sent.id, b"echo", body, **timeouts(protocol, sent))


def timeouts(protocol: Protocol, message: Message) -> dict[str, int]:
    return {"timeout_ms": message.timeout_ms} if protocol.timeout else {}


def test_every_split_point(box: Box, protocol: Protocol) -> None:
    client = box.connect()
    client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    data = protocol.request(5, b"echo", b"split")
    for at in range(1, len(data)):
        client.send(data[:at])
        time.sleep(0.001)
        client.send(data[at:])
        assert protocol.read(client).body == b"split", at
    for at in range(len(data)):
        client.send(data[at : at + 1])
        time.sleep(0.0005)
    assert protocol.read(client).body == b"split"


def test_pipelined_requests_are_told_apart(box: Box, protocol: Protocol) -> None:
    client = box.connect()
    count = 500
    client.send(b"".join(protocol.request(id, b"echo", b"%d" % id) for id in range(1, count + 1)))
    got = {message.id: message.body for message in (protocol.read(client) for _ in range(count))}
    assert got == {id: b"%d" % id for id in range(1, count + 1)}


def test_a_quick_answer_overtakes_a_slow_one(box: Box, protocol: Protocol) -> None:
    client = box.connect()
    client.send(protocol.request(1, b"late", b"slow") + protocol.request(2, b"echo", b"quick"))
    answers = [protocol.read(client) for _ in range(2)]
    assert [(message.id, message.body) for message in answers] == [(2, b"quick"), (1, b"slow")]


def test_many_clients_share_two_connections(box: Box, protocol: Protocol) -> None:
    clients = [box.connect() for _ in range(24)]
    for turn in range(5):
        for n, client in enumerate(clients):
            client.send(b"".join(protocol.request(id, b"echo", b"%d %d %d" % (turn, n, id)) for id in (1, 2, 3)))
        for n, client in enumerate(clients):
            got = {message.id: message.body for message in (protocol.read(client) for _ in range(3))}
            assert got == {id: b"%d %d %d" % (turn, n, id) for id in (1, 2, 3)}
    assert 1 <= stat(box, "cluster.backend.upstream_cx_active") <= 2


def test_oneway(box: Box, protocol: Protocol) -> None:
    if not protocol.oneway:
        assert "oneway" not in declared_kinds(protocol)
        return
    client = box.connect()
    client.send(protocol.request(1, b"echo", b"one way", oneway=True))
    assert box.call(client, 2).id == 2
    assert box.wait_seen(b"one way").kind == "oneway"
    # Not even an error is an answer to one.
    client.send(protocol.request(3, b"nohost", b"", oneway=True))
    assert box.call(client, 4).id == 4


def declared_kinds(protocol: Protocol) -> set[str]:
    name = protocol.config["protocol"]
    assert name in provided(), "only a declaration can be without"
    return {kind["kind"] for kind in load_declaration(name)["kinds"]}


def test_the_frames_own_timeout(box: Box, protocol: Protocol) -> None:
    client = box.connect()
    if not protocol.timeout:
        assert load_declaration(protocol.config["protocol"])["timeout"] == -1
        return
    began = time.monotonic()
    got = box.call(client, 9, b"silent", timeout_ms=250)
    assert (got.kind, got.id) == ("error", 9)
    assert 0.2 < time.monotonic() - began < 3
    assert box.call(client, 10).kind == "response"


def test_the_routes_timeout_and_the_late_answer(box: Box, protocol: Protocol) -> None:
    client = box.connect()
    began = time.monotonic()
    got = box.call(client, 9, b"short")
    assert (got.kind, got.id) == ("error", 9)
    assert 0.15 < time.monotonic() - began < 3
    assert box.call(client, 10).kind == "response"


@pytest.mark.parametrize(
    ("method", "words"),
    [(b"nohost", b"no healthy upstream"), (b"refused", b"not you"), (b"unknown", b"route_not_found")],
)
def test_errors_in_the_clients_own_words(box: Box, protocol: Protocol, method: bytes, words: bytes) -> None:
    client = box.connect()
    got = box.call(client, 11, method)
    assert (got.kind, got.id) == ("error", 11)
    assert words in got.text or not protocol.error_has_text
    assert box.call(client, 12).kind == "response"


def test_an_error_of_the_upstream_is_counted_as_one(box: Box, protocol: Protocol) -> None:
    before = stat(box, "cluster.backend.upstream_rq_5xx")
    got = box.call(box.connect(), 3, b"fail")
    assert (got.kind, got.text) == ("error", b"it failed")
    box.sidecar.wait_stat("cluster.backend.upstream_rq_5xx", before + 1)


def test_an_upstream_that_closes(box: Box, protocol: Protocol) -> None:
    client = box.connect()
    got = box.call(client, 4, b"close")
    assert (got.kind, got.id) == ("error", 4)
    assert b"connection termination" in got.text or not protocol.error_has_text
    assert box.call(client, 5).kind == "response"


def test_an_upstream_that_talks_nonsense(box: Box, protocol: Protocol) -> None:
    before = stat(box, "cluster.backend.upstream_cx_protocol_error")
    client = box.connect()
    got = box.call(client, 4, b"nonsense")
    assert (got.kind, got.id) == ("error", 4)
    box.sidecar.wait_stat("cluster.backend.upstream_cx_protocol_error", before + 1)
    assert box.call(client, 5).kind == "response"


def test_a_clients_heartbeat(box: Box, protocol: Protocol) -> None:
    if protocol.heartbeat is None:
        assert not declared_kinds(protocol) & {"heartbeat", "heartbeat_answer"}
        return
    requests = len(box.seen)
    client = box.connect()
    client.send(protocol.heartbeat(33))
    got = protocol.read(client)
    assert (got.kind, got.id) == ("heartbeat_answer", 33)
    assert len(box.seen) == requests
    assert box.call(client, 34).kind == "response"


def test_heartbeats_on_a_silent_upstream_connection(box: Box, protocol: Protocol) -> None:
    assert box.call(box.connect(), 1).kind == "response"
    before = stat(box, "cluster.backend.upstream_heartbeat")
    time.sleep(1)
    sent = stat(box, "cluster.backend.upstream_heartbeat") - before
    assert sent > 0 if protocol.heartbeat is not None else sent == 0
    assert stat(box, "cluster.backend.upstream_heartbeat_timeout") == 0
    assert box.call(box.connect(), 2).kind == "response"


def test_headers_of_the_route(box: Box, protocol: Protocol) -> None:
    body = b"headers %d" % random.getrandbits(30)
    own = {"headers": {b"Own": b"value"}} if protocol.headers else {}
    assert box.call(box.connect(), 7, b"added", body, **own).body == body
    sent = box.wait_seen(body)
    if protocol.headers:
        assert sent.headers[b"Own"] == b"value"
        assert sent.headers[b"x-added"] == b"by the route"
    else:
        # Nowhere to put it: the frame goes on as it came.
        assert sent.raw == protocol.request(sent.id, b"added", body, **timeouts(protocol, sent))


def test_a_large_body_both_ways(box: Box, protocol: Protocol) -> None:
    body = random.Random(7).randbytes(3 * 1024 * 1024)
    client = box.connect()
    data = protocol.request(1, b"echo", body) + protocol.request(2, b"echo", b"small")
    sender = threading.Thread(target=client.send, args=(data,))
    sender.start()
    got = {message.id: message.body for message in (protocol.read(client) for _ in range(2))}
    sender.join()
    assert got == {1: body, 2: b"small"}


def closes(box: Box, data: bytes) -> bool:
    """Is the connection closed for these bytes, after no more than an error?"""
    peer = box.connect()
    try:
        peer.send(data)
        return peer.closed()
    except (OSError, Closed):
        return True


def test_garbage_closes_only_that_connection(box: Box, protocol: Protocol) -> None:
    good = box.connect()
    assert box.call(good, 1).kind == "response"
    before = stat(box, "rpc.kit.downstream_cx_protocol_error")
    bad = [protocol.garbage, *protocol.lying(protocol.request(1, b"echo", b"body"))]
    for data in bad:
        assert closes(box, data), data[:60]
        assert box.call(good, 2).kind == "response"
    box.sidecar.wait_stat("rpc.kit.downstream_cx_protocol_error", before + len(bad))


def test_an_oversize_frame_is_refused_before_it_has_come(box: Box, protocol: Protocol) -> None:
    whole = protocol.request(1, b"echo", bytes(FRAME_BYTES + 1))
    assert closes(box, whole[:256])


def test_random_bytes_and_broken_frames_leave_nothing_behind(box: Box, protocol: Protocol) -> None:
    seed = random.Random(protocol.name)
    good = protocol.request(1, b"echo", b"body")
    for _ in range(60):
        broken = bytearray(good)
        for _ in range(seed.randrange(1, 4)):
            broken[seed.randrange(len(broken))] = seed.randrange(256)
        peer = Peer.connect(box.port)
        peer.send(bytes(broken[: seed.randrange(1, len(broken) + 1)]))
        peer.close()
    assert box.call(box.connect(), 2).kind == "response"
    box.sidecar.wait_stat("cluster.backend.upstream_rq_active", 0)
    box.sidecar.wait_stat("rpc.kit.downstream_rq_active", 0)


def test_clients_that_go_leave_nothing_behind(box: Box, protocol: Protocol) -> None:
    for _ in range(10):
        client = box.connect()
        client.send(b"".join(protocol.request(id, b"silent", b"") for id in range(1, 40)))
        client.close()
    box.sidecar.wait_stat("rpc.kit.downstream_rq_active", 0)
    box.sidecar.wait_stat("cluster.backend.upstream_rq_active", 0)
