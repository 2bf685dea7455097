"""The certificates of the snapshot that runs, as Envoy's /certs shows them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mosn._fastpath.proxy.tls_describe import describe_certificates
from mosn.model import Snapshot, TlsContext

if TYPE_CHECKING:
    from mosn._fastpath.proxy.tls_describe import CertificateFacts

_NAMES = {"dns": "dns", "uri": "uri", "ip": "ip_address"}
"""What Envoy shows of subject alternative names: e-mail addresses are left out."""


def certificates(snapshot: Snapshot) -> list[dict[str, Any]]:
    """envoy.admin.v3.Certificates.certificates: what one context presents and what it trusts, each only once."""
    shown: list[dict[str, Any]] = []
    for context in _contexts(snapshot):
        entry = {
            "ca_cert": _describe(context["trusted_ca"], context["trusted_ca_path"]),
            "cert_chain": [
                facts for item in context["certificates"] for facts in _describe(item["chain"], item["path"])[:1]
            ],
        }
        if any(entry.values()) and entry not in shown:
            shown.append(entry)
    return shown


def _contexts(snapshot: Snapshot) -> Iterator[TlsContext]:
    for listener in snapshot["listeners"]:
        for chain in (*listener["filter_chains"], listener["default_filter_chain"]):
            if chain and chain["tls"]:
                yield chain["tls"]
    for cluster in snapshot["clusters"].values():
        if cluster["tls"]:
            yield cluster["tls"]


def _describe(text: bytes, path: str) -> list[dict[str, Any]]:
    return [_details(facts, path) for facts in describe_certificates(text)]


def _details(facts: CertificateFacts, path: str) -> dict[str, Any]:
    days = max(0, int((facts["not_after"] - time.time()) // 86_400))
    return {
        "path": path,
        "serial_number": facts["serial"],
        "subject_alt_names": [{_NAMES[kind]: name} for kind, name in facts["names"] if kind in _NAMES],
        "days_until_expiration": str(days),
        "valid_from": _time(facts["not_before"]),
        "expiration_time": _time(facts["not_after"]),
    }


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
