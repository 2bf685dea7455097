"""Listeners through the real program: limits, PROXY protocol both ways, unix sockets, filter chains."""

from __future__ import annotations

import socket
from pathlib import Path

import psutil
import pytest

from tests.proxy.conftest import MakeUpstream, Start
from tests.proxy.sidecar import address, bootstrap, cluster, free_port, http_listener, route, tcp_listener
from tests.proxy.upstream import Peer, parse_fields, status

GET = b"GET /a HTTP/1.1\r\nhost: x\r\n\r\n"
PROXY_FILTER = {
    "name": "envoy.filters.listener.proxy_protocol",
    "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol"
    },
}


def v2(source: str, target: str, source_port: int, target_port: int, tlv: bytes = b"") -> bytes:
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    body = socket.inet_pton(family, source) + socket.inet_pton(family, target)
    body += source_port.to_bytes(2, "big") + target_port.to_bytes(2, "big") + tlv
    kind = b"\x21" if family == socket.AF_INET6 else b"\x11"
    return b"\r\n\r\n\0\r\nQUIT\n\x21" + kind + len(body).to_bytes(2, "big") + body


def own_address() -> bytes:
    """What a client on a loopback address is called: this machine's first other IPv4 address, as in Envoy."""
    addresses = [address for interface in psutil.net_if_addrs().values() for address in interface]
    found = (each for each in addresses if each.family == socket.AF_INET)
    return next((each.address for each in found if not each.address.startswith("127.")), "127.0.0.1").encode()


