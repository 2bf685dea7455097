"""The tree that a YAML or JSON file is, with the place of every value.

Scalars are typed as Envoy types them: it reads YAML with yaml-cpp and turns it into JSON, so `yes` is a boolean, `010`
is eight, and a plain number with a point stays text (protobuf's JSON reader takes text for a float).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_DEPTH = 100
"""Levels of nesting (protobuf's JSON reader has the same limit)."""
MAX_ALIAS_NODES = 100_000
"""Nodes that aliases may add to a file's own."""
MAX_NODES = 4_000_000
"""Values in one file; each takes about 200 bytes."""

WORDS: dict[str, bool | None] = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
for _word in ("y", "yes", "true", "on", "n", "no", "false", "off"):
    for _form in (_word, _word.upper(), _word.capitalize()):
        WORDS[_form] = _word in ("y", "yes", "true", "on")

_INTEGER = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)\Z")
_LONGEST_INTEGER = 24
_INT32 = range(-(2**31), 2**31)
_INT64 = range(-(2**63), 2**63)


class SyntaxFault(Exception):
    """The text is not YAML or JSON, or breaks a limit.  `code` is the finding's code."""

    def __init__(self, code: str, line: int, column: int, text: str) -> None:
        super().__init__(text)
        self.code, self.line, self.column, self.text = code, line, column, text


@dataclass(slots=True)
class Node:
    """`line` and `column` count from 1.  `path` is set on nodes that were made from another file's format: it is what
    a finding shows instead of the field's path."""

    line: int
    column: int
    path: str = ""


@dataclass(slots=True)
class Scalar(Node):
    value: bool | int | float | str | None = None
    text: str = ""


@dataclass(slots=True)
class Sequence(Node):
    items: list[Node] | None = None

    def elements(self) -> list[Node]:
        return self.items or []


@dataclass(slots=True)
class Mapping(Node):
    """Keys in the order of the file; a key that occurs twice is there twice."""

    entries: list[tuple[Scalar, Node]] | None = None

    def pairs(self) -> list[tuple[Scalar, Node]]:
        return self.entries or []

    def get(self, key: str) -> Node | None:
        for name, value in self.pairs():
            if name.text == key:
                return value
        return None


def plain_value(text: str) -> bool | int | str | None:
    """What a plain (unquoted) YAML scalar means to Envoy."""
    if text in WORDS:
        return WORDS[text]
    if text[0] in "+-0123456789" and len(text) < _LONGEST_INTEGER and _INTEGER.match(text):
        number = _integer(text)
        if number in _INT32:
            return number
        return str(number) if number in _INT64 else text
    return text


def _integer(text: str) -> int:
    digits = text.lstrip("+-")
    base = 16 if digits[:2] in ("0x", "0X") else 8 if digits[0] == "0" and len(digits) > 1 else 10
    return int(digits, base) * (-1 if text[0] == "-" else 1)


def describe(node: Node) -> str:
    """How a finding calls a value of the wrong type."""
    if isinstance(node, Mapping):
        return "a mapping"
    if isinstance(node, Sequence):
        return "a list"
    assert isinstance(node, Scalar)
    if node.value is None:
        return "null"
    if isinstance(node.value, bool):
        return f"the boolean {node.text}"
    if isinstance(node.value, int | float):
        return f"the number {node.text}"
    return f'the text "{shorten(node.value)}"'


def shorten(text: str, limit: int = 60) -> str:
    """One printable line of at most `limit` characters."""
    line = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text[: limit + 1])
    return line if len(line) <= limit else line[: limit - 1] + "…"
