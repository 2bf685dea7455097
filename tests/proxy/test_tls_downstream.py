"""TLS of clients, through the real program."""

from __future__ import annotations

import hashlib
import os
import ssl
import threading
import time
from typing import Any

import pytest

from tests.proxy.conftest import MakeUpstream, Start
from tests.proxy.sidecar import bootstrap, cluster, free_port, http_listener, route, tcp_listener
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
    serve_http,
    ssl_stat,
)
from tests.proxy.upstream import Closed, Peer, ok, parse_fields, status


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_request_over_tls(
    start: Start, upstream: MakeUpstream, authority: Authority, certificate: Certificate, version: str
) -> None:
    sidecar, port = serve_http(start, upstream, downstream(certificate))
    chosen = ssl.TLSVersion[version]
    client = TlsPeer.open(port, client_context(authority, minimum_version=chosen, maximum_version=chosen))
    assert client.sock.version() == version.replace("_", ".")
    for _ in range(3):
        client.send(get())
        head, body = client.message()
        assert status(head) == 200
        assert b"x-forwarded-proto: https" in body
    sidecar.wait_stat(ssl_stat(port, "handshake"), 1)
    sidecar.wait_stat(ssl_stat(port, f"versions.{version.replace('_', '.')}"), 1)
    sidecar.wait_stat(ssl_stat(port, "no_certificate"), 1)


def test_ciphers_and_curves(
    start: Start, upstream: MakeUpstream, authority: Authority, certificate: Certificate
) -> None:
    common = {
        "tls_params": {
            "tls_maximum_protocol_version": "TLSv1_2",
            "cipher_suites": ["[ECDHE-ECDSA-CHACHA20-POLY1305|ECDHE-RSA-CHACHA20-POLY1305]"],
            "ecdh_curves": ["P-384"],
        }
    }
    sidecar, port = serve_http(start, upstream, downstream(certificate, common=common))
    client = TlsPeer.open(port, client_context(authority))
    found = client.sock.cipher()
    assert found is not None and found[0] == "ECDHE-ECDSA-CHACHA20-POLY1305"
    sidecar.wait_stat(ssl_stat(port, "ciphers.ECDHE-ECDSA-CHACHA20-POLY1305"), 1)
    sidecar.wait_stat(ssl_stat(port, "curves.P-384"), 1)


def test_alpn_in_the_order_of_the_server(
    start: Start, upstream: MakeUpstream, authority: Authority, certificate: Certificate
) -> None:
    _, port = serve_http(start, upstream, downstream(certificate, common={"alpn_protocols": ["x", "http/1.1"]}))
    context = client_context(authority)
    context.set_alpn_protocols(["http/1.1", "x"])
    assert TlsPeer.open(port, context).sock.selected_alpn_protocol() == "x"
    context.set_alpn_protocols(["other"])
    assert TlsPeer.open(port, context).sock.selected_alpn_protocol() is None


def test_certificate_by_server_name(start: Start, upstream: MakeUpstream, authority: Authority) -> None:
    made = [authority.issue("one.test"), authority.issue("*.two.test", "127.0.0.1"), authority.issue("x.two.test")]
    _, port = serve_http(start, upstream, downstream(*made))

    def asked(name: str) -> bytes | None:
        context = client_context(authority)
        context.check_hostname = False
        return TlsPeer.open(port, context, name).sock.getpeercert(binary_form=True)

    der = [ssl.PEM_cert_to_DER_cert(each.pem.decode()) for each in made]
    assert asked("one.test") == der[0]
    assert asked("ONE.test") == der[0]
    assert asked("y.two.test") == der[1]
    assert asked("x.two.test") == der[2]
    assert asked("unknown.test") == der[0]


def test_rsa_and_ecdsa_of_one_name(start: Start, upstream: MakeUpstream, authority: Authority) -> None:
    made = [authority.issue("a.test", rsa_key=True), authority.issue("a.test")]
    _, port = serve_http(start, upstream, downstream(*made))
    for kind in ("RSA", "ECDSA"):
        context = client_context(authority, maximum_version=ssl.TLSVersion.TLSv1_2)
        context.set_ciphers(f"ECDHE-{kind}-AES128-GCM-SHA256")
        assert TlsPeer.open(port, context).sock.cipher() == (f"ECDHE-{kind}-AES128-GCM-SHA256", "TLSv1.2", 128)