@pytest.mark.parametrize(
    ("header", "client"),
    [
        (b"PROXY TCP4 203.0.113.7 198.51.100.1 4321 80\r\n", b"203.0.113.7"),
        (b"PROXY TCP6 2001:db8::7 2001:db8::1 4321 80\r\n", b"2001:db8::7"),
        (b"PROXY UNKNOWN\r\n", b"127.0.0.1"),
        (v2("203.0.113.9", "198.51.100.1", 1234, 80), b"203.0.113.9"),
        (v2("2001:db8::9", "2001:db8::1", 1234, 80, tlv=b"\x04\0\x02ab"), b"2001:db8::9"),
        (b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", b"127.0.0.1"),
    ],
)
@pytest.mark.parametrize("dribble", [False, True])
def test_proxy_protocol_in(
    start: Start, upstream: MakeUpstream, header: bytes, client: bytes, dribble: bool
) -> None:
    port = free_port()
    listener = http_listener(port, [route()], use_remote_address=True, listener={"listener_filters": [PROXY_FILTER]})
    start(bootstrap([listener], [cluster("backend", upstream().port)]))
    peer = Peer.connect(port)
    if dribble:
        peer.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for n in range(len(header)):
            peer.send(header[n : n + 1])
        peer.send(GET)
    else:
        peer.send(header + GET)
    head, body = peer.message()
    assert status(head) == 200
    assert parse_fields(body)[b"x-forwarded-for"] == (own_address() if client == b"127.0.0.1" else client)


@pytest.mark.parametrize(
    "header",
    [
        b"PROXY TCP4 203.0.113.7 198.51.100.1 4321\r\n",
        b"PROXY TCP4 203.0.113.777 198.51.100.1 4321 80\r\n",
        b"PROXY TCP4 203.0.113.7 198.51.100.1 4321 80 \r\n",
        b"PROXY TCP9 203.0.113.7 198.51.100.1 4321 80\r\n",
        b"PROXY " + b"a" * 200,
        b"GET / HTTP/1.1\r\nhost: x\r\n\r\n",
        b"\r\n\r\n\0\r\nQUIT\n\x31\x11\0\x0c" + bytes(12),
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x03abc",
    ],
)
def test_bad_proxy_header_closes(start: Start, upstream: MakeUpstream, header: bytes) -> None:
    port = free_port()
    listener = http_listener(port, [route()], listener={"listener_filters": [PROXY_FILTER]})
    backend = upstream()
    sidecar = start(bootstrap([listener], [cluster("backend", backend.port)]))
    peer = Peer.connect(port)
    peer.send(header)
    assert peer.closed()
    assert backend.accepted == 0
    sidecar.wait_stat(f"listener.127.0.0.1_{port}.downstream_cx_active", 0)


@pytest.mark.parametrize(("version", "start_of"), [("V1", b"PROXY TCP4 127.0.0.1 127.0.0.1 "), ("V2", b"\r\n\r\n\0\r\n")])
def test_proxy_protocol_out(start: Start, upstream: MakeUpstream, version: str, start_of: bytes) -> None:
    heard: list[bytes] = []

    def handler(peer: Peer) -> None:
        heard.append(peer.until(b"bye"))
        peer.send(b"done")

    raw = {"name": "envoy.transport_sockets.raw_buffer"}
    raw["typed_config"] = {  # type: ignore[assignment]
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer"
    }
    socket_config = {
        "name": "envoy.transport_sockets.upstream_proxy_protocol",
        "typed_config": {
            "@type": "type.googleapis.com/"
            "envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport",
            "config": {"version": version},
            "transport_socket": raw,
        },
    }
    port = free_port()
    backend = upstream(handler)
    start(bootstrap([tcp_listener(port)], [cluster("backend", backend.port, transport_socket=socket_config)]))
    peer = Peer.connect(port)
    source = peer.sock.getsockname()[1]
    peer.send(b"bye")
    assert peer.exactly(4) == b"done"
    assert heard[0].startswith(start_of) and heard[0].endswith(b"bye")
    if version == "V1":
        assert heard[0] == b"PROXY TCP4 127.0.0.1 127.0.0.1 %d %d\r\nbye" % (source, port)
    else:
        assert heard[0][12:16] == b"\x21\x11\0\x0c" and int.from_bytes(heard[0][24:26], "big") == source


def test_unix_sockets_on_both_sides(start: Start, tmp_path: Path) -> None:
    inside, outside = str(tmp_path / "up.sock"), str(tmp_path / "down.sock")
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(inside)
    listening.listen()
    listener = http_listener(1, [route()])
    listener["address"] = {"pipe": {"path": outside}}
    backend = cluster("backend")
    backend["load_assignment"]["endpoints"] = [
        {"lb_endpoints": [{"endpoint": {"address": {"pipe": {"path": inside}}}}]}
    ]
    sidecar = start(bootstrap([listener], [backend]), workers=2)
    for _ in range(4):
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(outside)
        client = Peer(sock)
        client.send(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        server = Peer(listening.accept()[0])
        assert server.until(b"\r\n\r\n").startswith(b"GET / HTTP/1.1\r\n")
        server.send(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nhi")
        assert client.message()[1] == b"hi"
        client.close()
        server.close()
    assert sidecar.process.poll() is None
    listening.close()


def test_listener_connection_limit_holds_over_workers(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    limit = {"layers": [{"name": "l", "static_layer": {"envoy.resource_limits.listener.http.connection_limit": 3}}]}
    config = bootstrap([http_listener(port, [route()])], [cluster("backend", upstream().port)], layered_runtime=limit)
    sidecar = start(config, workers=2)
    served, refused = [], 0
    for _ in range(10):
        client = Peer.connect(port)
        client.send(GET)
        try:
            assert status(client.message()[0]) == 200
            served.append(client)
        except Exception:
            refused += 1
    assert len(served) == 3 and refused == 7
    assert sidecar.stat(f"listener.127.0.0.1_{port}.downstream_cx_overflow") == 7
    for client in served:
        client.close()
    sidecar.wait_stat(f"listener.127.0.0.1_{port}.downstream_cx_active", 0)
    client = Peer.connect(port)
    client.send(GET)
    assert status(client.message()[0]) == 200


def test_filter_chain_is_chosen_by_source_and_port(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    here = http_listener(port, [{"match": {"prefix": "/"}, "direct_response": {"status": 201}}])
    there = http_listener(port, [{"match": {"prefix": "/"}, "direct_response": {"status": 202}}], stat_prefix="b")
    chains = [
        {**here["filter_chains"][0], "filter_chain_match": {"source_prefix_ranges": [_range("127.0.0.0", 8)]}},
        {**there["filter_chains"][0], "filter_chain_match": {"source_prefix_ranges": [_range("127.0.0.2", 32)]}},
    ]
    for number, chain in enumerate(chains):
        chain["name"] = f"chain-{number}"
    start(bootstrap([{"name": "two", "address": address(port), "filter_chains": chains}], []))
    for source, expected in (("127.0.0.1", 201), ("127.0.0.2", 202), ("127.0.0.3", 201)):
        client = Peer(socket.create_connection(("127.0.0.1", port), source_address=(source, 0)))
        client.send(GET)
        assert status(client.message()[0]) == expected


def _range(prefix: str, length: int) -> dict[str, object]:
    return {"address_prefix": prefix, "prefix_len": length}


def test_no_matching_chain_closes(start: Start) -> None:
    port = free_port()
    listener = http_listener(port, [{"match": {"prefix": "/"}, "direct_response": {"status": 200}}])
    listener["filter_chains"][0]["filter_chain_match"] = {"destination_port": 1}
    sidecar = start(bootstrap([listener], []))
    assert Peer.connect(port).closed()
    sidecar.wait_stat(f"listener.127.0.0.1_{port}.no_filter_chain_match", 1)
