"""What is masked: everything that Envoy's protobufs call sensitive, and headers that carry credentials."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mosn.admin.secrets import REDACTED, REDACTED_BYTES, SENSITIVE, SENSITIVE_INSIDE, masked


def sensitive_fields() -> Iterator[str]:
    """Names of all fields of Envoy's v3 API with the annotation."""
    from udpa.annotations import sensitive_pb2

    for name in ("envoy.extensions", "envoy.config"):
        for root in importlib.import_module(name).__path__:
            for path in Path(root).rglob("*_pb2.py"):
                module = ".".join([name, *path.relative_to(root).with_suffix("").parts])
                for message in importlib.import_module(module).DESCRIPTOR.message_types_by_name.values():
                    yield from marked(message, sensitive_pb2.sensitive)


def marked(message: Any, annotation: Any) -> Iterator[str]:
    for field in message.fields:
        if field.GetOptions().Extensions[annotation]:
            yield field.name
    for nested in message.nested_types:
        yield from marked(nested, annotation)


def test_every_field_that_envoy_calls_sensitive_is_named() -> None:
    assert set(sensitive_fields()) <= SENSITIVE | set(SENSITIVE_INSIDE)


def test_values_are_masked_and_shapes_stay() -> None:
    tree = {
        "private_key": {"inline_bytes": "c2VjcmV0", "filename": "/etc/key.pem"},
        "password": {"inline_string": "secret"},
        "session_ticket_keys": {"keys": [{"inline_string": "secret"}]},
        "keys": ["a", "b"],
        "private_key_provider": {"typed_config": {"@type": "type.googleapis.com/x", "level": 3, "on": True}},
        "typed_config": {"@type": "type.googleapis.com/y", "path": "/kept"},
        "secrets": [{"name": "n", "data": "secret"}],
        "connect_timeout": "1s",
    }
    assert masked(tree) == {
        "private_key": {"inline_bytes": REDACTED_BYTES, "filename": REDACTED},
        "password": {"inline_string": REDACTED},
        "session_ticket_keys": {"keys": [{"inline_string": REDACTED}]},
        "keys": ["a", "b"],
        "private_key_provider": {"typed_config": {"@type": "type.googleapis.com/x", "level": 0, "on": True}},
        "typed_config": {"@type": "type.googleapis.com/y", "path": "/kept"},
        "secrets": [{"name": REDACTED, "data": REDACTED}],
        "connect_timeout": "1s",
    }


@pytest.mark.parametrize("name", ["Authorization", "cookie", "X-Api-Key", "proxy-authorization"])
def test_headers_with_credentials_are_masked(name: str) -> None:
    added = {"request_headers_to_add": [{"header": {"key": name, "value": "v", "raw_value": "dg=="}}]}
    header = masked(added)["request_headers_to_add"][0]["header"]
    assert header == {"key": name, "value": REDACTED, "raw_value": REDACTED_BYTES}
    other = {"header": {"key": "x-team", "value": "v"}}
    assert masked(other) == other


def test_the_original_is_not_changed() -> None:
    tree = {"password": "secret", "header": {"key": "cookie", "value": "v"}}
    masked(tree)
    assert tree == {"password": "secret", "header": {"key": "cookie", "value": "v"}}
