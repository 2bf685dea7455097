"""Frames that the sidecar makes itself: heartbeats, their answers, and replies."""

from __future__ import annotations

from collections.abc import Mapping as Names
from typing import Literal

from mosn.config.declaration.entry import WRONG, Entry
from mosn.config.declaration.numbers import SIZES, field_index, wire_number
from mosn.config.nodes import Mapping, Node, Scalar, describe, shorten
from mosn.model import DeclaredPiece, WireNumber

_PIECES = ("id", "text", "status", "copy", "size", "crc32")
_Type = Literal["bytes", "id", "text", "status", "copy", "size", "end", "crc32"]


class TemplateReader:
    """`id` is how the id stands in frames; None where the protocol has none."""

    def __init__(self, names: Names[str, int], id_number: WireNumber | None, little: bool) -> None:
        self.names, self.id_number, self.little = names, id_number, little

    def read(self, entry: Entry, key: str) -> list[DeclaredPiece]:
        return self._pieces(entry, entry.items(key), key)

    def _pieces(self, entry: Entry, nodes: list[Node], key: str) -> list[DeclaredPiece]:
        made: list[DeclaredPiece] = []
        for number, node in enumerate(nodes):
            where = f"{key}[{number}]"
            if isinstance(node, Mapping):
                made.extend(self._mapping(Entry(entry.findings, node, entry.where(where))))
            elif isinstance(node, Scalar):
                made.append(self._word(entry, node, where))
            else:
                entry.report(WRONG, f"expected bytes in hexadecimal or a mapping, found {describe(node)}", node, where)
        return made

    def _word(self, entry: Entry, node: Scalar, where: str) -> DeclaredPiece:
        if node.text == "id":
            if self.id_number is None:
                entry.report("MC0505", "the protocol has no id", node, where)
            return _piece("id", self.id_number)
        if node.text == "text":
            return _piece("text")
        try:
            data = bytes.fromhex(node.text)
        except ValueError:
            text = f'"{shorten(node.text)}" is neither bytes in hexadecimal nor one of id and text'
            entry.report(WRONG, text, node, where)
            data = b""
        return _piece("bytes", data=data)

    def _mapping(self, entry: Entry) -> list[DeclaredPiece]:
        found = [kind for kind in _PIECES if entry.node.get(kind) is not None] if isinstance(
            entry.node, Mapping
        ) else []
        if len(found) != 1:
            entry.report(WRONG, f"expected one of {', '.join(_PIECES)}")
            return []
        made = self._one(entry, found[0])
        entry.finish()
        return made

    def _one(self, entry: Entry, kind: str) -> list[DeclaredPiece]:
        if kind == "copy":
            node = entry.take("copy")
            return [_piece("copy", field=field_index(entry, node, "copy", self.names))] if node is not None else []
        if kind == "size":
            start = _piece("size", self._number(entry, "size"), plus=entry.number("plus"))
            return [start, *self._pieces(entry, entry.items("of"), "of"), _piece("end")]
        if kind == "text" and isinstance(entry.node, Mapping) and _word_of(entry.node.get("text")) == "json":
            entry.take("text")
            return [_piece("text", plus=1)]
        names: dict[str, _Type] = {"id": "id", "text": "text", "status": "status", "crc32": "crc32"}
        if kind in ("id", "status"):
            number = self._number(entry, kind, ("jce", "zigzag"))
            return [_piece(names[kind], {**number, "tag": entry.number("number", 0, 0, 255)})]
        return [_piece(names[kind], self._number(entry, kind))]

    def _number(self, entry: Entry, key: str, more: tuple[str, ...] = ()) -> WireNumber:
        return wire_number(entry.word(key, (*SIZES, *more), "u32"), self.little)


def _word_of(node: Node | None) -> str:
    return node.text if isinstance(node, Scalar) else ""


def _piece(
    kind: _Type, number: WireNumber | None = None, *, data: bytes = b"", field: int = -1, plus: int = 0
) -> DeclaredPiece:
    return {"type": kind, "bytes": data.hex(), "number": number, "field": field, "plus": plus}


