"""Client certificates: who is let in, what the upstream and the log are told of them."""

from __future__ import annotations

import hashlib
import json
import ssl
import time
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from tests.proxy.conftest import MakeUpstream, Start
from tests.proxy.sidecar import Sidecar
from tests.proxy.tls import (
    Authority,
    Certificate,
    TlsPeer,
    client_context,
    downstream,
    get,
    serve_http,
    ssl_stat,
    validation,
)
from tests.proxy.upstream import Closed, status


def fingerprint(certificate: Certificate) -> str:
    return hashlib.sha256(certificate.certificate.public_bytes(serialization.Encoding.DER)).hexdigest()


def ask(port: int, context: ssl.SSLContext, extra: bytes = b"") -> bytes:
    """The request as the upstream saw it.  A refusal of TLS 1.3 shows only when something is read."""
    client = TlsPeer.open(port, context)
    client.send(get()[:-2] + extra + b"\r\n")
    head, body = client.message()
    assert status(head) == 200
    client.close()
    return body


def refused(port: int, context: ssl.SSLContext) -> bool:
    try:
        ask(port, context)
    except (ssl.SSLError, ConnectionError, Closed):
        return True
    return False


def demanding(authority: Authority, certificate: Certificate, *names: tuple[str, str], **fields: Any) -> dict[str, Any]:
    return downstream(certificate, common=validation(authority, *names, **fields), require_client_certificate=True)


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_required(
    start: Start, upstream: MakeUpstream, authority: Authority, certificate: Certificate, tmp_path: Path, version: str
) -> None:
    chosen = ssl.TLSVersion[version]
    sidecar, port = serve_http(start, upstream, demanding(authority, certificate, ("URI", "spiffe://mesh/a")))

    def client(shown: Certificate | None) -> ssl.SSLContext:
        return client_context(authority, shown, minimum_version=chosen, maximum_version=chosen)

    assert b"GET /" in ask(port, client(authority.issue("spiffe://mesh/a")))
    assert refused(port, client(None))
    sidecar.wait_stat(ssl_stat(port, "fail_verify_no_cert"), 1)
    assert refused(port, client(authority.issue("spiffe://mesh/b")))
    sidecar.wait_stat(ssl_stat(port, "fail_verify_san"), 1)
    stranger = tmp_path / "stranger"
    stranger.mkdir()
    assert refused(port, client(Authority(stranger).issue("spiffe://mesh/a")))
    assert refused(port, client(authority.issue("spiffe://mesh/a", expired=True, file="old")))
    sidecar.wait_stat(ssl_stat(port, "fail_verify_error"), 2)
    sidecar.wait_stat(ssl_stat(port, "handshake"), 1)


def test_optional(
    start: Start, upstream: MakeUpstream, authority: Authority, certificate: Certificate, tmp_path: Path
) -> None:
    config = downstream(certificate, common=validation(authority))
    sidecar, port = serve_http(start, upstream, config)
    assert not refused(port, client_context(authority))
    assert not refused(port, client_context(authority, authority.issue("spiffe://mesh/a")))
    sidecar.wait_stat(ssl_stat(port, "no_certificate"), 1)
    stranger = tmp_path / "stranger"
    stranger.mkdir()
    assert refused(port, client_context(authority, Authority(stranger).issue("spiffe://mesh/a")))


def test_by_hash_and_by_key(
    start: Start, upstream: MakeUpstream, authority: Authority, certificate: Certificate
) -> None:
    good, other = authority.issue("spiffe://mesh/a"), authority.issue("spiffe://mesh/b")
    config = demanding(authority, certificate, verify_certificate_hash=[fingerprint(good)])
    sidecar, port = serve_http(start, upstream, config)
    assert not refused(port, client_context(authority, good))
    assert refused(port, client_context(authority, other))
    sidecar.wait_stat(ssl_stat(port, "fail_verify_cert_hash"), 1)


