"""Masking: what no admin page may show.

Envoy marks such fields in its protobufs (udpa.annotations.sensitive); SENSITIVE names them all, and a test compares.
"""

from __future__ import annotations

from typing import Any

REDACTED = "[redacted]"
REDACTED_BYTES = "W3JlZGFjdGVkXQ=="  # the same in base64, as a bytes field must be

SENSITIVE = frozenset({
    "auth_password", "auth_username", "backend_token", "context_extensions", "credentials", "credentials_data_source",
    "downstream_auth_password", "downstream_auth_passwords", "downstream_auth_username", "password", "pkcs12",
    "private_key", "secret", "secret_access_key", "secret_data", "secrets", "session_token", "users",
    "web_identity_token_data_source",
})  # fmt: skip
"""Everywhere."""

SENSITIVE_INSIDE = {
    "keys": "session_ticket_keys",
    "typed_config": "private_key_provider",
    "config": "private_key_provider",
}
"""Names too common to mask everywhere -> the field that they are sensitive in."""

HEADERS = frozenset({
    "authorization", "cookie", "proxy-authorization", "set-cookie", "x-amz-security-token", "x-api-key", "x-auth-token",
})  # fmt: skip
"""Values of headers that a configuration adds."""


def masked(tree: Any, parent: str = "") -> Any:
    """A copy with secrets replaced."""
    if isinstance(tree, list):
        return [masked(item, parent) for item in tree]
    if not isinstance(tree, dict):
        return tree
    if str(tree.get("key", "")).lower() in HEADERS:
        tree = {**tree, **{name: _hidden(tree[name], name) for name in ("value", "raw_value") if name in tree}}
    return {
        name: _hidden(value, name) if _is_sensitive(name, parent) else masked(value, name)
        for name, value in tree.items()
    }


def _is_sensitive(name: str, parent: str) -> bool:
    return name in SENSITIVE or SENSITIVE_INSIDE.get(name) == parent


def _hidden(tree: Any, name: str) -> Any:
    """The same shape with every value masked."""
    if isinstance(tree, dict):
        return {key: value if key == "@type" else _hidden(value, key) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_hidden(item, name) for item in tree]
    if isinstance(tree, str):
        return REDACTED_BYTES if name in ("inline_bytes", "raw_value") else REDACTED
    return 0 if isinstance(tree, int | float) and not isinstance(tree, bool) else tree
