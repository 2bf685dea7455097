"""Types of numbers, sizes, and conditions."""

from __future__ import annotations

from collections.abc import Mapping as Names
from typing import Literal

from mosn.config.declaration.entry import WRONG, Entry, integer
from mosn.config.findings import nearest
from mosn.config.nodes import Mapping, Node, Scalar, Sequence, describe, shorten
from mosn.model import DeclaredCondition, DeclaredField, WireNumber

_FIXED = {"u8": 1, "u16": 2, "u24": 3, "u32": 4, "u64": 8}
NUMBERS = (*_FIXED, "varint", "zigzag")
SIZES = (*_FIXED, "varint")
ALL = 2**64 - 1


def wire_number(name: str, little: bool, tag: int = 0) -> WireNumber:
    """The number type of this name: one of NUMBERS, or "jce"."""
    if name in _FIXED:
        return {"type": "fixed", "width": _FIXED[name], "little": little, "tag": tag}
    kinds: dict[str, Literal["zigzag", "jce"]] = {"zigzag": "zigzag", "jce": "jce"}
    return {"type": kinds.get(name, "varint"), "width": 0, "little": little, "tag": tag}


def field_index(entry: Entry, node: Node, key: str, known: Names[str, int]) -> int:
    """The index of the field that a node names; 0 and a finding when there is none."""
    if isinstance(node, Scalar) and node.text in known:
        return known[node.text]
    name = shorten(node.text) if isinstance(node, Scalar) else describe(node)
    entry.report("MC0503", f'there is no field "{name}" before this', node, key, suggestion=nearest(name, known))
    return 0


# -- sizes


def set_size(field: DeclaredField, entry: Entry, known: Names[str, int], little: bool) -> None:
    """`size:` of a field of bytes: a number, the type of a size in front, an earlier field, `rest`, or a mapping of
    `field` or `prefix` with `times` and `plus`, or of `rest` with what comes after."""
    node = entry.take("size")
    if node is None:
        entry.report("MC0504", "needs a size: a number, a type such as u32, an earlier field, or rest")
    elif isinstance(node, Mapping):
        _size_of_mapping(field, Entry(entry.findings, node, entry.where("size")), known, little)
    elif integer(node) is not None:
        field["size"], field["plus"] = "fixed", entry.number_of(node, "size", 0, 0, 2**31 - 1)
    else:
        _size_of_word(field, entry, node, known, little)


def _size_of_word(field: DeclaredField, entry: Entry, node: Node, known: Names[str, int], little: bool) -> None:
    word = node.text if isinstance(node, Scalar) else ""
    if word == "rest":
        field["size"] = "rest"
    elif word in SIZES:
        field["size"], field["number"] = "prefix", wire_number(word, little)
    else:
        field["size"], field["size_field"] = "field", field_index(entry, node, "size", known)


def _size_of_mapping(field: DeclaredField, entry: Entry, known: Names[str, int], little: bool) -> None:
    rest = entry.take("rest")
    prefix, source = entry.take("prefix"), entry.take("field")
    if rest is not None:
        field["size"], field["plus"] = "rest", entry.number_of(rest, "rest", most=2**16)
    elif prefix is not None:
        field["size"] = "prefix"
        field["number"] = wire_number(entry.word_of(prefix, "prefix", SIZES, "u32"), little)
    elif source is not None:
        field["size"], field["size_field"] = "field", field_index(entry, source, "field", known)
    else:
        entry.report("MC0504", "needs one of field, prefix and rest")
    if rest is None:
        field["times"], field["plus"] = entry.number("times", 1, 1, 2**16), entry.number("plus")
    entry.finish()


# -- conditions


def conditions(entry: Entry, key: str, known: Names[str, int]) -> list[DeclaredCondition]:
    """`when:` a mapping of fields to values, which all must hold."""
    node = entry.take(key)
    if node is None:
        return []
    inner = Entry(entry.findings, node, entry.where(key))
    made = []
    for name, value in inner.pairs():
        index = field_index(inner, name, name.text, known)
        made.extend(condition(inner, index, value, name.text))
    return made


def condition(entry: Entry, index: int, node: Node, key: str) -> list[DeclaredCondition]:
    """A value, a list of values, {mask, is}, present or absent."""
    if isinstance(node, Sequence):
        values = [entry.number_of(item, key) for item in node.elements()]
        made = [_one(index, ALL, value, either=True) for value in values]
        if not made:
            entry.report(WRONG, "expected a value at least", node, key)
        else:
            made[-1]["either"] = False
        return made
    if isinstance(node, Mapping):
        inner = Entry(entry.findings, node, entry.where(key))
        mask = inner.number("mask", 1, 1, ALL)
        wanted = inner.number("is", 0, 0, ALL)
        inner.finish()
        if wanted & ~mask:
            inner.report(WRONG, "wants bits that the mask leaves out", node)
        return [_one(index, mask, wanted)]
    if isinstance(node, Scalar) and node.text in ("present", "absent"):
        return [_one(index, 0, int(node.text == "present"))]
    return [_one(index, ALL, entry.number_of(node, key))]


def _one(index: int, mask: int, wanted: int, either: bool = False) -> DeclaredCondition:
    return {"field": index, "mask": mask, "wanted": wanted, "either": either}