def test_revoked(start: Start, upstream: MakeUpstream, authority: Authority, certificate: Certificate) -> None:
    good, bad = authority.issue("spiffe://mesh/a"), authority.issue("spiffe://mesh/b")
    config = demanding(authority, certificate, crl={"inline_string": authority.revoke(bad).decode()})
    _, port = serve_http(start, upstream, config)
    assert not refused(port, client_context(authority, good))
    assert refused(port, client_context(authority, bad))


DETAILS = {"subject": True, "uri": True, "dns": True}
FAKE = b"x-forwarded-client-cert: By=me;Hash=fake\r\n"


def xfcc(body: bytes) -> str | None:
    for line in body.decode().split("\r\n"):
        if line.startswith("x-forwarded-client-cert: "):
            return line.partition(": ")[2]
    return None


@pytest.mark.parametrize("how", ["SANITIZE", "FORWARD_ONLY", "APPEND_FORWARD", "SANITIZE_SET", "ALWAYS_FORWARD_ONLY"])
def test_what_the_upstream_is_told(start: Start, upstream: MakeUpstream, authority: Authority, how: str) -> None:
    server = authority.issue("a.test", "spiffe://mesh/server")
    mine = authority.issue("spiffe://mesh/a", "one.test", "two.test")
    manager = {"forward_client_cert_details": how, "set_current_client_cert_details": DETAILS}
    config = downstream(server, common=validation(authority))
    _, port = serve_http(start, upstream, config, manager=manager)
    told = (
        f'By=spiffe://mesh/server;Hash={fingerprint(mine)};Subject="CN=spiffe://mesh/a";URI=spiffe://mesh/a;'
        "DNS=one.test;DNS=two.test"
    )
    fake = "By=me;Hash=fake"
    with_certificate = {
        "SANITIZE": None,
        "FORWARD_ONLY": fake,
        "APPEND_FORWARD": f"{fake},{told}",
        "SANITIZE_SET": told,
        "ALWAYS_FORWARD_ONLY": fake,
    }
    assert xfcc(ask(port, client_context(authority, mine), FAKE)) == with_certificate[how]
    without = fake if how == "ALWAYS_FORWARD_ONLY" else None
    assert xfcc(ask(port, client_context(authority), FAKE)) == without


def test_whole_certificate_is_told(
    start: Start, upstream: MakeUpstream, authority: Authority, certificate: Certificate
) -> None:
    from urllib.parse import unquote

    mine = authority.issue("spiffe://mesh/a")
    manager = {
        "forward_client_cert_details": "SANITIZE_SET",
        "set_current_client_cert_details": {"cert": True, "chain": True},
    }
    _, port = serve_http(start, upstream, demanding(authority, certificate), manager=manager)
    told = xfcc(ask(port, client_context(authority, mine)))
    assert told is not None
    fields = dict(part.split("=", 1) for part in told.split(";"))
    assert unquote(fields["Cert"].strip('"')) == mine.pem.decode()
    assert unquote(fields["Chain"].strip('"')).startswith(mine.pem.decode())


OPERATORS = (
    "DOWNSTREAM_TLS_VERSION DOWNSTREAM_TLS_CIPHER DOWNSTREAM_TLS_GROUP DOWNSTREAM_PEER_SUBJECT DOWNSTREAM_PEER_ISSUER "
    "DOWNSTREAM_PEER_URI_SAN DOWNSTREAM_PEER_DNS_SAN DOWNSTREAM_PEER_FINGERPRINT_256 DOWNSTREAM_PEER_SERIAL "
    "DOWNSTREAM_LOCAL_SUBJECT DOWNSTREAM_LOCAL_DNS_SAN REQUESTED_SERVER_NAME"
)


def logged(sidecar: Sidecar, lines: int) -> list[list[str]]:
    deadline = time.monotonic() + 5
    while True:
        found = [line.split("|")[1:] for line in sidecar.output().splitlines() if line.startswith("tls|")]
        if len(found) >= lines:
            return found
        assert time.monotonic() < deadline, sidecar.output()
        time.sleep(0.05)


