"""MOSN's own JSON with downstream_protocol Auto and lists of sub_protocols, through the real program."""

from __future__ import annotations

from typing import Any

import pytest

from tests.proxy import bolt
from tests.proxy.conftest import MakeUpstream, Start
from tests.proxy.sidecar import free_port
from tests.proxy.upstream import Peer, status

GET = b"GET /a HTTP/1.1\r\nhost: x\r\n\r\n"


def configuration(port: int, backend: int, **proxy: Any) -> dict[str, Any]:
    host = {"name": "all", "domains": ["*"], "routers": [{"match": {"prefix": "/"}, "route": {"cluster_name": "a"}}]}
    filters = [{"type": "proxy", "config": {"router_config_name": "r", **proxy}}]
    listener = {
        "name": "l", "address": f"127.0.0.1:{port}", "bind_port": True, "filter_chains": [{"filters": filters}],
    }  # fmt: skip
    hosts = [{"address": f"127.0.0.1:{backend}"}]
    return {
        "servers": [{"listeners": [listener], "routers": [{"router_config_name": "r", "virtual_hosts": [host]}]}],
        "cluster_manager": {"clusters": [{"name": "a", "type": "SIMPLE", "lb_type": "LB_RANDOM", "hosts": hosts}]},
    }


def both(peer: Peer) -> None:
    """An upstream that speaks HTTP and BOLT."""
    peer.more()
    if peer.unread[:1] in b"\1\2":
        bolt.serving(bolt.echo)(peer)
    while True:
        peer.message()
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")


@pytest.mark.parametrize(
    "proxy",
    [
        {"downstream_protocol": "Auto", "upstream_protocol": "Auto"},
        {"downstream_protocol": "Auto", "extend_config": {"sub_protocol": "Http1, bolt"}},
        {},
    ],
)
def test_auto(start: Start, upstream: MakeUpstream, proxy: dict[str, Any]) -> None:
    port = free_port()
    start(configuration(port, upstream(both).port, **proxy))
    for _ in range(2):
        http, rpc = Peer.connect(port), Peer.connect(port)
        http.send(GET)
        assert status(http.message()[0]) == 200
        assert bolt.call(rpc, 5, b"hello").content == b"hello"


def test_a_list_of_rpc_protocols(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    proxy = {"downstream_protocol": "X", "upstream_protocol": "X", "extend_config": {"sub_protocol": "dubbo,boltv2"}}
    sidecar = start(configuration(port, upstream(both).port, **proxy))
    rpc, http, dubbo = Peer.connect(port), Peer.connect(port), Peer.connect(port)
    assert bolt.call(rpc, 5, b"hello", v2=1).content == b"hello"
    dubbo.send(b"\xda\xbb\xe2\0" + bytes(8) + b"\0\0\0\1N")
    assert dubbo.exactly(4) == b"\xda\xbb\x22\x14"
    http.send(GET)
    assert http.closed()
    assert sidecar.stat(f"listener.127.0.0.1_{port}.no_filter_chain_match") == 1
