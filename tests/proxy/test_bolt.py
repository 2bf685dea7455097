"""BOLT through a real sidecar."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from tests.proxy import bolt
from tests.proxy.conftest import MakeUpstream, Start
from tests.proxy.sidecar import address, bootstrap, cluster, free_port, route
from tests.proxy.upstream import Peer

RPC = "type.googleapis.com/mosn.protocol.v1.RpcProxy"


def rpc_listener(port: int, routes: list[dict[str, Any]], **proxy: Any) -> dict[str, Any]:
    hosts = [{"name": "all", "domains": ["*"], "routes": routes}]
    config = {
        "@type": RPC,
        "protocol": "bolt",
        "stat_prefix": "bolt",
        "route_config": {"name": "bolt", "virtual_hosts": hosts},
        **proxy,
    }
    filters = [{"name": "mosn.rpc_proxy", "typed_config": config}]
    return {"name": "bolt", "address": address(port), "filter_chains": [{"filters": filters}]}


def one_cluster(port: int, *upstreams: int, action: dict[str, Any] | None = None, **proxy: Any) -> dict[str, Any]:
    fields = proxy.pop("cluster", {})
    return bootstrap([rpc_listener(port, [route(**action or {})], **proxy)], [cluster("backend", *upstreams, **fields)])


def call(peer: Peer, id: int, content: bytes = b"hello", **options: Any) -> bolt.Message:
    peer.send(bolt.request(id, content, **options))
    return bolt.read(peer)


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
