"""YAML and JSON to nodes: values as Envoy types them, places, limits."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mosn.config import json_tree, yaml_tree
from mosn.config.json_tree import parse_json
from mosn.config.nodes import Mapping, Node, Scalar, Sequence, SyntaxFault, plain_value
from mosn.config.yaml_tree import parse_yaml


def value_of(node: Node) -> Any:
    if isinstance(node, Mapping):
        return {key.text: value_of(value) for key, value in node.pairs()}
    if isinstance(node, Sequence):
        return [value_of(item) for item in node.elements()]
    assert isinstance(node, Scalar)
    return node.value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None), ("~", None), ("null", None), ("NULL", None), ("nULL", "nULL"),
        ("true", True), ("Yes", True), ("on", True), ("y", True), ("N", False), ("off", False), ("yEs", "yEs"),
        ("0", 0), ("-7", -7), ("+7", 7), ("0x1F", 31), ("010", 8), ("08", "08"), ("0o10", "0o10"),
        ("1.5", "1.5"), ("1e3", "1e3"), ("1_000", "1_000"), ("12abc", "12abc"),
        ("2147483647", 2147483647), ("2147483648", "2147483648"), ("99999999999999999999", "99999999999999999999"),
    ],
)  # fmt: skip
def test_plain_scalars_are_what_yaml_cpp_makes_of_them(text: str, value: Any) -> None:
    found = plain_value(text)
    assert found == value
    assert type(found) is type(value)


def test_yaml_values() -> None:
    tree = parse_yaml(
        "quoted: '1'\nblock: |\n  two\n  lines\nlist: [1, yes, ~]\n!ignore gone: 1\nalias: &a {x: 1}\nagain: *a\n"
        "tagged: !!str 5\n"
    )
    assert value_of(tree) == {
        "quoted": "1", "block": "two\nlines\n", "list": [1, True, None], "alias": {"x": 1}, "again": {"x": 1},
        "tagged": 5,
    }  # fmt: skip


def test_yaml_places() -> None:
    tree = parse_yaml("a:\n  b: [1,\n    two]\n")
    assert isinstance(tree, Mapping)
    inner = tree.pairs()[0][1]
    assert isinstance(inner, Mapping)
    items = inner.get("b")
    assert isinstance(items, Sequence)
    assert [(item.line, item.column) for item in items.elements()] == [(2, 7), (3, 5)]


def test_json_values_and_places() -> None:
    text = '{"a": [1, -2.5e1, true, null, "\\u00e9\\ud83d\\ude00\\/"],\n "b": {}}'
    tree = parse_json(text)
    assert value_of(tree) == json.loads(text)
    assert isinstance(tree, Mapping)
    assert [(key.line, key.column) for key, _ in tree.pairs()] == [(1, 2), (2, 2)]


@pytest.mark.parametrize(
    "text",
    ["{", "[1,]", '{"a" 1}', '{"a": }', "{a: 1}", '["a]', "[01]", "[1 2]", "nul", '["\\ud800"]', '["\t"]', "1 1",
     "[+1]", "[.5]", '{"a": 1,}'],
)  # fmt: skip
def test_json_faults(text: str) -> None:
    with pytest.raises(SyntaxFault) as fault:
        parse_json(text)
    assert fault.value.code == "MC0002"
    assert fault.value.line == 1


@pytest.mark.parametrize(
    "text", ["a: b: c", "a: [", "*x", "a: &x [*x]", "{a: 1}}", "a: 'b", "\x00", "? [a]\n: b", "- a\nb"]
)
def test_yaml_faults(text: str) -> None:
    with pytest.raises(SyntaxFault) as fault:
        parse_yaml(text)
    assert fault.value.code == "MC0002"


def test_empty_texts_are_null() -> None:
    for parse in (parse_yaml, parse_json):
        assert value_of(parse("")) is None
        assert value_of(parse("  \n")) is None


@pytest.mark.parametrize("depth", [100, 101, 5000])
def test_nesting_is_limited(depth: int) -> None:
    for parse in (parse_yaml, parse_json):
        text = "[" * depth + "]" * depth
        if depth <= 100:
            parse(text)
            continue
        with pytest.raises(SyntaxFault) as fault:
            parse(text)
        assert fault.value.code == "MC0003"


def test_aliases_cannot_grow_without_bound() -> None:
    lines = ["a: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"b{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 12)]
    with pytest.raises(SyntaxFault) as fault:
        parse_yaml("\n".join(lines))
    assert fault.value.code == "MC0003"


def test_values_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (json_tree, yaml_tree):
        monkeypatch.setattr(module, "MAX_NODES", 50)
    for parse in (parse_yaml, parse_json):
        parse("[" + "1, " * 40 + "1]")
        with pytest.raises(SyntaxFault) as fault:
            parse("[" + "1, " * 100 + "1]")
        assert fault.value.code == "MC0003"


def test_a_number_of_endless_digits() -> None:
    with pytest.raises(SyntaxFault):
        parse_json("[" + "9" * 100_000 + "]")
    assert value_of(parse_yaml("9" * 5000)) == "9" * 5000
