"""JSON text to nodes (RFC 8259), with the place of every value."""

from __future__ import annotations

import re
from bisect import bisect_right
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

from mosn.config.nodes import MAX_DEPTH, MAX_NODES, Mapping, Node, Scalar, Sequence, SyntaxFault

_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_WORD = re.compile(r"true|false|null")
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None}
_LONGEST_NUMBER = 400


def parse_json(text: str) -> Node:
    """The tree of the value in `text`.  Raises SyntaxFault."""
    parser = _Parser(text)
    offset = parser.skip(0)
    if offset == len(text):
        return Scalar(1, 1)
    root, offset = parser.value(offset, 0)
    offset = parser.skip(offset)
    if offset != len(text):
        raise parser.fault(offset, "text after the end of the value")
    return root


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._made = 0
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def skip(self, offset: int) -> int:
        return _SPACE.match(self._text, offset).end()  # type: ignore[union-attr]

    def place(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def fault(self, offset: int, text: str, code: str = "MC0002") -> SyntaxFault:
        return SyntaxFault(code, *self.place(offset), text)

    def value(self, offset: int, depth: int) -> tuple[Node, int]:
        self._made += 1
        if self._made > MAX_NODES:
            raise self.fault(offset, f"more than {MAX_NODES} values", "MC0003")
        head = self._text[offset : offset + 1]
        if head == '"':
            return self._string(offset)
        if head in ("{", "["):
            if depth >= MAX_DEPTH:
                raise self.fault(offset, f"nested deeper than {MAX_DEPTH} levels", "MC0003")
            return self._object(offset, depth) if head == "{" else self._array(offset, depth)
        if match := _WORD.match(self._text, offset):
            word = match.group()
            return Scalar(*self.place(offset), "", _WORDS[word], word), match.end()
        return self._number(offset)

    def _string(self, offset: int) -> tuple[Scalar, int]:
        try:
            value, end = scanstring(self._text, offset + 1, True)
            value.encode()
        except UnicodeEncodeError:
            raise self.fault(offset, "half of a surrogate pair in a string") from None
        except ValueError as error:
            raise self.fault(offset, getattr(error, "msg", str(error)).rstrip(" at").lower()) from None
        return Scalar(*self.place(offset), "", value, value), end

    def _number(self, offset: int) -> tuple[Node, int]:
        match = _NUMBER.match(self._text, offset)
        if not match:
            found = self._text[offset : offset + 1]
            raise self.fault(offset, f"expected a value, found {found!r}" if found else "the text ends too early")
        if match.end() - offset > _LONGEST_NUMBER:
            raise self.fault(offset, "a number of too many digits")
        word = match.group()
        value = float(word) if match.lastindex else int(word)
        return Scalar(*self.place(offset), "", value, word), match.end()

    def _array(self, start: int, depth: int) -> tuple[Node, int]:
        items: list[Node] = []
        offset = self.skip(start + 1)
        while self._text[offset : offset + 1] != "]" or items:
            item, offset = self.value(offset, depth + 1)
            items.append(item)
            offset, done = self._separator(offset, "]")
            if done:
                break
        return Sequence(*self.place(start), items=items), offset + 1

    def _object(self, start: int, depth: int) -> tuple[Node, int]:
        entries: list[tuple[Scalar, Node]] = []
        offset = self.skip(start + 1)
        while self._text[offset : offset + 1] != "}" or entries:
            if self._text[offset : offset + 1] != '"':
                raise self.fault(offset, "expected a key in double quotes")
            key, offset = self._string(offset)
            offset = self.skip(offset)
            if self._text[offset : offset + 1] != ":":
                raise self.fault(offset, 'expected ":" after a key')
            item, offset = self.value(self.skip(offset + 1), depth + 1)
            entries.append((key, item))
            offset, done = self._separator(offset, "}")
            if done:
                break
        return Mapping(*self.place(start), entries=entries), offset + 1

    def _separator(self, offset: int, closer: str) -> tuple[int, bool]:
        """The offset of the next item, or of the closing bracket and True."""
        offset = self.skip(offset)
        found = self._text[offset : offset + 1]
        if found == closer:
            return offset, True
        if found != ",":
            raise self.fault(offset, f'expected "," or "{closer}"' if found else "the text ends too early")
        return self.skip(offset + 1), False
