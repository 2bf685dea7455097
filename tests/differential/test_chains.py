"""Which filter chain the first bytes of a connection choose: Envoy's inspectors and ours, side by side."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.differential.programs import start
from tests.fastpath.codec import client_hellos as made
from tests.proxy.detection import HTTP_INSPECTOR, TLS_INSPECTOR, naming, tcp_chain
from tests.proxy.sidecar import address, bootstrap, cluster, free_port
from tests.proxy.upstream import Closed, Peer, Upstream

pytestmark = pytest.mark.peer

MATCHES: dict[str, dict[str, Any]] = {
    "http10": {"application_protocols": ["http/1.0"], "transport_protocol": "raw_buffer"},
    "http11": {"application_protocols": ["http/1.1"], "transport_protocol": "raw_buffer"},
    "h2c": {"application_protocols": ["h2c"]},
    "exact": {"server_names": ["www.example.com"]},
    "exact-h2": {"server_names": ["www.example.com"], "application_protocols": ["h2"]},
    "wild": {"server_names": ["*.example.com"]},
    "deep": {"server_names": ["*.b.example.com"]},
    "tls-h2": {"application_protocols": ["h2"], "transport_protocol": "tls"},
    "tls": {"transport_protocol": "tls"},
}
BYTES = {
    **{line: line.encode("latin-1").decode("unicode_escape").encode("latin-1") for line in (
        r"GET / HTTP/1.1\r\n\r\n", r"GET / HTTP/1.0\r\n\r\n", r"GET / HTTP/1.1\n\n", r"GET / HTTP/2.0\r\n\r\n",
        r"GET / HTTP/1.2\r\n\r\n", r"GET /\r\n", r"X-OWN /a HTTP/1.1\r\n\r\n", r"OPTIONS * HTTP/1.1\r\n\r\n",
        r"GET http://a/b HTTP/1.1\r\n\r\n", r"CONNECT a:1 HTTP/1.1\r\n\r\n", r"GET / HTTP/11\r\n\r\n",
        r"GET / http/1.1\r\n\r\n", r"EHLO example.com\r\n", r"SSH-2.0-OpenSSH_9.2\r\n", r"*1\r\n$4\r\nPING\r\n",
        r"\r\nGET / HTTP/1.1\r\n\r\n", r"GET a HTTP/1.1\r\n\r\n", r"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        r"PRI * HTTP/2.0\r\n\r\nNO\r\n\r\n", r"GET /a\x01 HTTP/1.1\r\n\r\n", r"GET\r\n", r"\x00\x01\x02\r\n",
    )},
    "www": made.of_python("www.example.com", []),
    "www h2": made.of_python("www.example.com", ["http/1.1", "h2"]),
    "www http/1.1": made.of_python("www.example.com", ["http/1.1"]),
    "x": made.of_python("x.example.com", ["h2"]),
    "deeper": made.of_python("X.A.B.example.com", []),
    "bare": made.of_python("example.com", ["h2"]),
    "other": made.of_python("example.org", []),
    "nameless": made.of_python(None, []),
    "in records": made.records(made.of_python("www.example.com", [])[5:], 50),
    "a list of two names": made.record(made.message(made.server_name(b"www.example.com", b"b"))),
    "no extensions": made.record(made.message()),
    "a truncated extension": made.record(made.message(b"\0\0\0")),
    "data without a handshake": b"\x17\3\1\0\2\1\n",
}  # fmt: skip


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[int]]:
    with ExitStack() as running:
        upstreams = {name: Upstream(naming(name.encode())) for name in (*MATCHES, "rest")}
        for upstream in upstreams.values():
            running.callback(upstream.stop)
        clusters = [cluster(name, upstream.port) for name, upstream in upstreams.items()]
        found = []
        for name in ("envoy", "mosn"):
            found.append(free_port())
            listener = {
                "name": "one", "address": address(found[-1]), "listener_filters": [TLS_INSPECTOR, HTTP_INSPECTOR],
                "filter_chains": [{**tcp_chain(each, **match), "name": each} for each, match in MATCHES.items()],
                "default_filter_chain": tcp_chain("rest"), "listener_filters_timeout": "1s",
            }  # fmt: skip
            directory: Path = tmp_path_factory.mktemp(name)
            running.enter_context(start(name, directory, bootstrap([listener], clusters)))
        yield found


def chosen(port: int, data: bytes) -> str:
    peer = Peer.connect(port)
    peer.send(data)
    try:
        return peer.until(b":")[:-1].decode()
    except Closed:
        return "closed"
    finally:
        peer.close()


@pytest.mark.parametrize("data", BYTES.values(), ids=BYTES.keys())
def test_the_same_chain(ports: list[int], data: bytes) -> None:
    envoy, ours = (chosen(port, data) for port in ports)
    assert ours == envoy
