"""Nodes to protobuf messages, collecting every mistake: unknown fields, wrong types, bad values, conflicts.

Both spellings of a field are taken (`connect_timeout`, `connectTimeout`), null leaves a field unset, and an `Any` is
filled from the message that its "@type" names, all as protobuf's JSON reader does.
"""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

from mosn.config.api import FieldPlan, message_class, message_plan, type_name
from mosn.config.findings import Findings, Place, nearest
from mosn.config.nodes import Mapping, Node, Scalar, Sequence, describe, shorten
from mosn.config.scalars import CONVERTERS, duration

TYPED_STRUCTS = ("udpa.type.v1.TypedStruct", "xds.type.v3.TypedStruct")
_TYPE_URL = "@type"
_TYPED_STRUCT_KEYS = ("@type", "type_url", "typeUrl", "value")
_EXAMPLE_URL = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"


def decode(node: Node, message: Message, findings: Findings, path: str = "") -> None:
    """Fill `message`; what cannot be used is reported and left out.  Fills `findings.places` with every field's place,
    so that later remarks can say where."""
    findings.places[path] = Place(node.line, node.column, node.path)
    _Decoder(findings).message(node, message, path)


class _Decoder:
    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._places = findings.places

    def message(self, node: Node, message: Any, path: str) -> None:
        name = message.DESCRIPTOR.full_name
        special = _SPECIAL.get(name)
        if special:
            special(self, node, message, path)
        elif isinstance(node, Mapping):
            self._fields(node, message, path, "")
        else:
            self._wrong(node, path, f"expected a mapping ({name}), found {describe(node)}")

    def _fields(self, node: Mapping, message: Any, path: str, skip: str) -> None:
        plan = message_plan(message.DESCRIPTOR)
        seen: dict[str, str] = {}
        prefix = f"{path}." if path else ""
        for key, value in node.pairs():
            if key.text == skip:
                continue
            field = plan.fields.get(key.text)
            if field is None:
                self._unknown(key, prefix + shorten(key.text), plan.full_name, plan.names)
                continue
            field_path = prefix + field.name
            if self._taken(seen, field, key, field_path):
                continue
            where = value if isinstance(value, Scalar) else key
            self._places[field_path] = Place(where.line, where.column, value.path)
            self._field(value, message, field, field_path)

    def _unknown(self, key: Scalar, path: str, message: str, names: list[str]) -> None:
        text, hint = f"{message} has no such field", ""
        if key.text == "<<":
            hint = "merge keys are not supported; name each field"
        guess = nearest(key.text, names)
        self._findings.add_at(key, "MC0101", path, text, suggestion=guess, hint=hint)
        if guess:
            self._findings.excuse(f"{path[: len(path) - len(shorten(key.text))]}{guess}")

    def _taken(self, seen: dict[str, str], field: FieldPlan, key: Scalar, path: str) -> bool:
        if field.name in seen:
            self._findings.add_at(key, "MC0004", path, "given twice")
            return True
        seen[field.name] = field.name
        if field.oneof:
            other = seen.setdefault(f"oneof {field.oneof}", field.name)
            if other != field.name:
                self._findings.add_at(key, "MC0106", path, f"cannot be set together with {other}")
                return True
        return False

    def _field(self, node: Node, message: Message, field: FieldPlan, path: str) -> None:
        if isinstance(node, Scalar) and node.value is None and not _takes_null(field):
            return
        if field.map_key:
            self._map(node, getattr(message, field.name), field, path)
        elif field.repeated:
            self._list(node, getattr(message, field.name), field, path)
        elif field.message is not None:
            child = getattr(message, field.name)
            child.SetInParent()
            self.message(node, child, path)
        else:
            value = self._scalar(node, field, path)
            if value is not None:
                setattr(message, field.name, value)

    def _list(self, node: Node, target: Any, field: FieldPlan, path: str) -> None:
        # Envoy's reader takes a single value for a list of one.
        items = node.elements() if isinstance(node, Sequence) else [node]
        for index, item in enumerate(items):
            item_path = f"{path}[{index}]"
            self._places[item_path] = Place(item.line, item.column, item.path)
            if isinstance(item, Scalar) and item.value is None and not _takes_null(field):
                self._wrong(item, item_path, "a list cannot hold null")
            elif field.message is not None:
                self.message(item, target.add(), item_path)
            else:
                value = self._scalar(item, field, item_path)
                if value is not None:
                    target.append(value)

    def _map(self, node: Node, target: Any, field: FieldPlan, path: str) -> None:
        assert field.map_key and field.map_value
        if not isinstance(node, Mapping):
            self._wrong(node, path, f"expected a mapping, found {describe(node)}")
            return
        seen = set()
        for key, value in node.pairs():
            item_path = f'{path}["{shorten(key.text)}"]'
            self._places[item_path] = Place(key.line, key.column, value.path)
            if key.text in seen:
                self._findings.add_at(key, "MC0004", item_path, "given twice")
                continue
            seen.add(key.text)
            name = self._map_key(key, field.map_key, item_path)
            if name is None:
                continue
            if isinstance(value, Scalar) and value.value is None and not _takes_null(field.map_value):
                self._wrong(value, item_path, "a map cannot hold null")
            elif field.map_value.message is not None:
                child = target[name]
                self.message(value, child, item_path)
            else:
                item = self._scalar(value, field.map_value, item_path)
                if item is not None:
                    target[name] = item

    def _map_key(self, key: Scalar, field: FieldPlan, path: str) -> Any:
        """Keys are text in JSON, whatever the type of the map's key."""
        if field.type == FieldDescriptor.TYPE_STRING:
            return key.text
        if field.type == FieldDescriptor.TYPE_BOOL and key.text in ("true", "false"):
            return key.text == "true"
        return self._scalar(Scalar(key.line, key.column, key.path, key.text, key.text), field, path)

    def _scalar(self, node: Node, field: FieldPlan, path: str) -> Any:
        try:
            if field.enum is not None:
                return self._enum(node, field.enum, path)
            return CONVERTERS[field.type](node)
        except OverflowError as error:
            self._findings.add_at(node, "MC0105", path, str(error))
        except ValueError as error:
            self._wrong(node, path, str(error))
        return None

    def _enum(self, node: Node, enum: EnumDescriptor, path: str) -> int | None:
        value = node.value if isinstance(node, Scalar) else None
        if isinstance(value, str):
            known = enum.values_by_name.get(value) or enum.values_by_name.get(value.upper())
            if known is not None:
                return int(known.number)
            if value.isdigit() and len(value) < 10:
                return int(value)
            names = [item.name for item in enum.values]
            guess = nearest(value.upper(), names)
            few = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
            text = f'{enum.full_name} has no value "{shorten(value)}"; it has {few}'
            self._findings.add_at(node, "MC0103", path, text, suggestion=guess)
            return None
        return int(CONVERTERS[FieldDescriptor.TYPE_INT32](node))

    def _wrong(self, node: Node, path: str, text: str) -> None:
        self._findings.add_at(node, "MC0102", path, text)

    # Messages that JSON writes in a form of their own.

    def _duration(self, node: Node, message: Any, path: str) -> None:
        if isinstance(node, Mapping):
            self._fields(node, message, path, "")
            return
        try:
            message.seconds, message.nanos = duration(node)
        except ValueError as error:
            self._findings.add_at(node, "MC0104", path, str(error))
        except OverflowError as error:
            self._findings.add_at(node, "MC0105", path, str(error))

    def _wrapper(self, node: Node, message: Any, path: str) -> None:
        if isinstance(node, Mapping):
            self._fields(node, message, path, "")
            return
        value = self._scalar(node, message_plan(message.DESCRIPTOR).fields["value"], path)
        if value is not None:
            message.value = value

    def _text_form(self, node: Node, message: Any, path: str) -> None:
        """Timestamp and FieldMask."""
        try:
            message.FromJsonString(CONVERTERS[FieldDescriptor.TYPE_STRING](node))
        except ValueError as error:
            self._wrong(node, path, str(error))

    def _struct(self, node: Node, message: Any, path: str) -> None:
        if not isinstance(node, Mapping):
            self._wrong(node, path, f"expected a mapping, found {describe(node)}")
            return
        for key, value in node.pairs():
            item_path = f"{path}.{shorten(key.text)}" if path else shorten(key.text)
            if key.text in message.fields:
                self._findings.add_at(key, "MC0004", item_path, "given twice")
                continue
            self._places[item_path] = Place(value.line, value.column, value.path)
            self._value(value, message.fields[key.text], item_path)

    def _value(self, node: Node, message: Any, path: str) -> None:
        if isinstance(node, Mapping):
            message.struct_value.SetInParent()
            self._struct(node, message.struct_value, path)
        elif isinstance(node, Sequence):
            self._list_value(node, message.list_value, path)
        elif isinstance(node, Scalar):
            _set_value(message, node.value)

    def _list_value(self, node: Node, message: Any, path: str) -> None:
        if not isinstance(node, Sequence):
            self._wrong(node, path, f"expected a list, found {describe(node)}")
            return
        message.SetInParent()
        for index, item in enumerate(node.elements()):
            self._value(item, message.values.add(), f"{path}[{index}]")

    def _any(self, node: Node, message: Any, path: str) -> None:
        if not isinstance(node, Mapping):
            self._wrong(node, path, f'expected a mapping with "@type", found {describe(node)}')
            return
        type_node = node.get(_TYPE_URL)
        if not isinstance(type_node, Scalar) or not isinstance(type_node.value, str) or not type_node.value:
            self._findings.add_at(node, "MC0107", path, f'"@type" is missing; it looks like "{_EXAMPLE_URL}"')
            return
        if "/" not in type_node.value:
            hint = f'write "type.googleapis.com/{shorten(type_node.value)}"'
            self._findings.add_at(type_node, "MC0107", path, '"@type" is not a type URL', hint=hint)
            return
        self._places[f"{path}.@type"] = Place(type_node.line, type_node.column, node.path)
        self._payload(node, type_node.value, message, path)

    def _payload(self, node: Mapping, type_url: str, message: Any, path: str) -> None:
        name = type_name(type_url)
        if name in TYPED_STRUCTS and self._typed_struct(node, message, path):
            return
        cls = message_class(name)
        message.type_url = type_url
        if cls is None:
            return  # what stands here is decided by who looks at the extension: it may be optional
        inner = cls()
        if name in _SPECIAL:
            value = node.get("value")
            if value is not None:
                self.message(value, inner, f"{path}.value")
        else:
            self._fields(node, inner, path, _TYPE_URL)
        message.value = inner.SerializeToString(deterministic=True)

    def _typed_struct(self, node: Mapping, message: Any, path: str) -> bool:
        """A TypedStruct of a known type is that type, written as JSON."""
        type_node, value = node.get("type_url") or node.get("typeUrl"), node.get("value")
        if not isinstance(type_node, Scalar) or not isinstance(type_node.value, str):
            return False
        cls = message_class(type_name(type_node.value))
        if cls is None:
            return False
        for key, _ in node.pairs():
            if key.text not in _TYPED_STRUCT_KEYS:
                self._unknown(key, f"{path}.{shorten(key.text)}", "TypedStruct", ["type_url", "value"])
        inner = cls()
        if value is not None:
            self.message(value, inner, path)
        message.type_url = type_node.value
        message.value = inner.SerializeToString(deterministic=True)
        return True


def _set_value(message: Any, value: Any) -> None:
    if value is None:
        message.null_value = 0
    elif isinstance(value, bool):
        message.bool_value = value
    elif isinstance(value, int | float):
        message.number_value = value if abs(value) < 1e308 else 0.0
    else:
        message.string_value = value


def _takes_null(field: FieldPlan) -> bool:
    return field.message is not None and field.message.full_name == "google.protobuf.Value"


def is_special(descriptor: Descriptor) -> bool:
    """Messages whose JSON form is not their fields."""
    return descriptor.full_name in _SPECIAL


_SPECIAL: dict[str, Any] = {
    "google.protobuf.Duration": _Decoder._duration,
    "google.protobuf.Timestamp": _Decoder._text_form,
    "google.protobuf.FieldMask": _Decoder._text_form,
    "google.protobuf.Struct": _Decoder._struct,
    "google.protobuf.Value": _Decoder._value,
    "google.protobuf.ListValue": _Decoder._list_value,
    "google.protobuf.Any": _Decoder._any,
    **{
        f"google.protobuf.{name}Value": _Decoder._wrapper
        for name in ("Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes")
    },
}
