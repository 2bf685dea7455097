"""Envoy's v3 API as reflection sees it: message classes by name, and a plan per message of how to fill it.

Modules of xds-protos are imported when a configuration first names one of their types; all of them would take 300 ms.
"""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

TYPE_PREFIX = "type.googleapis.com/"
_ROOTS = ("envoy.", "udpa.", "xds.", "google.protobuf.", "mosn.")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)+\Z")


@cache
def message_class(full_name: str) -> type[Message] | None:
    """The class of `envoy.extensions.filters.http.router.v3.Router`, or None when no such message is known."""
    pool = descriptor_pool.Default()
    for attempt in (0, 1):
        try:
            return message_factory.GetMessageClass(pool.FindMessageTypeByName(full_name))
        except KeyError:
            if attempt or not _import_package_of(full_name):
                return None
    return None


def _import_package_of(full_name: str) -> bool:
    """Import the modules of the package that would define this message; the roots keep a configuration from
    importing anything else."""
    if not full_name.startswith(_ROOTS) or not _NAME.match(full_name):
        return False
    parts = full_name.split(".")
    name = ".".join(part for part in parts[:-1] if part[0].islower())
    try:
        package = importlib.import_module(name)
        modules = sorted({path.stem for root in package.__path__ for path in Path(root).glob("*_pb2.py")})
        for module in modules:
            importlib.import_module(f"{name}.{module}")
    except (ImportError, AttributeError):
        return False
    return bool(modules)


def type_name(type_url: str) -> str:
    """`envoy.X` of `type.googleapis.com/envoy.X`."""
    return type_url.rsplit("/", 1)[-1]


@dataclass(slots=True)
class FieldPlan:
    """What the decoder needs of one field.  `map_key` and `item` are set for maps: plans of their key and value."""

    name: str
    type: int
    repeated: bool
    message: Descriptor | None
    enum: EnumDescriptor | None
    oneof: str
    map_key: FieldPlan | None = None
    map_value: FieldPlan | None = None


@dataclass(slots=True)
class MessagePlan:
    """`fields` holds every field under its proto and its JSON name."""

    full_name: str
    fields: dict[str, FieldPlan]
    names: list[str]


_plans: dict[str, MessagePlan] = {}


def message_plan(descriptor: Descriptor) -> MessagePlan:
    plan = _plans.get(descriptor.full_name)
    if plan is None:
        plan = _plans[descriptor.full_name] = _make_plan(descriptor)
    return plan


def _make_plan(descriptor: Descriptor) -> MessagePlan:
    fields = {}
    for field in descriptor.fields:
        plan = _field_plan(field)
        fields[field.name] = plan
        fields[str(field.json_name)] = plan
    return MessagePlan(descriptor.full_name, fields, [field.name for field in descriptor.fields])


def _field_plan(field: FieldDescriptor) -> FieldPlan:
    message: Any = field.message_type
    oneof: Any = field.containing_oneof
    plan = FieldPlan(
        name=field.name,
        type=field.type,
        repeated=bool(field.is_repeated),
        message=message,
        enum=field.enum_type,
        oneof=oneof.name if oneof is not None and not oneof.name.startswith("_") else "",
    )
    if message is not None and message.GetOptions().map_entry:
        plan.map_key = _field_plan(message.fields_by_name["key"])
        plan.map_value = _field_plan(message.fields_by_name["value"])
    return plan
