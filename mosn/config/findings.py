"""Collecting findings: their places come from what the decoder saw at each field's path."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from mosn.config.catalogue import CATALOGUE
from mosn.config.nodes import Node
from mosn.errors import Finding

MAX_FINDINGS = 1000


@dataclass(frozen=True, slots=True)
class Place:
    """`path` replaces the field's path when the file is in another format (MOSN JSON)."""

    line: int
    column: int
    path: str = ""


class Findings:
    """All findings of one file or resource.  Paths are those of Envoy's messages."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.places: dict[str, Place] = {}
        self._list: list[Finding] = []
        self._error_paths: set[str] = set()

    def add(self, code: str, path: str, text: str, *, suggestion: str = "", hint: str = "") -> None:
        """`path` places the finding: itself, or the nearest field around it that the file has."""
        place = self.place(path)
        self._append(code, place.line, place.column, self._shown(path, place), text, suggestion, hint)
        if CATALOGUE[code].severity == "error":
            self._error_paths.add(path)

    def add_at(self, node: Node, code: str, path: str, text: str, *, suggestion: str = "", hint: str = "") -> None:
        self._append(code, node.line, node.column, node.path or path, text, suggestion, hint)
        if CATALOGUE[code].severity == "error":
            self._error_paths.add(path)

    def include(self, found: list[Finding], path: str) -> None:
        """Findings of another file, which the field at `path` names."""
        self._list.extend(found[: MAX_FINDINGS - len(self._list)])
        if any(finding.severity == "error" for finding in found):
            self._error_paths.add(path)

    def excuse(self, path: str) -> None:
        """Nothing is said about this field: what is wrong with it has been said elsewhere."""
        self._error_paths.add(path)

    def add_file(self, code: str, line: int, column: int, text: str, *, hint: str = "") -> None:
        """About the file as a whole, or its syntax."""
        self._append(code, line, column, "", text, "", hint)

    def _append(self, code: str, line: int, column: int, path: str, text: str, suggestion: str, hint: str) -> None:
        if len(self._list) < MAX_FINDINGS:
            severity = CATALOGUE[code].severity
            self._list.append(Finding(code, severity, self.file, line, column, path, text, suggestion, hint))

    def place(self, path: str) -> Place:
        while path:
            if path in self.places:
                return self.places[path]
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.places.get("", Place(0, 0))

    def _shown(self, path: str, place: Place) -> str:
        return place.path or path

    def failed(self, path: str) -> bool:
        """Whether an error was found at this path or inside it: what follows from it need not be said."""
        shown = self.place(path).path
        return self._failed_inside(path) or bool(shown and self._failed_inside(shown))

    def _failed_inside(self, path: str) -> bool:
        if path in self._error_paths:
            return True
        inside = (f"{path}.", f"{path}[")
        return any(other.startswith(inside) for other in self._error_paths)

    def sorted(self) -> list[Finding]:
        """In the order of the file, without repetitions."""
        return sorted(set(self._list), key=lambda item: (item.line, item.column, item.code, item.path, item.text))

    @property
    def has_errors(self) -> bool:
        return any(finding.severity == "error" for finding in self._list)


def nearest(word: str, names: Iterable[str]) -> str:
    """The name that was probably meant, or ""."""
    if len(word) > 80:
        return ""
    known = sorted(set(names))
    found = difflib.get_close_matches(word, known, n=1, cutoff=0.7)
    if not found and len(word) > 2:
        found = [name for name in known if name.startswith(word)]
    return found[0] if found else ""
