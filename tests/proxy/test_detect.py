"""One port for many protocols, through the real program."""

from __future__ import annotations

import socket
import time
from typing import Any

import psutil
import pytest

from tests.fastpath.codec import client_hellos
from tests.proxy import bolt
from tests.proxy.conftest import MakeUpstream, Start
from tests.proxy.detection import (
    HTTP_INSPECTOR,
    INSPECTORS,
    PROXY_PROTOCOL,
    TLS_INSPECTOR,
    http_chain,
    naming,
    protocol_inspector,
    rpc_chain,
    tcp_chain,
)
from tests.proxy.sidecar import Sidecar, address, bootstrap, cluster, free_port
from tests.proxy.upstream import Peer, status

GET = b"GET /a HTTP/1.1\r\nhost: x\r\n\r\n"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HELLO = client_hellos.of_python("a.example.com", ["h2", "http/1.1"])
DUBBO_HEARTBEAT = b"\xda\xbb\xe2\0" + (7).to_bytes(8, "big") + b"\0\0\0\1N"


def listener(port: int, chains: list[dict[str, Any]], filters: Any = None, **fields: Any) -> dict[str, Any]:
    found = {"name": "one", "address": address(port), "filter_chains": chains}
    return found | {"listener_filters": INSPECTORS if filters is None else filters, **fields}


class Box:
    """A sidecar with one port for everything: each kind of chain has an upstream of its own."""

    def __init__(self, start: Start, upstream: MakeUpstream, **fields: Any) -> None:
        self.port = free_port()
        kinds = ("tls", "h2", "raw", "sni")
        ports = {kind: upstream(naming(kind.encode())).port for kind in kinds}
        ports["http"], ports["bolt"] = upstream().port, upstream(bolt.serving(bolt.echo)).port
        chains = [
            http_chain("http/1.0", "http/1.1", cluster="http"),
            rpc_chain("bolt", "bolt"),
            rpc_chain("dubbo", "bolt"),
            tcp_chain("h2", application_protocols=["h2c"]),
            tcp_chain("tls", transport_protocol="tls"),
            tcp_chain("sni", server_names=["*.example.com"]),
        ]
        fields.setdefault("default_filter_chain", tcp_chain("raw"))
        clusters = [cluster(name, number) for name, number in ports.items()]
        self.sidecar: Sidecar = start(bootstrap([listener(self.port, chains, **fields)], clusters))

    def connect(self) -> Peer:
        peer = Peer.connect(self.port)
        peer.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return peer

    def stat(self, name: str) -> int:
        return self.sidecar.stat(f"listener.127.0.0.1_{self.port}.{name}")


@pytest.fixture
def box(start: Start, upstream: MakeUpstream) -> Box:
    return Box(start, upstream)


TRADES = [
    ("http/1.1", GET, b"HTTP/1.1 200 OK\r\n"),
    ("bolt", bolt.request(7, b"hello"), bolt.response(7, b"hello")),
    ("bolt v2", bolt.request(7, b"hello", v2=1), bolt.response(7, b"hello", v2=1)),
    ("bolt heartbeat", bolt.heartbeat(9), bolt.heartbeat_answer(9)),
    ("dubbo heartbeat", DUBBO_HEARTBEAT, b"\xda\xbb\x22\x14" + DUBBO_HEARTBEAT[4:]),
    ("h2c", PREFACE + b"\0\0\0\4\0\0\0\0\0", b"h2:" + PREFACE + b"\0\0\0\4\0\0\0\0\0"),
    ("tls", HELLO, b"sni:" + HELLO),
    ("unknown", b"\xff\xfeanything", b"raw:\xff\xfeanything"),
]


@pytest.mark.parametrize(("sent", "answer"), [each[1:] for each in TRADES], ids=[each[0] for each in TRADES])
def test_every_protocol_split_at_every_byte(box: Box, sent: bytes, answer: bytes) -> None:
    # Every place at which the connection may still be undecided, and some behind it.
    peers = []
    for at in range(min(len(sent), 24)):
        peer = box.connect()
        peer.send(sent[:at])
        peers.append((at, peer))
    time.sleep(0.1)
    for at, peer in peers:
        peer.send(sent[at:])
    for at, peer in peers:
        assert peer.exactly(len(answer)) == answer, at


@pytest.mark.parametrize(("sent", "answer"), [each[1:] for each in TRADES], ids=[each[0] for each in TRADES])
def test_byte_by_byte_and_then_again(box: Box, sent: bytes, answer: bytes) -> None:
    peer = box.connect()
    for i in range(len(sent)):
        peer.send(sent[i : i + 1])
        time.sleep(0.0005)
    assert peer.exactly(len(answer)) == answer


