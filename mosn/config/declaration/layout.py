"""`fields:` the layout of a frame."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Literal

from mosn.config.declaration.entry import WRONG, Entry
from mosn.config.declaration.numbers import NUMBERS, SIZES, condition, conditions, field_index, set_size, wire_number
from mosn.config.nodes import Node
from mosn.model import DeclaredCondition, DeclaredField

_BLOCKS: tuple[Literal["protobuf"], Literal["jce"]] = ("protobuf", "jce")
_HEADERS: tuple[Literal["pairs"], Literal["lines"], Literal["theader"]] = ("pairs", "lines", "theader")
_TYPES = (*NUMBERS, "text", "bytes", "sum", *_HEADERS, *_BLOCKS)
_TAGGED_TYPES = ("number", "text", "bytes", "map", *_BLOCKS)
MOST_FIELDS = 48
_DEEPEST = 4


@dataclass(slots=True)
class Layout:
    """Fields so far, and their names.  `blocks` are the tagged ones whose children are still to be read."""

    little: bool
    fields: list[DeclaredField] = field(default_factory=list)
    names: dict[str, int] = field(default_factory=dict)
    blocks: deque[tuple[int, int, Entry]] = field(default_factory=deque)
    headers: int = -1

    def add(self, entry: Entry, made: DeclaredField, name: str) -> int:
        index = len(self.fields)
        if name in self.names:
            entry.report("MC0505", f'there are two fields "{name}"')
        elif index == MOST_FIELDS:
            entry.report("MC0505", f"more than {MOST_FIELDS} fields")
        if name:
            self.names.setdefault(name, index)
        if made["type"] == "headers":
            self._only_headers(entry, index)
        self.fields.append(made)
        return index

    def _only_headers(self, entry: Entry, index: int) -> None:
        if self.headers != -1:
            entry.report("MC0505", "a protocol has one block of headers")
        self.headers = index


def empty_field(parent: int = -1, tag: int = 0) -> DeclaredField:
    return {
        "type": "number", "number": None, "value_number": None, "count_number": None, "size": "fixed",
        "size_field": -1, "times": 1, "plus": 0, "format": "", "tag": tag, "needs": 0, "parent": parent, "when": [],
        "allowed": [],
    }  # fmt: skip


def read_layout(entry: Entry, little: bool) -> Layout:
    layout = Layout(little)
    nodes = entry.items("fields")
    if not nodes:
        entry.report("MC0504", "needs the fields of a frame", key="fields")
    _top_fields(layout, entry, nodes, "fields", [])
    while layout.blocks:
        block, depth, inner = layout.blocks.popleft()
        _children(layout, block, depth, inner)
    return layout


def _top_fields(layout: Layout, entry: Entry, nodes: list[Node], key: str, when: list[DeclaredCondition]) -> None:
    for number, node in enumerate(nodes):
        one = Entry(entry.findings, node, entry.where(f"{key}[{number}]"))
        own = [*when, *conditions(one, "when", layout.names)]
        kind = one.take("type")
        if kind is None and (inner := one.items("fields")):
            _top_fields(layout, one, inner, "fields", own)
        elif kind is None:
            one.report("MC0504", "needs a type")
        else:
            _top_field(layout, one, one.word_of(kind, "type", _TYPES, "u8"), own)
        one.finish()


def _top_field(layout: Layout, entry: Entry, kind: str, when: list[DeclaredCondition]) -> None:
    made = empty_field()
    made["when"] = when
    name = entry.word("name")
    if kind in NUMBERS:
        made["number"] = wire_number(kind, _little(entry, layout))
    elif kind == "sum":
        _sum(layout, entry, made)
    else:
        made["type"] = "bytes" if kind in ("text", "bytes") else "tagged" if kind in _BLOCKS else "headers"
        _format(made, entry, kind, layout)
        set_size(made, entry, layout.names, layout.little)
        _fit(made, entry, kind)
    index = layout.add(entry, made, name)
    allowed = entry.take("is")
    if allowed is not None:
        made["allowed"] = condition(entry, index, allowed, "is")
        if made["type"] != "number":
            entry.report(WRONG, "only numbers have values that are checked", allowed, "is")
    if kind in _BLOCKS:
        made["needs"] = entry.number("needs", 0, 0, 2**29 - 1)
        layout.blocks.append((index, 1, entry))
        _keep_children(entry)


def _little(entry: Entry, layout: Layout) -> bool:
    order = entry.word("order", ("big", "little"))
    return order == "little" if order else layout.little


def _sum(layout: Layout, entry: Entry, made: DeclaredField) -> None:
    made["type"] = "sum"
    made["number"] = wire_number(entry.word("of", ("u8", "u16", "u32"), "u32"), layout.little)
    count = entry.take("count")
    if count is None:
        entry.report("MC0504", "needs the field that says how many numbers there are", key="count")
        made["size_field"] = 0
    else:
        made["size_field"] = field_index(entry, count, "count", layout.names)


def _format(made: DeclaredField, entry: Entry, kind: str, layout: Layout) -> None:
    for known in (*_HEADERS, *_BLOCKS):
        if kind == known:
            made["format"] = known
    if kind == "pairs":
        count = entry.word("count", SIZES)
        made["number"] = wire_number(entry.word("key", SIZES, "u32"), layout.little)
        made["value_number"] = wire_number(entry.word("value", SIZES, "u32"), layout.little)
        made["count_number"] = wire_number(count, layout.little) if count else None


def _fit(made: DeclaredField, entry: Entry, kind: str) -> None:
    """`number` of pairs is the size of a name: their block has its own size elsewhere."""
    if kind == "pairs" and made["size"] == "prefix":
        entry.report("MC0505", "the size of a block of pairs is a field of its own", key="size")


def _keep_children(entry: Entry) -> None:
    entry.take("fields")


def _children(layout: Layout, block: int, depth: int, entry: Entry) -> None:
    """The fields of one tagged block, which stand together."""
    parent = layout.fields[block]
    node = entry.node
    nodes = Entry(entry.findings, node, entry.path).items("fields")
    if not nodes:
        entry.report("MC0504", "a block needs the fields that matter in it", key="fields")
    for number, item in enumerate(nodes):
        one = Entry(entry.findings, item, entry.where(f"fields[{number}]"))
        made = empty_field(block, one.number("number", 0, 0, 2**29 - 1))
        kind = one.word("type", _TAGGED_TYPES, "number")
        _child_type(made, one, kind, parent["format"])
        index = layout.add(one, made, one.word("name"))
        if kind in _BLOCKS:
            one.take("fields")
            layout.blocks.append((index, depth + 1, one))
            if depth == _DEEPEST:
                one.report("MC0505", f"blocks are inside each other more than {_DEEPEST} times")
        one.finish()


def _child_type(made: DeclaredField, entry: Entry, kind: str, block: str) -> None:
    if kind == "number":
        made["number"] = wire_number("jce" if block == "jce" else "varint", False, made["tag"])
    elif kind == "map":
        made["type"], made["format"] = "headers", "jce" if block == "jce" else "protobuf"
        if made["parent"] == -1:
            entry.report(WRONG, "a map stands in a block")
    elif kind in _BLOCKS:
        made["type"], made["format"] = "tagged", "protobuf" if kind == "protobuf" else "jce"
    else:
        made["type"] = "bytes"


