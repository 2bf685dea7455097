"""TLS towards upstreams, through the real program."""

from __future__ import annotations

import hashlib
import os
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.proxy.conftest import MakeUpstream, Start
from tests.proxy.sidecar import Sidecar, bootstrap, cluster, free_port, http_listener, route, tcp_listener
from tests.proxy.test_tcp import echo
from tests.proxy.tls import (
    Authority,
    Certificate,
    TlsPeer,
    client_context,
    digest,
    downstream,
    get,
    secured,
    validation,
)
from tests.proxy.tls import upstream as upstream_tls
from tests.proxy.upstream import Closed, Peer, Upstream, echo_head, ok, status


def server_context(certificate: Certificate, authority: Authority | None = None) -> ssl.SSLContext:
    """With an authority, clients must show a certificate of it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.chain_file, certificate.key_file)
    if authority is not None:
        context.load_verify_locations(authority.file)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def over_tls(context: ssl.SSLContext, handler: Callable[[Peer], None] = echo_head) -> Callable[[Peer], None]:
    """A handler of an upstream that speaks TLS; it finds the SSLSocket in peer.sock."""

    def serve(peer: Peer) -> None:
        peer.sock.settimeout(10)
        try:
            peer.sock = context.wrap_socket(peer.sock, server_side=True)
        except (ssl.SSLError, OSError):
            return
        handler(peer)

    return serve


def with_cluster(start: Start, port: int, socket_config: dict[str, Any], **fields: Any) -> tuple[Sidecar, int]:
    listening = free_port()
    made = cluster("backend", port, transport_socket=socket_config, **fields)
    log = {
        "name": "log",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
            "path": "/dev/stdout",
            "log_format": {"text_format_source": {"inline_string": "failure=%UPSTREAM_TRANSPORT_FAILURE_REASON%\n"}},
        },
    }
    return start(bootstrap([http_listener(listening, [route()], access_log=[log])], [made])), listening


def wait_output(sidecar: Sidecar, words: str) -> None:
    deadline = time.monotonic() + 5
    while words not in sidecar.output():
        assert time.monotonic() < deadline, sidecar.output()
        time.sleep(0.05)


def ask(port: int) -> tuple[int, bytes]:
    client = Peer.connect(port)
    client.send(get())
    head, body = client.message()
    client.close()
    return status(head), body


def stat(sidecar: Sidecar, name: str) -> int:
    return sidecar.stat(f"cluster.backend.ssl.{name}")


def test_requests_share_a_connection(
    start: Start, upstream: MakeUpstream, authority: Authority, certificate: Certificate
) -> None:
    server = upstream(over_tls(server_context(certificate)))
    config = upstream_tls(common=validation(authority, ("DNS", "a.test")), sni="a.test")
    sidecar, port = with_cluster(start, server.port, config)
    client = Peer.connect(port)
    for _ in range(5):
        client.send(get())
        head, body = client.message()
        assert status(head) == 200 and body.startswith(b"GET / HTTP/1.1")
    assert server.accepted == 1
    sidecar.wait_stat("cluster.backend.ssl.handshake", 1)
    sidecar.wait_stat("cluster.backend.ssl.versions.TLSv1.3", 1)


def test_server_name_and_protocols(
    start: Start, upstream: MakeUpstream, authority: Authority, certificate: Certificate
) -> None:
    seen: list[Any] = []
    context = server_context(certificate)
    context.sni_callback = lambda sock, name, _: seen.append(name)
    context.set_alpn_protocols(["http/1.1"])

    def handler(peer: Peer) -> None:
        assert isinstance(peer.sock, ssl.SSLSocket)
        seen.append(peer.sock.selected_alpn_protocol())
        echo_head(peer)

    common = {**validation(authority), "alpn_protocols": ["http/1.1"]}
    config = upstream_tls(common=common, sni="x.b.test")
    _, port = with_cluster(start, upstream(over_tls(context, handler)).port, config)
    assert ask(port)[0] == 200
    assert seen == ["x.b.test", "http/1.1"]


def test_server_name_of_the_host(
    start: Start, upstream: MakeUpstream, authority: Authority, certificate: Certificate
) -> None:
    seen: list[Any] = []
    context = server_context(certificate)
    context.sni_callback = lambda sock, name, _: seen.append(name)
    server = upstream(over_tls(context))
    config = upstream_tls(common=validation(authority), auto_host_sni=True, auto_sni_san_validation=True)
    listening = free_port()
    made = cluster("backend", server.port, transport_socket=config)
    endpoint = made["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]
    endpoint["hostname"] = "a.test"
    sidecar = start(bootstrap([http_listener(listening, [route()])], [made]))
    assert ask(listening)[0] == 200
    endpoint["hostname"] = "stranger.test"
    assert sidecar.reload(bootstrap([http_listener(listening, [route()])], [made])).returncode == 0
    server.peers[0].close()
    time.sleep(0.2)
    assert ask(listening)[0] == 503
    assert seen == ["a.test", "stranger.test"]
    assert stat(sidecar, "fail_verify_san") == 1


_NO_NAME = "TLS_error:_no_subject_alternative_name_matches"
REFUSED: dict[str, tuple[Callable[[Authority, Path], dict[str, Any]], str, str]] = {
    "other authority": (
        lambda _, path: validation(Authority(path, "other")),
        "fail_verify_error",
        "TLS_error:_certificate_verify_failed",
    ),
    "other name": (lambda made, _: validation(made, ("DNS", "c.test")), "fail_verify_san", _NO_NAME),
    "other kind of name": (lambda made, _: validation(made, ("URI", "a.test")), "fail_verify_san", _NO_NAME),
    "other certificate": (
        lambda made, _: validation(made, verify_certificate_hash=["00" * 32]),
        "fail_verify_cert_hash",
        "TLS_error:_certificate_is_not_one_of_those_listed",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_servers_that_are_refused(
    start: Start, upstream: MakeUpstream, authority: Authority, certificate: Certificate, tmp_path: Path, case: str
) -> None:
    rules, counter, words = REFUSED[case]
    server = upstream(over_tls(server_context(certificate)))
    config = upstream_tls(common=rules(authority, tmp_path), sni="a.test")
    sidecar, port = with_cluster(start, server.port, config)
    assert ask(port)[0] == 503
    wait_output(sidecar, words)
    assert stat(sidecar, counter) >= 1
    assert stat(sidecar, "handshake") == 0


def test_expired_server(start: Start, upstream: MakeUpstream, authority: Authority) -> None:
    old = authority.issue("a.test", expired=True)
    server = upstream(over_tls(server_context(old)))
    sidecar, port = with_cluster(start, server.port, upstream_tls(common=validation(authority)))
    assert ask(port)[0] == 503
    assert stat(sidecar, "fail_verify_error") >= 1
    lenient = upstream_tls(common=validation(authority, allow_expired_certificate=True))
    _, port = with_cluster(start, server.port, lenient)
    assert ask(port)[0] == 200


def test_revoked_server(start: Start, upstream: MakeUpstream, authority: Authority, certificate: Certificate) -> None:
    server = upstream(over_tls(server_context(certificate)))
    for revoked, code in ((certificate, 503), (authority.issue("other.test"), 200)):
        common = validation(authority, crl={"inline_string": authority.revoke(revoked).decode()})
        _, port = with_cluster(start, server.port, upstream_tls(common=common))
        assert ask(port)[0] == code


def test_names_that_match(start: Start, upstream: MakeUpstream, authority: Authority) -> None:
    mesh = authority.issue("spiffe://cluster.local/ns/a/sa/b", "x.test", "10.0.0.1", "me@x.test")
    server = upstream(over_tls(server_context(mesh)))
    matchers = [
        {"san_type": "URI", "matcher": {"prefix": "spiffe://cluster.local/ns/a/"}},
        {"san_type": "URI", "matcher": {"safe_regex": {"regex": "spiffe://.*/sa/b"}}},
        {"san_type": "DNS", "matcher": {"suffix": ".test"}},
        {"san_type": "IP_ADDRESS", "matcher": {"exact": "10.0.0.1"}},
        {"san_type": "EMAIL", "matcher": {"contains": "@x"}},
    ]
    for matcher in matchers:
        rules = validation(authority)
        rules["validation_context"]["match_typed_subject_alt_names"] = [matcher]
        _, port = with_cluster(start, server.port, upstream_tls(common=rules))
        assert ask(port)[0] == 200, matcher


def test_certificate_for_the_upstream(
    start: Start, upstream: MakeUpstream, authority: Authority, certificate: Certificate
) -> None:
    server = upstream(over_tls(server_context(certificate, authority)))
    client = authority.issue("spiffe://mesh/client")
    _, port = with_cluster(start, server.port, upstream_tls(client, common=validation(authority)))
    assert ask(port)[0] == 200
    _, port = with_cluster(start, server.port, upstream_tls(common=validation(authority)))
    assert ask(port)[0] == 503


def test_sessions_are_resumed(
    start: Start, upstream: MakeUpstream, authority: Authority, certificate: Certificate
) -> None:
    def once(peer: Peer) -> None:
        peer.message()
        peer.send(ok(b"ok", b"connection: close\r\n"))

    server = upstream(over_tls(server_context(certificate), once))
    for keys, reused in ((None, 4), (0, 0)):
        fields = {} if keys is None else {"max_session_keys": keys}
        sidecar, port = with_cluster(start, server.port, upstream_tls(common=validation(authority), **fields))
        for _ in range(5):
            assert ask(port)[0] == 200
        sidecar.wait_stat("cluster.backend.ssl.handshake", 5)
        assert stat(sidecar, "session_reused") == reused


def test_plain_server(start: Start, upstream: MakeUpstream, authority: Authority) -> None:
    def plain(peer: Peer) -> None:
        peer.more()
        peer.send(ok())

    sidecar, port = with_cluster(start, upstream(plain).port, upstream_tls(common=validation(authority)))
    assert ask(port)[0] == 503
    wait_output(sidecar, "failure=TLS_error:_wrong_version_number\n")
    assert stat(sidecar, "connection_error") >= 1


def test_server_that_never_shakes_hands(start: Start, upstream: MakeUpstream, authority: Authority) -> None:
    server = upstream(lambda peer: peer.sock.settimeout(60) or (peer.rest() and None))
    config = upstream_tls(common=validation(authority))
    sidecar, port = with_cluster(start, server.port, config, connect_timeout="0.3s")
    begun = time.monotonic()
    assert ask(port)[0] == 503
    assert time.monotonic() - begun < 3
    assert sidecar.stat("cluster.backend.upstream_cx_connect_timeout") >= 1


def test_body_until_close_needs_a_close_notify(
    start: Start, upstream: MakeUpstream, authority: Authority, certificate: Certificate
) -> None:
    """A FIN that anybody could have sent is not the end of a body."""
    endings: list[Callable[[ssl.SSLSocket], object]] = [lambda sock: sock.unwrap(), lambda sock: None]

    def handler(peer: Peer) -> None:
        assert isinstance(peer.sock, ssl.SSLSocket)
        peer.message()
        peer.send(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1000)
        endings.pop(0)(peer.sock)

    server = upstream(over_tls(server_context(certificate), handler))
    _, port = with_cluster(start, server.port, upstream_tls(common=validation(authority)))
    client = Peer.connect(port)
    client.send(get())
    assert client.message()[1] == b"x" * 1000
    client.send(get())
    with pytest.raises(Closed):
        client.message()


def test_large_bodies(start: Start, upstream: MakeUpstream, authority: Authority, certificate: Certificate) -> None:
    size = 256 << 20
    piece = os.urandom(1 << 20)

    def handler(peer: Peer) -> None:
        peer.until(b"\r\n\r\n")
        found = digest(peer, size).encode()
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\nx-digest: %s\r\n\r\n" % (size, found))
        for _ in range(size // len(piece)):
            peer.send(piece)

    server = upstream(over_tls(server_context(certificate), handler))
    listening = free_port()
    made = cluster("backend", server.port, transport_socket=upstream_tls(common=validation(authority)))
    start(bootstrap([http_listener(listening, [route(timeout="120s")])], [made]))
    client = Peer.connect(listening)
    client.send(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n" % size)
    for _ in range(size // len(piece)):
        client.send(piece)
    wanted = hashlib.sha256(piece * (size // len(piece))).hexdigest()
    assert wanted.encode() in client.until(b"\r\n\r\n")
    assert digest(client, size) == wanted


def test_tcp_with_a_proxy_header_in_front(
    start: Start, upstream: MakeUpstream, authority: Authority, certificate: Certificate
) -> None:
    context = server_context(certificate)

    def handler(peer: Peer) -> None:
        header = b""
        while not header.endswith(b"\r\n"):
            header += peer.sock.recv(1)
        assert header.startswith(b"PROXY TCP4 127.0.0.1 127.0.0.1 ")
        over_tls(context, echo)(peer)

    inner = upstream_tls(common=validation(authority))
    outer = {
        "name": "proxy",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.proxy_protocol.v3."
            "ProxyProtocolUpstreamTransport",
            "config": {"version": "V1"},
            "transport_socket": inner,
        },
    }
    port, http_port = free_port(), free_port()
    server, http_server = upstream(handler), upstream(lambda peer: http_handler(peer))

    def http_handler(peer: Peer) -> None:
        header = b""
        while not header.endswith(b"\r\n"):
            header += peer.sock.recv(1)
        over_tls(context)(peer)

    clusters = [
        cluster("backend", server.port, transport_socket=outer),
        cluster("web", http_server.port, transport_socket=outer),
    ]
    start(bootstrap([tcp_listener(port), http_listener(http_port, [route(cluster="web")])], clusters))
    client = Peer.connect(port)
    client.send(b"hello")
    assert client.exactly(5) == b"hello"
    assert ask(http_port)[0] == 200


@pytest.mark.parametrize("kind", ["http", "tcp"])
def test_two_sidecars_with_certificates_on_both_sides(
    start: Start, upstream: MakeUpstream, authority: Authority, certificate: Certificate, kind: str
) -> None:
    client = authority.issue("spiffe://mesh/client")
    inner_port, outer_port = free_port(), free_port()
    server_side = downstream(
        certificate, common=validation(authority, ("URI", "spiffe://mesh/client")), require_client_certificate=True
    )
    client_side = upstream_tls(client, common=validation(authority, ("DNS", "a.test")), sni="a.test")
    make = (lambda port: http_listener(port, [route()])) if kind == "http" else tcp_listener
    backend: Upstream = upstream()
    start(bootstrap([secured(make(inner_port), server_side)], [cluster("backend", backend.port)]))
    start(bootstrap([make(outer_port)], [cluster("backend", inner_port, transport_socket=client_side)]))
    for _ in range(3):
        code, body = ask(outer_port)
        assert code == 200
        assert (b"x-forwarded-proto" in body) == (kind == "http")
    # Nobody else gets in.
    with pytest.raises((ssl.SSLError, ConnectionResetError, Closed)):
        stranger = TlsPeer.open(inner_port, client_context(authority))
        stranger.send(get())
        stranger.until(b"\r\n\r\n")
