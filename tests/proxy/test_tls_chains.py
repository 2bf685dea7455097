"""Filter chains with TLS beside others on one port: by server name, by ALPN, or plain text."""

from __future__ import annotations

import ssl
from typing import Any

from tests.proxy.conftest import MakeUpstream, Start
from tests.proxy.sidecar import bootstrap, cluster, free_port, http_listener, route
from tests.proxy.tls import Authority, Certificate, TlsPeer, client_context, downstream, get
from tests.proxy.upstream import Peer, status

INSPECTOR = {
    "name": "envoy.filters.listener.tls_inspector",
    "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector"},
}


def listener_of(port: int, *chains: tuple[dict[str, Any], dict[str, Any] | None]) -> dict[str, Any]:
    """Chains of (filter_chain_match, transport_socket), each adding its number to requests."""
    made = http_listener(port, [route()])
    (chain,) = made["filter_chains"]
    made["filter_chains"] = []
    for number, (match, transport) in enumerate(chains):
        manager = {**chain["filters"][0]["typed_config"], "stat_prefix": f"chain{number}"}
        hosts = manager["route_config"]["virtual_hosts"]
        header = {"header": {"key": "x-chain", "value": str(number)}}
        manager["route_config"] = {
            "name": f"chain{number}", "virtual_hosts": [{**hosts[0], "request_headers_to_add": [header]}],
        }  # fmt: skip
        entry = {"filter_chain_match": match, "filters": [{**chain["filters"][0], "typed_config": manager}]}
        if transport is not None:
            entry["transport_socket"] = transport
        made["filter_chains"].append(entry)
    made["listener_filters"] = [INSPECTOR]
    return made


def chain_of(peer: Peer) -> str:
    peer.send(get())
    head, body = peer.message()
    assert status(head) == 200
    return body.decode().partition("x-chain: ")[2][:1]


def test_tls_and_plain_text_on_one_port(
    start: Start, upstream: MakeUpstream, authority: Authority, certificate: Certificate
) -> None:
    port = free_port()
    listener = listener_of(
        port, ({"transport_protocol": "tls"}, downstream(certificate)), ({"transport_protocol": "raw_buffer"}, None)
    )
    config = bootstrap([listener], [cluster("backend", upstream().port)])
    sidecar = start(config)
    plain, secure = Peer.connect(port), TlsPeer.open(port, client_context(authority))
    assert chain_of(secure) == "0"
    assert chain_of(plain) == "1"
    # Open connections stay where they are over a reload.
    config["static_resources"]["clusters"][0]["connect_timeout"] = "2s"
    assert sidecar.reload(config).returncode == 0
    assert chain_of(secure) == "0"
    assert chain_of(plain) == "1"


def test_by_server_name(start: Start, upstream: MakeUpstream, authority: Authority) -> None:
    port = free_port()
    first, second = authority.issue("one.test"), authority.issue("*.two.test")
    listener = listener_of(
        port,
        ({"server_names": ["one.test"]}, downstream(first)),
        ({"server_names": ["*.two.test"]}, downstream(second)),
    )
    config = bootstrap([listener], [cluster("backend", upstream().port)])
    sidecar = start(config)
    clients = [TlsPeer.open(port, client_context(authority), name) for name in ("one.test", "x.two.test")]
    assert [chain_of(client) for client in clients] == ["0", "1"]
    config["static_resources"]["clusters"][0]["connect_timeout"] = "2s"
    assert sidecar.reload(config).returncode == 0
    assert [chain_of(client) for client in clients] == ["0", "1"]
    try:
        stranger = TlsPeer.open(port, client_context(authority), "three.test")
    except (ssl.SSLError, ConnectionError):
        stranger = None
    assert stranger is None
    sidecar.wait_stat(f"listener.127.0.0.1_{port}.no_filter_chain_match", 1)