def test_what_is_known_is_not_asked_again(box: Box) -> None:
    peer = box.connect()
    for number in range(3):
        assert bolt.call(peer, number, b"x%d" % number).content == b"x%d" % number
    peer = box.connect()
    for _ in range(3):
        peer.send(GET)
        assert status(peer.message()[0]) == 200
    assert (box.sidecar.stat("http_inspector.http11_found"), box.sidecar.stat("protocol_inspector.found")) == (1, 1)


def test_what_is_known_outlives_a_reload(box: Box) -> None:
    rpc, http, waiting = box.connect(), box.connect(), box.connect()
    bolt.call(rpc, 1)
    http.send(GET)
    http.message()
    waiting.send(b"GET /slow")
    for _ in range(3):
        config = {key: value for key, value in box.sidecar.config.items() if key != "admin"}
        config["static_resources"]["listeners"][0]["per_connection_buffer_limit_bytes"] = 40000 + int(time.time())
        assert box.sidecar.reload(config).returncode == 0
    assert bolt.call(rpc, 2, b"again").content == b"again"
    http.send(GET)
    assert status(http.message()[0]) == 200
    waiting.send(b" HTTP/1.1\r\nhost: x\r\n\r\n")
    assert status(waiting.message()[0]) == 200


def test_statistics(box: Box) -> None:
    for sent in (GET, b"GET /a HTTP/1.0\r\n\r\n", PREFACE, b"\xff\xff", bolt.heartbeat(1)):
        peer = box.connect()
        peer.send(sent)
        peer.more()
    names = ["http11_found", "http10_found", "http2_found", "http_not_found", "read_error"]
    assert [box.sidecar.stat(f"http_inspector.{name}") for name in names] == [1, 1, 1, 2, 0]
    assert [box.sidecar.stat(f"tls_inspector.{name}") for name in ("tls_found", "tls_not_found")] == [0, 5]
    for hello in (HELLO, client_hellos.of_python(name=None, protocols=())):
        peer = box.connect()
        peer.send(hello)
        peer.more()
    names = ["tls_found", "sni_found", "sni_not_found", "alpn_found", "alpn_not_found", "client_hello_too_large"]
    assert [box.sidecar.stat(f"tls_inspector.{name}") for name in names] == [2, 1, 1, 1, 1, 0]
    assert [box.sidecar.stat(f"protocol_inspector.{name}") for name in ("found", "not_found")] == [1, 1]
    assert "envoy_http_inspector_http11_found{} 1" in box.sidecar.admin("/stats/prometheus")


def test_who_sends_too_much_without_saying_what_is_closed(box: Box) -> None:
    long = box.connect()
    with pytest.raises(OSError):  # the rest meets a closed connection
        for _ in range(200):
            long.send(b"GET /" + b"a" * 65536)
    hello = box.connect()
    hello.send(client_hellos.record(b"\1\xff\xff\xff" + bytes(1000)))
    assert hello.closed()
    assert box.sidecar.stat("http_inspector.read_error") == 1
    assert box.sidecar.stat("tls_inspector.client_hello_too_large") == 1
    assert (box.stat("downstream_cx_active"), box.stat("downstream_pre_cx_active")) == (0, 0)


def test_who_leaves_undecided(box: Box) -> None:
    for ending in (Peer.close, Peer.reset):
        peer = box.connect()
        peer.send(b"GE")
        time.sleep(0.05)
        ending(peer)
    box.sidecar.wait_stat(f"listener.127.0.0.1_{box.port}.downstream_listener_filter_remote_close", 1)
    box.sidecar.wait_stat(f"listener.127.0.0.1_{box.port}.downstream_listener_filter_error", 1)
    assert (box.stat("downstream_cx_active"), box.stat("downstream_pre_cx_active")) == (0, 0)


@pytest.mark.parametrize("sent", [b"", b"GET /", b"\1", b"\x16\3\1"])
def test_time_is_bounded(start: Start, upstream: MakeUpstream, sent: bytes) -> None:
    box = Box(start, upstream, listener_filters_timeout="0.3s")
    peer = box.connect()
    begun = time.monotonic()
    peer.send(sent)
    assert peer.closed()
    assert 0.2 < time.monotonic() - begun < 2
    assert (box.stat("downstream_pre_cx_timeout"), box.stat("downstream_cx_active")) == (1, 0)


@pytest.mark.parametrize("sent", [b"", b"GET /", b"\1", b"\x16\3\1"])
def test_server_first(start: Start, upstream: MakeUpstream, sent: bytes) -> None:
    """With continue_on_listener_filters_timeout a client that waits for the server gets the default chain."""
    box = Box(start, upstream, listener_filters_timeout="0.3s", continue_on_listener_filters_timeout=True)
    peer = box.connect()
    peer.send(sent)
    assert peer.exactly(4) == b"raw:"
    peer.send(b"more")
    assert peer.exactly(len(sent) + 4) == sent + b"more"
    assert box.stat("downstream_pre_cx_timeout") == 1


