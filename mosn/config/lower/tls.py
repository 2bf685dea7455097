"""TLS contexts of listeners and clusters: files are read here, and OpenSSL is asked whether it takes them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
from typing import Any, Literal

from mosn.config.lower.context import Context, wrapped
from mosn.config.lower.datasource import read_source
from mosn.config.lower.http import pick
from mosn.config.lower.matchers import lower_string
from mosn.config.lower.tls_check import check_context
from mosn.model import SubjectAltName, TlsCertificate, TlsContext

DOWNSTREAM_TLS = "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"
UPSTREAM_TLS = "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"
HANDSHAKE_TIMEOUT_MS = 10_000

_MOST_BYTES = 1 << 20
_TICKET_BYTES = 80
_SESSION_SECONDS = 7200
_ROTATE_SECONDS = 12 * 3600
_Version = Literal["TLSv1_0", "TLSv1_1", "TLSv1_2", "TLSv1_3"]
_VERSIONS: tuple[_Version, ...] = ("TLSv1_2", "TLSv1_0", "TLSv1_1", "TLSv1_2", "TLSv1_3")
_SAN_TYPES: tuple[Literal["any", "email", "dns", "uri", "ip"], ...] = ("any", "email", "dns", "uri", "ip", "any")
_CHAIN_RULES: tuple[Literal["verify_trust_chain", "accept_untrusted"], ...] = ("verify_trust_chain", "accept_untrusted")
_TLS13_SUITE = re.compile(r"TLS_(AES|CHACHA20)_")


def lower_downstream_tls(ctx: Context, config: Any, path: str, stat_name: str, timeout_ms: int) -> TlsContext:
    made = _common(ctx, config.common_tls_context, f"{path}.common_tls_context", client=False)
    made["require_client_certificate"] = wrapped(config, "require_client_certificate", False)
    made["require_sni"] = wrapped(config, "require_sni", False)
    made["prefer_client_ciphers"] = config.prefer_client_ciphers
    made["ticket_keys"] = _ticket_keys(ctx, config, path)
    if config.HasField("session_timeout"):
        made["session_timeout_s"] = max(1, config.session_timeout.seconds)
    made["handshake_timeout_ms"] = timeout_ms
    made["stats"] = ctx.registry.scope("listener_ssl", stat_name)["counters"]
    if not made["certificates"] and not ctx.findings.failed(path):
        ctx.report("MC0319", f"{path}.common_tls_context.tls_certificates", "a listener needs a certificate")
    if made["require_client_certificate"] and not config.common_tls_context.HasField("validation_context"):
        ctx.report("MC0320", path, "every client certificate is good enough: there is no validation_context")
    check_context(ctx, made, path)
    return made


def lower_upstream_tls(ctx: Context, config: Any, path: str, stat_name: str) -> TlsContext:
    made = _common(ctx, config.common_tls_context, f"{path}.common_tls_context", client=True)
    made["sni"] = config.sni
    made["auto_host_sni"] = config.auto_host_sni
    made["auto_sni_san_validation"] = config.auto_sni_san_validation
    made["keep_sessions"] = wrapped(config, "max_session_keys", 1) > 0
    made["stats"] = ctx.registry.scope("cluster_ssl", stat_name)["counters"]
    if len(config.sni.encode()) > 255:
        ctx.report("MC0315", f"{path}.sni", "a server name has at most 255 bytes")
    check_context(ctx, made, path)
    return made


def _common(ctx: Context, common: Any, path: str, client: bool) -> TlsContext:
    rules = common.validation_context
    where = f"{path}.validation_context"
    return {
        "client": client,
        "minimum_version": _VERSIONS[common.tls_params.tls_minimum_protocol_version],
        "maximum_version": _VERSIONS[common.tls_params.tls_maximum_protocol_version or 4],
        "cipher_suites": _cipher_list(common.tls_params.cipher_suites),
        "ecdh_curves": ":".join(common.tls_params.ecdh_curves),
        "signature_algorithms": ":".join(common.tls_params.signature_algorithms),
        "prefer_client_ciphers": False,
        "certificates": [
            _certificate(ctx, item, f"{path}.tls_certificates[{index}]")
            for index, item in enumerate(common.tls_certificates)
        ],
        "alpn": _alpn(ctx, common, path),
        "trusted_ca": _bytes(ctx, rules, "trusted_ca", where),
        "trusted_ca_path": _path(rules.trusted_ca),
        "system_roots": rules.HasField("system_root_certs"),
        "crl": _bytes(ctx, rules, "crl", where),
        "only_verify_leaf_cert_crl": rules.only_verify_leaf_cert_crl,
        "max_verify_depth": min(wrapped(rules, "max_verify_depth", -1), 100),
        "allow_expired_certificate": rules.allow_expired_certificate,
        "trust_chain_verification": pick(_CHAIN_RULES, rules.trust_chain_verification),
        "subject_alt_names": _names(ctx, rules, where),
        "certificate_hashes": _hashes(ctx, rules, where),
        "certificate_spkis": _spkis(ctx, rules, where),
        "require_client_certificate": False,
        "require_sni": False,
        "ticket_keys": [],
        "session_timeout_s": _SESSION_SECONDS,
        "handshake_timeout_ms": HANDSHAKE_TIMEOUT_MS,
        "sni": "",
        "auto_host_sni": False,
        "auto_sni_san_validation": False,
        "keep_sessions": False,
        "stats": 0,
    }


def _cipher_list(suites: Any) -> str:
    """Envoy's list as OpenSSL's: groups of equal preference ("[A|B]") become an order, and the suites of TLS 1.3,
    which cannot be chosen in Envoy either, are left out."""
    names = [name for suite in suites for name in suite.strip("[]").split("|")]
    return ":".join(name for name in names if not _TLS13_SUITE.match(name))


def _bytes(ctx: Context, holder: Any, name: str, path: str) -> bytes:
    if not holder.HasField(name):
        return b""
    where = f"{path}.{name}"
    if getattr(holder, name).filename:
        ctx.files.add(getattr(holder, name).filename)
    data = read_source(ctx, getattr(holder, name), where, _MOST_BYTES)
    if len(data) > _MOST_BYTES:
        ctx.report("MC0317", where, "is larger than 1 MiB")
        return b""
    return data


def _path(source: Any) -> str:
    return str(source.filename) or "<inline>"


def _certificate(ctx: Context, item: Any, path: str) -> TlsCertificate:
    chain, key = _bytes(ctx, item, "certificate_chain", path), _bytes(ctx, item, "private_key", path)
    if not ctx.findings.failed(path):
        for name, data in (("certificate_chain", chain), ("private_key", key)):
            if not data:
                ctx.report("MC0319", f"{path}.{name}", "is required" if not item.HasField(name) else "is empty")
    return {
        "chain": chain,
        "key": key,
        "password": _bytes(ctx, item, "password", path),
        "ocsp_staple": _bytes(ctx, item, "ocsp_staple", path),
        "where": path,
        "path": _path(item.certificate_chain),
    }


def _alpn(ctx: Context, common: Any, path: str) -> list[str]:
    # Envoy lets one entry hold a list with commas.
    names = [name.strip() for entry in common.alpn_protocols for name in entry.split(",")]
    for index, name in enumerate(names):
        if not 0 < len(name.encode()) < 256:
            ctx.report("MC0315", f"{path}.alpn_protocols[{index}]", "a protocol's name has 1 to 255 bytes")
    return names


def _names(ctx: Context, rules: Any, path: str) -> list[SubjectAltName]:
    made: list[SubjectAltName] = []
    for index, item in enumerate(rules.match_typed_subject_alt_names):
        where = f"{path}.match_typed_subject_alt_names[{index}]"
        if not 1 <= item.san_type <= 4:
            if not ctx.findings.failed(where):
                ctx.report("MC0204", f"{where}.san_type", "only EMAIL, DNS, URI and IP_ADDRESS are implemented")
            continue
        made.append({"type": _SAN_TYPES[item.san_type], "matcher": lower_string(ctx, item.matcher, f"{where}.matcher")})
    for index, item in enumerate(rules.match_subject_alt_names):
        made.append({"type": "any", "matcher": lower_string(ctx, item, f"{path}.match_subject_alt_names[{index}]")})
    return made


def _hashes(ctx: Context, rules: Any, path: str) -> list[bytes]:
    made = []
    for index, text in enumerate(rules.verify_certificate_hash):
        digits = text.replace(":", "")
        if re.fullmatch(r"[0-9a-fA-F]{64}", digits):
            made.append(bytes.fromhex(digits))
        else:
            ctx.report("MC0315", f"{path}.verify_certificate_hash[{index}]", "a SHA-256 has 64 hexadecimal digits")
    return made


def _spkis(ctx: Context, rules: Any, path: str) -> list[bytes]:
    made = []
    for index, text in enumerate(rules.verify_certificate_spki):
        try:
            digest = base64.b64decode(text, validate=True)
        except binascii.Error:
            digest = b""
        if len(digest) == 32:
            made.append(digest)
        else:
            ctx.report("MC0315", f"{path}.verify_certificate_spki[{index}]", "a SHA-256 in base64 has 44 characters")
    return made


def _ticket_keys(ctx: Context, config: Any, path: str) -> list[bytes]:
    if config.disable_stateless_session_resumption:
        return []
    if not config.HasField("session_ticket_keys"):
        return own_ticket_keys()
    keys = []
    for index, source in enumerate(config.session_ticket_keys.keys):
        where = f"{path}.session_ticket_keys.keys[{index}]"
        key = read_source(ctx, source, where, _TICKET_BYTES)
        if len(key) == _TICKET_BYTES:
            keys.append(key)
        elif not ctx.findings.failed(where):
            ctx.report("MC0319", where, f"a session ticket key has {_TICKET_BYTES} bytes")
    return keys


_SECRET = os.urandom(32)


def own_ticket_keys(now: float | None = None) -> list[bytes]:
    """Keys that every worker of the box shares: the one of this half day, and the one before it, which opens what it
    sealed."""
    import time

    period = int((time.time() if now is None else now) // _ROTATE_SECONDS)
    return [_derived(period), _derived(period - 1)]


def _derived(period: int) -> bytes:
    return hashlib.shake_256(_SECRET + period.to_bytes(8, "big")).digest(_TICKET_BYTES)
