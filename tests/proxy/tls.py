"""Certificates as tests need them, TLS contexts for configurations, and a TLS client."""

from __future__ import annotations

import hashlib
import ipaddress
import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from tests.proxy.sidecar import Sidecar, bootstrap, cluster, free_port, http_listener, route
from tests.proxy.upstream import Peer

DOWNSTREAM = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"
UPSTREAM = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass
class Certificate:
    """A certificate and its key, written into two files."""

    certificate: x509.Certificate
    key: Key
    chain_file: Path
    key_file: Path

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return key_pem(self.key)

    def config(self) -> dict[str, Any]:
        """As an entry of tls_certificates."""
        return {
            "certificate_chain": {"filename": str(self.chain_file)},
            "private_key": {"filename": str(self.key_file)},
        }


def key_pem(key: Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def general_name(text: str) -> x509.GeneralName:
    """"spiffe://x", "a@b", "1.2.3.4" or "a.test"."""
    if "://" in text:
        return x509.UniformResourceIdentifier(text)
    if "@" in text:
        return x509.RFC822Name(text)
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


class Authority:
    """Signs certificates and writes them into a directory."""

    def __init__(self, directory: Path, name: str = "test authority") -> None:
        self.directory = directory
        self.key: Key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = self._sign(self.name, self.key.public_key(), [], timedelta(days=365), timedelta(0), ca=True)
        self.file = directory / f"{name.replace(' ', '-')}.pem"
        self.file.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def _sign(
        self, subject: x509.Name, public: Any, names: list[str], life: timedelta, age: timedelta, ca: bool
    ) -> x509.Certificate:
        begin = datetime.now(UTC) - timedelta(hours=1) - age
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(begin + timedelta(hours=1) + life)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(list(map(general_name, names))), critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def issue(self, *names: str, rsa_key: bool = False, expired: bool = False, file: str = "") -> Certificate:
        """A certificate for these subject alternative names; its files are called after the first (or `file`)."""
        key: Key = rsa.generate_private_key(65537, 2048) if rsa_key else ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        age = timedelta(days=400) if expired else timedelta(0)
        made = self._sign(subject, key.public_key(), list(names), timedelta(days=90), age, ca=False)
        stem = file or "".join(letter if letter.isalnum() else "-" for letter in names[0]) + ("-rsa" if rsa_key else "")
        found = Certificate(made, key, self.directory / f"{stem}.pem", self.directory / f"{stem}.key")
        found.chain_file.write_bytes(found.pem)
        found.key_file.write_bytes(found.key_pem)
        return found

    def revoke(self, *certificates: Certificate) -> bytes:
        """A revocation list in PEM form."""
        now = datetime.now(UTC)
        builder = x509.CertificateRevocationListBuilder().issuer_name(self.name)
        builder = builder.last_update(now - timedelta(hours=1)).next_update(now + timedelta(days=1))
        for each in certificates:
            revoked = x509.RevokedCertificateBuilder().serial_number(each.certificate.serial_number)
            builder = builder.add_revoked_certificate(revoked.revocation_date(now - timedelta(hours=1)).build())
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def downstream(*certificates: Certificate, common: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """A listener's transport_socket."""
    context = {"tls_certificates": [each.config() for each in certificates], **(common or {})}
    return {"name": "tls", "typed_config": {"@type": DOWNSTREAM, "common_tls_context": context, **fields}}


def upstream(*certificates: Certificate, common: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """A cluster's transport_socket."""
    context = {"tls_certificates": [each.config() for each in certificates], **(common or {})}
    return {"name": "tls", "typed_config": {"@type": UPSTREAM, "common_tls_context": context, **fields}}


def validation(authority: Authority, *names: tuple[str, str], **fields: Any) -> dict[str, Any]:
    """A validation_context that wants one of these (type, exact name)."""
    made: dict[str, Any] = {"trusted_ca": {"filename": str(authority.file)}, **fields}
    if names:
        made["match_typed_subject_alt_names"] = [
            {"san_type": kind, "matcher": {"exact": value}} for kind, value in names
        ]
    return {"validation_context": made}


def secured(listener: dict[str, Any], socket_config: dict[str, Any]) -> dict[str, Any]:
    """The listener with this transport socket in every filter chain."""
    for chain in listener["filter_chains"]:
        chain["transport_socket"] = socket_config
    return listener


def client_context(authority: Authority, certificate: Certificate | None = None, **options: Any) -> ssl.SSLContext:
    """Trusts the authority; options are attributes of the context (`minimum_version` ...)."""
    context = ssl.create_default_context(cafile=str(authority.file))
    if certificate is not None:
        context.load_cert_chain(certificate.chain_file, certificate.key_file)
    for name, value in options.items():
        setattr(context, name, value)
    return context


class TlsPeer(Peer):
    """A client's connection whose handshake is done."""

    sock: ssl.SSLSocket

    @classmethod
    def open(cls, port: int, context: ssl.SSLContext, name: str = "a.test", **options: Any) -> TlsPeer:
        plain = socket.create_connection(("127.0.0.1", port), timeout=10)
        return cls(context.wrap_socket(plain, server_hostname=name, **options))


def digest(peer: Peer, n: int) -> str:
    """SHA-256 of the next n bytes."""
    found = hashlib.sha256()
    while n:
        if not peer.unread:
            peer.more()
        piece, peer.unread = peer.unread[:n], peer.unread[n:]
        found.update(piece)
        n -= len(piece)
    return found.hexdigest()


def get(path: str = "/") -> bytes:
    return b"GET %s HTTP/1.1\r\nhost: a.test\r\n\r\n" % path.encode()


def serve_http(start: Any, upstream: Any, socket_config: dict[str, Any], **options: Any) -> tuple[Sidecar, int]:
    """A sidecar with one HTTP listener over TLS in front of an upstream that echoes; its port."""
    port = free_port()
    listener = secured(http_listener(port, [route()], **options.pop("manager", {})), socket_config)
    return start(bootstrap([listener], [cluster("backend", upstream().port)]), **options), port


def ssl_stat(port: int, name: str) -> str:
    return f"listener.127.0.0.1_{port}.ssl.{name}"
