"""The rules that Envoy's API states about values (`validate.rules` options), applied to a message and all in it.

They are interpreted from the descriptors, so a new version of the API brings its rules along.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from envoy.annotations import deprecation_pb2  # type: ignore[import-untyped]
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from validate import validate_pb2  # type: ignore[import-untyped]

from mosn.config.api import message_class, type_name
from mosn.config.constraints import Check, compile_checks
from mosn.config.findings import Findings
from mosn.config.supported import EXTENSIONS, HTTP_FILTER

_WRAPPERS = frozenset(
    f"google.protobuf.{name}Value"
    for name in ("Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes")
)
_ANY = "google.protobuf.Any"
_LEAVES = _WRAPPERS | {f"google.protobuf.{name}" for name in ("Duration", "Timestamp", "Struct", "Value", "ListValue")}


@dataclass(slots=True)
class _FieldRules:
    """`presence`: the field can be told to be unset, and its checks are for when it is set."""

    name: str
    required: bool
    presence: bool
    wrapper: bool
    checks: list[Check]
    item_checks: list[Check]
    key_checks: list[Check]
    is_map: bool


@dataclass(slots=True)
class _MessageRules:
    fields: list[_FieldRules]
    oneofs: list[tuple[str, str]]
    removed: list[FieldDescriptor]


_compiled: dict[str, _MessageRules] = {}


def check_rules(message: Any, findings: Findings, path: str = "") -> None:
    """Report every broken rule of `message` and of the messages in it, `Any` payloads included."""
    rules = _compiled.get(message.DESCRIPTOR.full_name) or _compile(message.DESCRIPTOR)
    prefix = f"{path}." if path else ""
    for oneof, names in rules.oneofs:
        if message.WhichOneof(oneof) is None and not _failed_one(findings, prefix, names):
            findings.add("MC0108", path, f"one of {names} is required")
    for field in rules.fields:
        _check_field(message, field, findings, prefix + field.name)
    for removed in rules.removed:
        if message.HasField(removed.name) if removed.has_presence else getattr(message, removed.name):
            findings.add("MC0207", prefix + removed.name, "was removed by Envoy")
    if _is_left_out(message):
        return
    for child_path, child in children(message, prefix):
        check_rules(child, findings, child_path)


def _is_left_out(message: Any) -> bool:
    """An optional HTTP filter that is not available: nobody reads its configuration."""
    if message.DESCRIPTOR.full_name != HTTP_FILTER or not message.is_optional:
        return False
    return type_name(message.typed_config.type_url) not in EXTENSIONS[f"{HTTP_FILTER}.typed_config"]


def children(message: Message, prefix: str) -> Iterator[tuple[str, Message]]:
    """Messages directly inside, with their paths; an `Any` is replaced by its payload, on the same path."""
    for field, value in message.ListFields():
        kind: Any = field.message_type
        if kind is None or kind.full_name in _LEAVES:
            continue
        path = prefix + field.name
        if kind.GetOptions().map_entry:
            if kind.fields_by_name["value"].message_type is not None:
                yield from ((f'{path}["{key}"]', _opened(item)) for key, item in value.items())
        elif field.is_repeated:
            yield from ((f"{path}[{index}]", _opened(item)) for index, item in enumerate(value))
        else:
            yield path, _opened(value)


def _opened(message: Message) -> Message:
    return unpack(message) or message if message.DESCRIPTOR.full_name == _ANY else message


def unpack(payload: Any) -> Message | None:
    """The message in an `Any`, or None when its type is unknown or its bytes are not of that type."""
    cls = message_class(type_name(payload.type_url))
    if cls is None:
        return None
    message = cls()
    try:
        message.ParseFromString(payload.value)
    except Exception:  # protobuf's DecodeError, which upb and pure Python define apart
        return None
    return message


def _failed_one(findings: Findings, prefix: str, names: str) -> bool:
    return any(findings.failed(prefix + name) for name in names.split(", "))


def _check_field(message: Message, rules: _FieldRules, findings: Findings, path: str) -> None:
    if rules.presence and not message.HasField(rules.name):
        if rules.required and not findings.failed(path):
            findings.add("MC0108", path, "is required")
        return
    value = getattr(message, rules.name)
    if rules.wrapper:
        value = value.value
    _apply(rules.checks, value, findings, path)
    if rules.item_checks or rules.key_checks:
        _check_items(value, rules, findings, path)


def _check_items(value: Any, rules: _FieldRules, findings: Findings, path: str) -> None:
    if rules.is_map:
        for key in value:
            _apply(rules.key_checks, key, findings, f'{path}["{key}"]')
            _apply(rules.item_checks, value[key], findings, f'{path}["{key}"]')
        return
    for index, item in enumerate(value):
        _apply(rules.item_checks, item, findings, f"{path}[{index}]")


def _apply(checks: list[Check], value: Any, findings: Findings, path: str) -> None:
    for check in checks:
        fault = check(value)
        if fault and not findings.failed(path):
            findings.add("MC0108" if fault == "is required" else "MC0109", path, fault)
            return


def _compile(descriptor: Descriptor) -> _MessageRules:
    fields = []
    if not descriptor.GetOptions().Extensions[validate_pb2.disabled]:
        fields = [made for field in descriptor.fields if (made := _compile_field(field))]
    oneofs = [
        (oneof.name, ", ".join(field.name for field in oneof.fields))
        for oneof in descriptor.oneofs
        if oneof.GetOptions().Extensions[validate_pb2.required]
    ]
    removed = [
        field
        for field in descriptor.fields
        if field.has_options and field.GetOptions().Extensions[deprecation_pb2.disallowed_by_default]
    ]
    rules = _compiled[descriptor.full_name] = _MessageRules(fields, oneofs, removed)
    return rules


def _compile_field(field: FieldDescriptor) -> _FieldRules | None:
    options = field.GetOptions()
    if not options.HasExtension(validate_pb2.rules):
        return None
    rules: Any = options.Extensions[validate_pb2.rules]
    kind = rules.WhichOneof("type")
    values: Any = getattr(rules, kind) if kind else None
    required = rules.message.required or (kind in ("duration", "any", "timestamp") and values.required)
    message: Any = field.message_type
    compiled = _FieldRules(
        name=field.name,
        required=required and field.containing_oneof is None,
        presence=bool(field.has_presence),
        wrapper=message is not None and message.full_name in _WRAPPERS,
        checks=compile_checks(kind, values, field.enum_type) if kind else [],
        item_checks=[],
        key_checks=[],
        is_map=kind == "map",
    )
    if kind == "repeated":
        compiled.item_checks = _nested(values.items, field)
    elif kind == "map":
        compiled.key_checks = _nested(values.keys, message.fields_by_name["key"])
        compiled.item_checks = _nested(values.values, message.fields_by_name["value"])
    has_rules = compiled.required or compiled.checks or compiled.item_checks or compiled.key_checks
    return compiled if has_rules else None


def _nested(rules: Any, field: FieldDescriptor) -> list[Check]:
    kind = rules.WhichOneof("type")
    return compile_checks(kind, getattr(rules, kind), field.enum_type) if kind else []
