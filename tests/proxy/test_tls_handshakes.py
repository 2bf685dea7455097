"""TLS handshakes of clients: those that fail, stall, are split, or come behind a PROXY header."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.proxy.conftest import MakeUpstream, Start
from tests.proxy.sidecar import bootstrap, cluster, free_port, http_listener, route
from tests.proxy.tls import (
    Authority,
    Certificate,
    TlsPeer,
    client_context,
    downstream,
    get,
    secured,
    serve_http,
    ssl_stat,
)
from tests.proxy.upstream import Peer, status


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1"])
def test_old_versions_are_refused(
    start: Start, upstream: MakeUpstream, authority: Authority, certificate: Certificate, version: str
) -> None:
    sidecar, port = serve_http(start, upstream, downstream(certificate))
    context = client_context(authority)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
    with pytest.raises(ssl.SSLError):
        TlsPeer.open(port, context)
    sidecar.wait_stat(ssl_stat(port, "connection_error"), 1)


def test_old_versions_where_asked_for(
    start: Start, upstream: MakeUpstream, authority: Authority, certificate: Certificate
) -> None:
    common = {"tls_params": {"tls_minimum_protocol_version": "TLSv1_0", "tls_maximum_protocol_version": "TLSv1_1"}}
    _, port = serve_http(start, upstream, downstream(certificate, common=common))
    context = client_context(authority)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    assert TlsPeer.open(port, context).sock.version() == "TLSv1.1"


def test_stalled_handshake_ends(
    start: Start, upstream: MakeUpstream, authority: Authority, certificate: Certificate
) -> None:
    port = free_port()
    listener = secured(http_listener(port, [route()]), downstream(certificate))
    listener["filter_chains"][0]["transport_socket_connect_timeout"] = "0.3s"
    sidecar = start(bootstrap([listener], [cluster("backend", upstream().port)]))
    silent, half = Peer.connect(port), Peer.connect(port)
    half.send(b"\x16\x03\x01\x02\x00\x01")
    begun = time.monotonic()
    assert silent.closed() and half.closed()
    assert 0.2 < time.monotonic() - begun < 3
    sidecar.wait_stat(ssl_stat(port, "handshake_timeout"), 2)
    sidecar.wait_stat(f"listener.127.0.0.1_{port}.downstream_cx_active", 0)


def test_resets_during_handshakes(
    start: Start, upstream: MakeUpstream, authority: Authority, certificate: Certificate
) -> None:
    sidecar, port = serve_http(start, upstream, downstream(certificate))
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = client_context(authority).wrap_bio(incoming, outgoing, server_hostname="a.test")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    hello = outgoing.read()
    for cut in range(0, len(hello), 7):
        client = Peer.connect(port)
        client.send(hello[:cut])
        client.reset() if cut % 2 else client.close()
    sidecar.wait_stat(f"listener.127.0.0.1_{port}.downstream_cx_active", 0)
    client = TlsPeer.open(port, client_context(authority))
    client.send(get())
    assert status(client.message()[0]) == 200


def test_any_split_of_the_bytes(
    start: Start, upstream: MakeUpstream, authority: Authority, certificate: Certificate
) -> None:
    _, port = serve_http(start, upstream, downstream(certificate))
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = client_context(authority).wrap_bio(incoming, outgoing, server_hostname="a.test")
    client = Peer.connect(port)
    client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def drip() -> None:
        for byte in outgoing.read():
            client.send(bytes([byte]))

    while True:
        try:
            tls.do_handshake()
            break
        except ssl.SSLWantReadError:
            drip()
            incoming.write(client.sock.recv(65536))
    tls.write(get("/drip"))
    drip()
    answer = b""
    while b"GET /drip" not in answer:
        try:
            answer += tls.read(65536)
        except ssl.SSLWantReadError:
            incoming.write(client.sock.recv(65536))
    assert status(answer) == 200


def test_plain_text_to_a_tls_port(
    start: Start, upstream: MakeUpstream, authority: Authority, certificate: Certificate
) -> None:
    sidecar, port = serve_http(start, upstream, downstream(certificate))
    client = Peer.connect(port)
    client.send(get())
    assert b"HTTP/1.1" not in client.rest()
    sidecar.wait_stat(ssl_stat(port, "connection_error"), 1)


def test_tls_to_a_plain_port(start: Start, upstream: MakeUpstream, authority: Authority) -> None:
    port = free_port()
    start(bootstrap([http_listener(port, [route()])], [cluster("backend", upstream().port)]))
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        TlsPeer.open(port, client_context(authority))


def test_renegotiation_is_refused(
    start: Start, upstream: MakeUpstream, authority: Authority, certificate: Certificate
) -> None:
    _, port = serve_http(start, upstream, downstream(certificate))
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-tls1_2", "-CAfile", str(authority.file)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdin is not None
    time.sleep(0.5)
    process.stdin.write(b"R\n")
    process.stdin.flush()
    said, _ = process.communicate(timeout=10)
    assert b"RENEGOTIATING" in said
    assert b"no renegotiation" in said


def test_proxy_protocol_in_front_of_tls(
    start: Start, upstream: MakeUpstream, authority: Authority, certificate: Certificate
) -> None:
    port = free_port()
    listener = secured(http_listener(port, [route()], use_remote_address=True), downstream(certificate))
    listener["listener_filters"] = [
        {
            "name": "envoy.filters.listener.proxy_protocol",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol"
            },
        }
    ]
    start(bootstrap([listener], [cluster("backend", upstream().port)]))
    for split in (False, True):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = client_context(authority).wrap_bio(incoming, outgoing, server_hostname="a.test")
        client = Peer.connect(port)
        header = b"PROXY TCP4 192.0.2.7 192.0.2.8 1000 2000\r\n"
        with pytest.raises(ssl.SSLWantReadError):
            tls.do_handshake()
        if split:
            client.send(header)
            time.sleep(0.1)
            client.send(outgoing.read())
        else:
            client.send(header + outgoing.read())
        while True:
            try:
                incoming.write(client.sock.recv(65536))
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                pass
        tls.write(get())
        client.send(outgoing.read())
        answer = b""
        while b"x-forwarded-for: 192.0.2.7" not in answer:
            incoming.write(client.sock.recv(65536))
            try:
                answer += tls.read(65536)
            except ssl.SSLWantReadError:
                pass
        client.close()


def test_key_that_is_not_the_certificates(tmp_path: Path, authority: Authority, certificate: Certificate) -> None:
    other = authority.issue("other.test")
    config = downstream(certificate)
    chain = config["typed_config"]["common_tls_context"]["tls_certificates"][0]
    chain["private_key"] = {"filename": str(other.key_file)}
    file = tmp_path / "mismatch.json"
    file.write_text(json.dumps(bootstrap([secured(http_listener(1234, [route()]), config)], [cluster("backend", 1)])))
    said = subprocess.run([sys.executable, "-m", "mosn", "check", "-c", str(file)], capture_output=True, text=True)
    assert said.returncode == 2
    assert "MC0319" in said.stdout + said.stderr
    assert "tls_certificates[0]: the private key" in said.stdout + said.stderr