@pytest.mark.parametrize(("sent", "answer"), [each[1:] for each in TRADES], ids=[each[0] for each in TRADES])
def test_behind_a_proxy_header(start: Start, upstream: MakeUpstream, sent: bytes, answer: bytes) -> None:
    box = Box(start, upstream, filters=[PROXY_PROTOCOL, *INSPECTORS])
    header = b"PROXY TCP4 203.0.113.7 198.51.100.1 4321 80\r\n"
    for cut in (0, 3, len(header), len(header) + 1, len(header) + len(sent)):
        peer = box.connect()
        peer.send((header + sent)[:cut])
        time.sleep(0.02)
        peer.send((header + sent)[cut:])
        assert peer.exactly(len(answer)) == answer, cut


def test_without_a_chain_it_is_closed_and_counted(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    chains = [http_chain("http/1.1", "http/1.0")]
    config = bootstrap([listener(port, chains)], [cluster("backend", upstream().port)])
    sidecar = start(config)
    for sent in (PREFACE, client_hellos.of_python(protocols=()), bolt.request(1), b"\xff"):
        peer = Peer.connect(port)
        peer.send(sent)
        assert peer.closed()
    assert sidecar.stat(f"listener.127.0.0.1_{port}.no_filter_chain_match") == 4


def test_order_of_protocols_is_kept_when_one_needs_more(start: Start, upstream: MakeUpstream) -> None:
    """Undecided when the time is over, but enough for one protocol: it is that one."""
    port = free_port()
    chains = [rpc_chain("bolt", "backend"), rpc_chain("dubbo", "backend")]
    backend = upstream(bolt.serving(bolt.echo))
    filters = [protocol_inspector("dubbo", "bolt")]
    start(bootstrap([listener(port, chains, filters)], [cluster("backend", backend.port)]))
    peer = Peer.connect(port)
    assert bolt.call(peer, 3, b"abc").content == b"abc"
    other = Peer.connect(port)
    other.send(DUBBO_HEARTBEAT)
    assert other.exactly(2) == b"\xda\xbb"


@pytest.mark.parametrize(
    ("name", "protocols", "chain"),
    [
        ("www.example.com", ["h2"], b"exact"),
        ("WWW.Example.Com", ["h2"], b"exact"),
        ("a.b.example.com", ["h2"], b"deep"),
        ("x.example.com", ["h2"], b"wild"),
        ("b.example.com", ["h2"], b"wild"),
        ("example.com", ["h2"], b"h2"),
        ("example.org", ["http/1.1", "h2"], b"http1"),
        ("example.org", ["h2", "http/1.1"], b"h2"),
        ("example.org", ["unknown", "http/1.1"], b"http1"),
        ("example.org", ["unknown"], b"tls"),
        (None, [], b"tls"),
    ],
)
def test_server_names_and_alpn(
    tls_box: int, name: str | None, protocols: list[str], chain: bytes
) -> None:
    peer = Peer.connect(tls_box)
    hello = client_hellos.of_python(name, protocols)
    peer.send(hello)
    assert peer.until(b":") == chain + b":"
    assert peer.exactly(len(hello)) == hello


@pytest.fixture
def tls_box(start: Start, upstream: MakeUpstream) -> int:
    port = free_port()
    matches: dict[str, dict[str, Any]] = {
        "exact": {"server_names": ["www.example.com"]},
        "wild": {"server_names": ["*.example.com"]},
        "deep": {"server_names": ["*.b.example.com"]},
        "h2": {"application_protocols": ["h2"], "transport_protocol": "tls"},
        "http1": {"application_protocols": ["http/1.1"], "transport_protocol": "tls"},
        "tls": {"transport_protocol": "tls"},
        "plain": {"transport_protocol": "raw_buffer"},
    }
    chains = [tcp_chain(name, **match) for name, match in matches.items()]
    clusters = [cluster(name, upstream(naming(name.encode())).port) for name in matches]
    start(bootstrap([listener(port, chains, [HTTP_INSPECTOR, TLS_INSPECTOR])], clusters))
    return port


def test_many_undecided_connections_cost_little(start: Start, upstream: MakeUpstream) -> None:
    box = Box(start, upstream, listener_filters_timeout="60s")
    (pid,) = box.sidecar.worker_pids()
    process = psutil.Process(pid)
    first = box.connect()
    first.send(b"GET /")
    before = process.memory_full_info().uss
    peers = [box.connect() for _ in range(800)]
    for peer in peers:
        peer.send(b"GET /" + b"a" * 20)
    box.sidecar.wait_stat(f"listener.127.0.0.1_{box.port}.downstream_pre_cx_active", 801)
    grown = process.memory_full_info().uss - before
    assert grown < 801 * 8192, f"{grown / 801:.0f} bytes for each"
    for peer in (first, *peers):
        peer.close()
    box.sidecar.wait_stat(f"listener.127.0.0.1_{box.port}.downstream_cx_active", 0)
