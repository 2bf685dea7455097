"""Reading MOSN's objects: keys in any case (as Go's JSON reader takes them), types checked, leftovers reported."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from mosn.config.findings import Findings, nearest
from mosn.config.nodes import Mapping, Node, Scalar, Sequence, describe, shorten

_GO_DURATION = re.compile(r"([0-9]*\.?[0-9]+)(ns|us|µs|μs|ms|s|m|h)")
_UNIT_NANOS = {
    "ns": 1, "us": 1_000, "µs": 1_000, "μs": 1_000, "ms": 1_000_000, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9,
}  # fmt: skip
_LONGEST_TEXT = 40


class Reader:
    """One MOSN object.  Getters give nodes that know where they came from, or None when the key is not there (or is
    wrong, which has been reported then)."""

    def __init__(self, findings: Findings, node: Node | None, path: str) -> None:
        self.findings = findings
        self.path = path
        self.node = node if node is not None else Scalar(0, 0)
        self._entries: dict[str, tuple[Scalar, Node]] = {}
        self._known: list[str] = []
        if isinstance(node, Mapping):
            self._index(node)
        elif node is not None and not _is_null(node):
            self.report("MC0402", f"expected an object, found {describe(node)}", node)

    def _index(self, node: Mapping) -> None:
        for key, value in node.pairs():
            if key.text.lower() in self._entries:
                self.report("MC0004", "given twice", key, key.text)
            self._entries[key.text.lower()] = (key, value)

    def report(self, code: str, text: str, node: Node | None = None, key: str = "", **more: str) -> None:
        self.findings.add_at(node or self.node, code, self.where(key), text, **more)

    def where(self, key: str = "") -> str:
        return f"{self.path}.{key}".lstrip(".") if key else self.path

    def take(self, key: str) -> Node | None:
        """The value of a key; null is as if the key were not there."""
        self._known.append(key)
        found = self._entries.pop(key.lower(), None)
        if found is None or _is_null(found[1]):
            return None
        return found[1]

    def has(self, key: str) -> bool:
        return key.lower() in self._entries

    def text(self, key: str) -> Scalar | None:
        node = self.take(key)
        if node is None or (isinstance(node, Scalar) and isinstance(node.value, str)):
            return self._own(node, key)
        self.report("MC0402", f"expected text, found {describe(node)}", node, key)
        return None

    def word(self, key: str, default: str = "") -> str:
        """Text that is looked at, not passed on."""
        node = self.text(key)
        return str(node.value) if node is not None else default

    def number(self, key: str) -> Scalar | None:
        node = self.take(key)
        good = isinstance(node, Scalar) and isinstance(node.value, int | float) and not isinstance(node.value, bool)
        if node is None or good:
            return self._own(node, key)
        self.report("MC0402", f"expected a number, found {describe(node)}", node, key)
        return None

    def flag(self, key: str) -> bool:
        node = self.take(key)
        if isinstance(node, Scalar) and isinstance(node.value, bool):
            return node.value
        if node is not None:
            self.report("MC0402", f"expected true or false, found {describe(node)}", node, key)
        return False

    def duration(self, key: str) -> Scalar | None:
        """A Go duration ("1m30s") as Envoy's ("90s")."""
        node = self.text(key)
        if node is None:
            return None
        nanos = go_duration(str(node.value))
        if nanos is None:
            self.report("MC0104", f'expected a duration such as "1m30s", found "{shorten(node.text)}"', node, key)
            return None
        return Scalar(node.line, node.column, node.path, envoy_duration(nanos))

    def child(self, key: str) -> Reader | None:
        node = self.take(key)
        return Reader(self.findings, node, self.where(key)) if node is not None else None

    def children(self, key: str) -> Iterator[Reader]:
        """Readers of a list's elements."""
        for index, item in enumerate(self.items(key)):
            yield Reader(self.findings, item, f"{self.where(key)}[{index}]")

    def items(self, key: str) -> list[Node]:
        node = self.take(key)
        if node is None:
            return []
        if not isinstance(node, Sequence):
            self.report("MC0402", f"expected a list, found {describe(node)}", node, key)
            return []
        return node.elements()

    def texts(self, key: str) -> list[Node]:
        """A list of text, each with its path."""
        found: list[Node] = []
        for index, item in enumerate(self.items(key)):
            if isinstance(item, Scalar) and isinstance(item.value, str):
                found.append(Scalar(item.line, item.column, f"{self.where(key)}[{index}]", item.value, item.text))
            else:
                self.report("MC0402", f"expected text, found {describe(item)}", item, f"{key}[{index}]")
        return found

    def leave(self, code: Literal["MC0403", "MC0405", "MC0406"], reasons: dict[str, str]) -> None:
        """Keys that MOSN knows and that are not translated, with the reason; empty values are left without a word."""
        for key, reason in reasons.items():
            node = self.take(key)
            if node is not None and not _is_empty(node):
                self.report(code, reason, node, key)

    def finish(self) -> None:
        """Report every key that was not taken: MOSN does not know it."""
        for key, _ in self._entries.values():
            text = "MOSN has no such key and ignores it"
            self.report("MC0401", text, key, shorten(key.text), suggestion=nearest(key.text.lower(), self._known))
        self._entries.clear()

    def _own(self, node: Node | None, key: str) -> Scalar | None:
        if not isinstance(node, Scalar):
            return None
        return Scalar(node.line, node.column, self.where(key), node.value, node.text)


def go_duration(text: str) -> int | None:
    """Nanoseconds of a Go duration; None when it is not one."""
    if text == "0":
        return 0
    if not text or len(text) > _LONGEST_TEXT or _GO_DURATION.sub("", text):
        return None
    return int(sum(float(number) * _UNIT_NANOS[unit] for number, unit in _GO_DURATION.findall(text)))


def envoy_duration(nanos: int) -> str:
    seconds, rest = divmod(nanos, 10**9)
    return f"{seconds}.{rest:09d}".rstrip("0").rstrip(".") + "s"


def _is_null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.value is None


def _is_empty(node: Node) -> bool:
    if isinstance(node, Mapping):
        return not node.pairs()
    if isinstance(node, Sequence):
        return not node.elements()
    return isinstance(node, Scalar) and node.value in (None, False, "", 0)
