"""Destinations that clients name themselves (ORIGINAL_DST) cost what is in use, not what was ever asked for."""

from __future__ import annotations

from tests.proxy.sidecar import bootstrap, free_port, http_listener, route
from tests.proxy.upstream import Peer, status
from tests.robustness.conftest import MakeUpstream, Start
from tests.robustness.programs import SANITIZED
from tests.robustness.test_clients import memory

MIB = 1 << 20
RETRY = {
    "retry_policy": {"retry_on": "connect-failure", "num_retries": 1, "retry_back_off": {"base_interval": "0.001s"}}
}
CLUSTER = {
    "name": "backend",
    "type": "ORIGINAL_DST",
    "lb_policy": "CLUSTER_PROVIDED",
    "connect_timeout": "1s",
    "original_dst_lb_config": {"use_http_header": True},
}


def request(destination: str) -> bytes:
    return f"GET / HTTP/1.1\r\nhost: x\r\nx-envoy-original-dst-host: {destination}\r\n\r\n".encode()


def ask_for_dead_ends(client: Peer, first: int, count: int) -> None:
    """Loopback addresses on which nobody listens."""
    for start in range(first, first + count, 100):
        numbers = range(start, start + 100)
        client.send(b"".join(request(f"127.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255 or 1}:9") for n in numbers))
        assert [status(client.message()[0]) for _ in numbers] == [503] * 100


def test_memory_of_destinations(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    sidecar = start(bootstrap([http_listener(port, [route(**RETRY)])], [CLUSTER]))
    good = request(f"127.0.0.1:{upstream().port}")
    client, other = Peer.connect(port), Peer.connect(port)
    client.send(good)
    assert status(client.message()[0]) == 200
    ask_for_dead_ends(other, 1 << 17, 2000)
    before = memory(sidecar)
    for number in range(3):
        ask_for_dead_ends(other, (2 + number) << 17, 2000)
        client.send(good)
        assert status(client.message()[0]) == 200
    assert SANITIZED or memory(sidecar) - before < 2 * MIB
    assert sidecar.stat("cluster.backend.upstream_cx_active") == 1
