"""One mapping of a declaration: keys are taken one by one, what is left over is unknown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mosn.config.findings import Findings, nearest
from mosn.config.nodes import Mapping, Node, Scalar, Sequence, describe, shorten

WRONG = "MC0502"


class Entry:
    """Getters report what is wrong and then give their default."""

    def __init__(self, findings: Findings, node: Node, path: str) -> None:
        self.findings, self.node, self.path = findings, node, path
        self._entries: dict[str, tuple[Scalar, Node]] = {}
        self._known: list[str] = []
        if isinstance(node, Mapping):
            for key, value in node.pairs():
                if key.text in self._entries:
                    self.report("MC0004", "given twice", key, key.text)
                self._entries[key.text] = (key, value)
        else:
            self.report(WRONG, f"expected a mapping, found {describe(node)}")

    def report(self, code: str, text: str, node: Node | None = None, key: str = "", **more: str) -> None:
        self.findings.add_at(node or self.node, code, self.where(key), text, **more)

    def where(self, key: str = "") -> str:
        return f"{self.path}.{key}".lstrip(".") if key else self.path

    def pairs(self) -> Iterator[tuple[Scalar, Node]]:
        """Every key with its value; all count as taken."""
        self._known.extend(self._entries)
        entries = list(self._entries.values())
        self._entries.clear()
        return iter(entries)

    def take(self, key: str) -> Node | None:
        self._known.append(key)
        found = self._entries.pop(key, None)
        return None if found is None or (isinstance(found[1], Scalar) and found[1].value is None) else found[1]

    def word(self, key: str, known: Iterable[str] = (), default: str = "") -> str:
        """Text; one of `known` unless that is empty."""
        node = self.take(key)
        return default if node is None else self.word_of(node, key, known, default)

    def word_of(self, node: Node, key: str, known: Iterable[str] = (), default: str = "") -> str:
        names = list(known)
        if not isinstance(node, Scalar):
            self.report(WRONG, f"expected a name, found {describe(node)}", node, key)
        elif names and node.text not in names:
            text = f'"{shorten(node.text)}" is not one of {", ".join(names)}'
            self.report(WRONG, text, node, key, suggestion=nearest(node.text, names))
        else:
            return node.text
        return default

    def number(self, key: str, default: int = 0, least: int = -(2**31), most: int = 2**31 - 1) -> int:
        node = self.take(key)
        return default if node is None else self.number_of(node, key, default, least, most)

    def number_of(self, node: Node, key: str, default: int = 0, least: int = 0, most: int = 2**64 - 1) -> int:
        value = integer(node)
        if value is None:
            self.report(WRONG, f"expected a whole number, found {describe(node)}", node, key)
        elif not least <= value <= most:
            self.report(WRONG, f"{value} is not between {least} and {most}", node, key)
        else:
            return value
        return default

    def child(self, key: str) -> Entry | None:
        node = self.take(key)
        return Entry(self.findings, node, self.where(key)) if node is not None else None

    def items(self, key: str) -> list[Node]:
        node = self.take(key)
        if node is None:
            return []
        if not isinstance(node, Sequence):
            self.report(WRONG, f"expected a list, found {describe(node)}", node, key)
            return []
        return node.elements()

    def finish(self) -> None:
        for key, _ in self._entries.values():
            text = "a declaration has no such key here"
            self.report("MC0501", text, key, shorten(key.text), suggestion=nearest(key.text, self._known))
        self._entries.clear()


def integer(node: Node) -> int | None:
    """A whole number, decimal or 0x; None for anything else."""
    if not isinstance(node, Scalar) or isinstance(node.value, bool | float) or len(node.text) > 24:
        return None
    try:
        return int(node.text, 0)
    except ValueError:
        return None