def test_large_answers_and_requests(
    start: Start, upstream: MakeUpstream, authority: Authority, certificate: Certificate
) -> None:
    size = 256 << 20
    piece = os.urandom(1 << 20)

    def handler(peer: Peer) -> None:
        peer.until(b"\r\n\r\n")
        found = digest(peer, size).encode()
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\nx-digest: %s\r\n\r\n" % (size, found))
        for _ in range(size // len(piece)):
            peer.send(piece)

    port = free_port()
    listener = secured(http_listener(port, [route(timeout="60s")]), downstream(certificate))
    start(bootstrap([listener], [cluster("backend", upstream(handler).port)]))
    client = TlsPeer.open(port, client_context(authority))
    client.send(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n" % size)
    for _ in range(size // len(piece)):
        client.send(piece)
    wanted = hashlib.sha256(piece * (size // len(piece))).hexdigest()
    head = client.until(b"\r\n\r\n")
    assert parse_fields(head)[b"x-digest"].decode() == wanted
    assert digest(client, size) == wanted


def test_tcp_both_ways_at_once(
    start: Start, upstream: MakeUpstream, authority: Authority, certificate: Certificate
) -> None:
    port = free_port()
    listener = secured(tcp_listener(port), downstream(certificate))
    sidecar = start(bootstrap([listener], [cluster("backend", upstream(echo).port)]))
    client = TlsPeer.open(port, client_context(authority))
    data = os.urandom(8 << 20)
    # One thread for both directions: Python's SSL objects are not for two.
    client.sock.setblocking(False)
    sent, got = 0, bytearray()
    deadline = time.monotonic() + 60
    while len(got) < len(data):
        assert time.monotonic() < deadline
        try:
            if sent < len(data):
                sent += client.sock.send(data[sent : sent + 100_000])
        except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
            pass
        try:
            got += client.sock.recv(65536)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
    assert bytes(got) == data
    client.close()
    sidecar.wait_stat("tcp.tcp.downstream_cx_active", 0)


def test_half_close_is_a_close_notify(
    start: Start, upstream: MakeUpstream, authority: Authority, certificate: Certificate
) -> None:
    def handler(peer: Peer) -> None:
        question = peer.rest()
        peer.send(b"you said " + question + b"!" * 100_000)

    port = free_port()
    listener = secured(tcp_listener(port), downstream(certificate))
    sidecar = start(bootstrap([listener], [cluster("backend", upstream(handler).port)]))
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = client_context(authority).wrap_bio(incoming, outgoing, server_hostname="a.test")
    client = Peer.connect(port)

    def until_done(step: Any) -> Any:
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                client.send(outgoing.read())
                incoming.write(client.sock.recv(65536))

    until_done(tls.do_handshake)
    tls.write(b"hello")
    with pytest.raises(ssl.SSLWantReadError):
        tls.unwrap()            # writes the close_notify and waits for theirs
    client.send(outgoing.read())
    answer = b""
    while not answer.endswith(b"!" * 100_000):
        answer += until_done(lambda: tls.read(65536))
    assert answer.startswith(b"you said hello")
    with pytest.raises(ssl.SSLZeroReturnError):
        until_done(lambda: tls.read(1))
    client.close()
    sidecar.wait_stat("tcp.tcp.downstream_cx_active", 0)


def test_back_pressure(start: Start, upstream: MakeUpstream, authority: Authority, certificate: Certificate) -> None:
    sent = [0]

    def handler(peer: Peer) -> None:
        peer.until(b"\r\n\r\n")
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (256 << 20))
        peer.sock.settimeout(60)
        while True:
            peer.send(bytes(65536))
            sent[0] += 65536

    port = free_port()
    listener = secured(http_listener(port, [route(timeout="60s")]), downstream(certificate))
    start(bootstrap([listener], [cluster("backend", upstream(handler).port)]))
    client = TlsPeer.open(port, client_context(authority))
    client.send(get())
    client.until(b"\r\n\r\n")
    before = -1
    while before != sent[0]:        # until nobody takes any more
        before = sent[0]
        time.sleep(0.5)
    assert sent[0] < 64 << 20
    digest(client, 128 << 20)       # and on it goes
    client.close()


def test_connection_close_says_goodbye(
    start: Start, upstream: MakeUpstream, authority: Authority, certificate: Certificate
) -> None:
    _, port = serve_http(start, upstream, downstream(certificate))
    client = TlsPeer.open(port, client_context(authority), suppress_ragged_eofs=False)
    client.send(get()[:-2] + b"connection: close\r\n\r\n")
    assert status(client.message()[0]) == 200
    assert client.sock.recv(10) == b""      # a missing close_notify would raise


def test_many_clients_at_once(
    start: Start, upstream: MakeUpstream, authority: Authority, certificate: Certificate
) -> None:
    _, port = serve_http(start, upstream, downstream(certificate), workers=2)
    context = client_context(authority)
    failures: list[object] = []

    def run(number: int) -> None:
        try:
            for n in range(20):
                client = TlsPeer.open(port, context)
                for m in range(5):
                    client.send(get(f"/{number}/{n}/{m}"))
                    head, body = client.message()
                    if status(head) != 200 or f"/{number}/{n}/{m} ".encode() not in body:
                        failures.append(head)
                client.close()
        except (OSError, Closed) as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_answer_body_of_one_record(
    start: Start, upstream: MakeUpstream, authority: Authority, certificate: Certificate
) -> None:
    """Head and small body leave in one record: what is written in one turn is sealed together."""
    port = free_port()
    listener = secured(http_listener(port, [route()]), downstream(certificate))

    def handler(peer: Peer) -> None:
        while True:
            peer.message()
            peer.send(ok(b"y" * 1000))

    start(bootstrap([listener], [cluster("backend", upstream(handler).port)]))
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = client_context(authority).wrap_bio(incoming, outgoing, server_hostname="a.test")
    client = Peer.connect(port)
    while True:
        try:
            tls.do_handshake()
            break
        except ssl.SSLWantReadError:
            client.send(outgoing.read())
            incoming.write(client.sock.recv(65536))
    client.send(outgoing.read())
    for _ in range(2):
        tls.write(get())
        client.send(outgoing.read())
        time.sleep(0.3)
        records = client.sock.recv(65536)
        incoming.write(records)
        assert tls.read(65536).endswith(b"y" * 1000)
    # In the second round no session tickets stand in front.
    assert 5 + int.from_bytes(records[3:5]) == len(records)
