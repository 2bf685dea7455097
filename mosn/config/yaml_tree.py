"""YAML text to nodes, over libyaml's events (a third faster than composing, and limits are checked on the way)."""

from __future__ import annotations

from typing import Any

import yaml
from yaml import events

from mosn.config.nodes import (
    MAX_ALIAS_NODES,
    MAX_DEPTH,
    MAX_NODES,
    Mapping,
    Node,
    Scalar,
    Sequence,
    SyntaxFault,
    plain_value,
)


def parse_yaml(text: str) -> Node:
    """The tree of the only document in `text`.  Raises SyntaxFault."""
    try:
        return _Builder(yaml.CLoader(text)).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        raise SyntaxFault("MC0002", line, column, _words(error)) from None
    except yaml.reader.ReaderError as error:
        line, column = _place(text, error.position)
        raise SyntaxFault("MC0002", line, column, f"{error.reason}: #x{_code(error.character):04x}") from None


def _words(error: yaml.MarkedYAMLError) -> str:
    return ", ".join(part for part in (error.context, error.problem) if part) or "not YAML"


def _code(character: Any) -> int:
    return character if isinstance(character, int) else ord(character)


def _place(text: str, offset: int) -> tuple[int, int]:
    """libyaml counts bytes here."""
    before = text.encode()[:offset].decode(errors="replace")
    return before.count("\n") + 1, len(before) - before.rfind("\n")


class _Builder:
    def __init__(self, loader: Any) -> None:
        self._next = loader.get_event
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._alias_nodes = 0
        self._made = 0

    def document(self) -> Node:
        self._next()  # stream start
        event = self._next()
        if isinstance(event, events.StreamEndEvent):
            return Scalar(1, 1)
        root = self._node(self._next(), 0)
        self._next()  # document end
        event = self._next()
        if not isinstance(event, events.StreamEndEvent):
            raise _fault(event, "MC0002", "a second document; a configuration is one document")
        return root

    def _node(self, event: Any, depth: int) -> Node:
        if self._made > MAX_NODES:
            raise _fault(event, "MC0003", f"more than {MAX_NODES} values")
        if isinstance(event, events.ScalarEvent):
            node: Node = _scalar(event)
            self._made += 1
            if event.anchor:
                self._anchors[event.anchor] = (node, 1)
            return node
        if isinstance(event, events.AliasEvent):
            return self._alias(event)
        if depth >= MAX_DEPTH:
            raise _fault(event, "MC0003", f"nested deeper than {MAX_DEPTH} levels")
        before = self._made
        self._made += 1
        node = self._mapping(event, depth) if isinstance(event, events.MappingStartEvent) else self._list(event, depth)
        if event.anchor:
            self._anchors[event.anchor] = (node, self._made - before)
        return node

    def _list(self, event: Any, depth: int) -> Node:
        items = []
        start = event.start_mark
        while not isinstance(event := self._next(), events.SequenceEndEvent):
            items.append(self._node(event, depth + 1))
        return Sequence(start.line + 1, start.column + 1, items=items)

    def _mapping(self, event: Any, depth: int) -> Node:
        entries: list[tuple[Scalar, Node]] = []
        start = event.start_mark
        while not isinstance(event := self._next(), events.MappingEndEvent):
            key = self._node(event, depth + 1)
            if not isinstance(key, Scalar):
                raise _fault(event, "MC0002", "a key must be text")
            value = self._node(self._next(), depth + 1)
            if event.__class__ is not events.ScalarEvent or event.tag != "!ignore":  # Envoy leaves such keys out
                entries.append((key, value))
        return Mapping(start.line + 1, start.column + 1, entries=entries)

    def _alias(self, event: Any) -> Node:
        if event.anchor not in self._anchors:
            raise _fault(event, "MC0002", f"unknown or recursive alias *{event.anchor}")
        node, size = self._anchors[event.anchor]
        self._alias_nodes += size
        self._made += size
        if self._alias_nodes > MAX_ALIAS_NODES:
            raise _fault(event, "MC0003", f"aliases repeat more than {MAX_ALIAS_NODES} values")
        return node


def _scalar(event: Any) -> Scalar:
    mark = event.start_mark
    text = event.value
    plain = event.implicit[0] or (event.style in (None, "") and event.tag is not None and event.tag != "!")
    value = plain_value(text) if plain else text
    return Scalar(mark.line + 1, mark.column + 1, "", value, text)


def _fault(event: Any, code: str, text: str) -> SyntaxFault:
    mark = event.start_mark
    return SyntaxFault(code, mark.line + 1, mark.column + 1, text)
