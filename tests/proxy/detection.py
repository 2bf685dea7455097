"""Bootstraps whose listeners tell protocols apart, and who answers behind each chain."""

from __future__ import annotations

from typing import Any

from tests.proxy.rpc import rpc_listener
from tests.proxy.sidecar import http_listener, route, tcp_listener
from tests.proxy.upstream import Peer

LISTENER_FILTERS = "type.googleapis.com/envoy.extensions.filters.listener."
HTTP_INSPECTOR = {
    "name": "envoy.filters.listener.http_inspector",
    "typed_config": {"@type": f"{LISTENER_FILTERS}http_inspector.v3.HttpInspector"},
}
TLS_INSPECTOR = {
    "name": "envoy.filters.listener.tls_inspector",
    "typed_config": {"@type": f"{LISTENER_FILTERS}tls_inspector.v3.TlsInspector"},
}
PROXY_PROTOCOL = {
    "name": "envoy.filters.listener.proxy_protocol",
    "typed_config": {"@type": f"{LISTENER_FILTERS}proxy_protocol.v3.ProxyProtocol"},
}


def protocol_inspector(*protocols: str) -> dict[str, Any]:
    kind = "type.googleapis.com/mosn.protocol.v1.ProtocolInspector"
    return {"name": "mosn.protocol_inspector", "typed_config": {"@type": kind, "protocols": list(protocols)}}


INSPECTORS = [TLS_INSPECTOR, HTTP_INSPECTOR, protocol_inspector()]


def chain(listener: dict[str, Any], **match: Any) -> dict[str, Any]:
    """The chain of a listener that has one, with what it matches."""
    (found,) = listener["filter_chains"]
    return {**found, "filter_chain_match": match} if match else dict(found)


def http_chain(*protocols: str, cluster: str = "backend") -> dict[str, Any]:
    return chain(http_listener(1, [route(cluster=cluster)]), application_protocols=list(protocols))


def rpc_chain(protocol: str, cluster: str) -> dict[str, Any]:
    made = rpc_listener(1, [route(cluster=cluster)], protocol=protocol, stat_prefix=protocol)
    return chain(made, application_protocols=[protocol])


def tcp_chain(cluster: str, name: str = "", **match: Any) -> dict[str, Any]:
    return chain(tcp_listener(1, cluster, name or cluster), **match)


def naming(name: bytes) -> Any:
    """An upstream's handler that says its name and then everything that it hears."""

    def handle(peer: Peer) -> None:
        peer.send(name + b":")
        while True:
            if not peer.unread:
                peer.more()
            peer.send(peer.unread)
            peer.unread = b""

    return handle
