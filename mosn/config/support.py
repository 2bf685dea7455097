"""Reports what a configuration sets and this version does not do (the table is in supported.py)."""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from mosn.config.api import message_class, type_name
from mosn.config.decode import TYPED_STRUCTS
from mosn.config.findings import Findings
from mosn.config.rules import unpack
from mosn.config.supported import EXTENSIONS, FIELDS, HTTP_FILTER, NO_EFFECT, REFUSED

_WELL_KNOWN = "google.protobuf."
_TYPED_EXTENSION = "envoy.config.core.v3.TypedExtensionConfig"
_REQUEST_ID = "envoy.extensions.filters.network.http_connection_manager.v3.RequestIDExtension"
_CHOICES = frozenset({"envoy.config.cluster.v3.LoadBalancingPolicy.Policy.typed_extension_config"})
"""Lists of which the first implemented entry is taken."""
_STILL_CHECKED = frozenset({"envoy.config.bootstrap.v3.Admin.access_log"})
"""Fields without effect in which Envoy refuses extensions that there are not."""


def check_support(message: Message, findings: Findings, path: str = "", holder: str = "") -> None:
    """Report fields and extensions that are not implemented.  `holder` is the field that holds a
    TypedExtensionConfig, which is what says which kind of extension it is."""
    name = message.DESCRIPTOR.full_name
    implemented = FIELDS.get(name, frozenset())
    prefix = f"{path}." if path else ""
    _require_type(message, findings, f"{prefix}typed_config")
    for field, value in message.ListFields():
        field_path = prefix + field.name
        _deprecated(field, findings, field_path)
        if field.name in implemented:
            kind = holder if name == _TYPED_EXTENSION and holder else f"{name}.{field.name}"
            _descend(field, value, findings, field_path, kind, _is_optional(message))
        elif reason := NO_EFFECT.get(f"{name}.{field.name}"):
            findings.add("MC0205", field_path, f"has no effect here: {reason}")
            if f"{name}.{field.name}" in _STILL_CHECKED:
                _descend(field, value, findings, field_path, "", optional=False)
        elif reason := REFUSED.get(f"{name}.{field.name}"):
            findings.add("MC0204", field_path, reason)
        else:
            findings.add("MC0201", field_path, "is not implemented")


def _require_type(message: Any, findings: Findings, path: str) -> None:
    """Every extension says its type; filters may have it discovered instead."""
    if f"{message.DESCRIPTOR.full_name}.typed_config" not in EXTENSIONS or message.HasField("typed_config"):
        return
    if message.DESCRIPTOR.full_name == _REQUEST_ID:
        return  # without a type it is the default
    discovered = "config_discovery" in message.DESCRIPTOR.fields_by_name and message.HasField("config_discovery")
    if discovered or _is_optional(message):
        return
    if not findings.failed(path):
        findings.add("MC0108", path, "is required")


def _is_optional(message: Any) -> bool:
    return message.DESCRIPTOR.full_name == HTTP_FILTER and bool(message.is_optional)


def _deprecated(field: FieldDescriptor, findings: Findings, path: str) -> None:
    if not field.has_options:
        return
    if field.GetOptions().deprecated:
        findings.add("MC0206", path, "is deprecated")


def _descend(field: FieldDescriptor, value: Any, findings: Findings, path: str, holder: str, optional: bool) -> None:
    kind: Any = field.message_type
    if kind is None:
        return
    if kind.GetOptions().map_entry:
        if kind.fields_by_name["value"].message_type is not None:
            for key, item in value.items():
                _child(item, findings, f'{path}["{key}"]', holder, optional)
    elif field.is_repeated:
        for index, item in enumerate(value):
            _child(item, findings, f"{path}[{index}]", holder, optional)
    else:
        _child(value, findings, path, holder, optional)


def _child(message: Any, findings: Findings, path: str, holder: str, optional: bool) -> None:
    name = message.DESCRIPTOR.full_name
    if name == "google.protobuf.Any":
        _extension(message, findings, path, holder, optional)
    elif not name.startswith(_WELL_KNOWN):
        check_support(message, findings, path, holder)


def _extension(payload: Any, findings: Findings, path: str, holder: str, optional: bool) -> None:
    name = _extension_type(payload)
    if name in EXTENSIONS.get(holder, frozenset()):
        inner = unpack(payload)
        if inner is not None:
            check_support(inner, findings, path)
        return
    if not name:
        return  # "@type" is missing, which was reported
    text = f"the extension {name} is {'not implemented' if message_class(name) else 'unknown'}"
    if optional:
        findings.add("MC0203", path, f"{text}; it is optional and left out")
    elif holder in _CHOICES:
        findings.add("MC0203", path, f"{text}; the next in the list is taken")
    else:
        findings.add("MC0202", path, text)


def _extension_type(payload: Any) -> str:
    name = type_name(payload.type_url)
    if name in TYPED_STRUCTS and (struct := unpack(payload)) is not None:
        return type_name(struct.type_url)  # type: ignore[attr-defined]
    return name
