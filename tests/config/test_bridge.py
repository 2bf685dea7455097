"""Java's types as the configuration names them, and the snapshot that a bridge becomes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from mosn.config.lower.bridge import descriptor, java_parameter
from mosn.protocol.v1 import rpc_bridge_pb2, rpc_proxy_pb2

PROTOS = Path(rpc_bridge_pb2.__file__).parent
FIELD = re.compile(r"^\s*(repeated )?([\w.]+) (\w+) = (\d+);", re.MULTILINE)


@pytest.mark.parametrize(("type", "name", "kind", "element", "wire", "short"), [
    ("int", "int", "int", "any", "", "I"), ("boolean", "boolean", "boolean", "any", "", "Z"),
    ("java.lang.Long", "java.lang.Long", "long", "any", "", "Ljava/lang/Long;"),
    ("java.lang.String", "java.lang.String", "string", "any", "", "Ljava/lang/String;"),
    ("java.util.Date", "java.util.Date", "date", "any", "", "Ljava/util/Date;"),
    ("byte[]", "[B", "bytes", "any", "", "[B"), ("long[]", "[J", "list", "long", "[long", "[J"),
    ("java.lang.String[]", "[Ljava.lang.String;", "list", "string", "[string", "[Ljava/lang/String;"),
    ("int[][]", "[[I", "list", "list", "[[int", "[[I"),
    ("java.util.List<java.lang.Long>", "java.util.List", "list", "long", "", "Ljava/util/List;"),
    ("java.util.Set< java.lang.String >", "java.util.Set", "list", "string", "java.util.HashSet", "Ljava/util/Set;"),
    ("java.util.Map<java.lang.String, java.util.List<int[]>>", "java.util.Map", "map", "list", "", "Ljava/util/Map;"),
    ("com.example.User", "com.example.User", "map", "any", "com.example.User", "Lcom/example/User;"),
    ("com.example.A$B[]", "[Lcom.example.A$B;", "list", "map", "[com.example.A$B", "[Lcom/example/A$B;"),
])  # fmt: skip
def test_types(type: str, name: str, kind: str, element: str, wire: str, short: str) -> None:
    found = java_parameter("p", type, generic=False)
    assert found is not None
    assert (found["type"], found["kind"], found["element"], found["wire"]) == (name, kind, element, wire)
    assert descriptor(found["type"]) == short
    assert found["primitive"] == (type in ("int", "boolean"))
    generic = java_parameter("p", type, generic=True)
    assert generic is not None
    assert generic["wire"] == ""


@pytest.mark.parametrize("type", ["", "a b", "java.util.List<", "int[", "[]", "9a", "a..b", "void", "void[]x"])
def test_what_is_no_type(type: str) -> None:
    assert java_parameter("p", type, generic=False) is None


@pytest.mark.parametrize("module", [rpc_bridge_pb2, rpc_proxy_pb2])
def test_descriptor_and_proto_say_the_same(module: Any) -> None:
    """The descriptors are written out by hand; the .proto files are what people read."""
    text = (PROTOS / Path(module.DESCRIPTOR.name).name).read_text()
    written = {(label.strip(), name, int(number)) for label, _, name, number in FIELD.findall(text)}
    described = set()
    for message in module.DESCRIPTOR.message_types_by_name.values():
        for each in (message, *message.nested_types):
            described |= {("repeated" if f.is_repeated else "", f.name, f.number) for f in each.fields}
    assert written == described