def test_access_log(start: Start, upstream: MakeUpstream, authority: Authority, certificate: Certificate) -> None:
    text = "tls|" + "|".join(f"%{name}%" for name in OPERATORS.split()) + "\n"
    log = {
        "name": "log",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
            "path": "/dev/stdout",
            "log_format": {"text_format_source": {"inline_string": text}},
        },
    }
    config = downstream(certificate, common=validation(authority))
    sidecar, port = serve_http(start, upstream, config, manager={"access_log": [log]})
    mine = authority.issue("spiffe://mesh/a", "one.test", "two.test")
    ask(port, client_context(authority, mine))
    ask(port, client_context(authority))
    first, second = logged(sidecar, 2)
    assert first == [
        "TLSv1.3",
        "TLS_AES_256_GCM_SHA384",
        "x25519",
        "CN=spiffe://mesh/a",
        "CN=test authority",
        "spiffe://mesh/a",
        "one.test,two.test",
        fingerprint(mine),
        f"{mine.certificate.serial_number:x}".rjust(len(first[8]), "0"),
        "CN=a.test",
        "a.test,*.b.test",
        "a.test",
    ]
    assert second[3:9] == ["-"] * 6


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_sessions_are_resumed_by_any_worker(
    start: Start, upstream: MakeUpstream, authority: Authority, certificate: Certificate, version: str
) -> None:
    chosen = ssl.TLSVersion[version]
    mine = authority.issue("spiffe://mesh/a")
    manager = {"forward_client_cert_details": "SANITIZE_SET", "set_current_client_cert_details": {"uri": True}}
    sidecar, port = serve_http(start, upstream, demanding(authority, certificate), workers=2, manager=manager)
    context = client_context(authority, mine, minimum_version=chosen, maximum_version=chosen)
    client = TlsPeer.open(port, context)
    client.send(get())
    client.message()
    session = client.sock.session
    client.close()
    for _ in range(8):
        again = TlsPeer.open(port, context, session=session)
        again.send(get())
        assert "URI=spiffe://mesh/a" in (xfcc(again.message()[1]) or "")
        assert again.sock.session_reused
        again.close()
    sidecar.wait_stat(ssl_stat(port, "session_reused"), 8)
    # Who is let in has changed: the session is worth nothing any more.
    stricter = demanding(authority, certificate, ("URI", "spiffe://mesh/b"))
    listeners = sidecar.config["static_resources"]["listeners"]
    listeners[0]["filter_chains"][0]["transport_socket"] = stricter
    changed = {name: value for name, value in sidecar.config.items() if name != "admin"}
    assert sidecar.reload(changed).returncode == 0
    with pytest.raises((ssl.SSLError, ConnectionError, Closed)):
        again = TlsPeer.open(port, context, session=session)
        again.send(get())
        again.message()


def test_admin_lists_certificates_and_no_keys(
    start: Start, upstream: MakeUpstream, authority: Authority, certificate: Certificate
) -> None:
    config = demanding(authority, certificate)
    config["typed_config"]["common_tls_context"]["tls_certificates"][0]["private_key"] = {
        "inline_string": certificate.key_pem.decode()
    }
    sidecar, _ = serve_http(start, upstream, config)
    (found,) = json.loads(sidecar.admin("/certs"))["certificates"]
    (chain,) = found["cert_chain"]
    assert chain["path"] == str(certificate.chain_file)
    assert chain["subject_alt_names"] == [{"dns": "a.test"}, {"dns": "*.b.test"}, {"ip_address": "127.0.0.1"}]
    assert int(chain["serial_number"], 16) == certificate.certificate.serial_number
    assert chain["days_until_expiration"] in ("89", "90")
    assert found["ca_cert"][0]["path"] == str(authority.file)
    secret = certificate.key_pem.decode().splitlines()[1]
    assert secret not in sidecar.admin("/config_dump")
    assert secret not in sidecar.output()
