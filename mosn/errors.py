"""Errors and findings that every layer may use.

A *finding* is one remark about one place of a configuration; a load collects all of them before it fails.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

Severity = Literal["error", "warning", "note"]


class MosnError(Exception):
    """Base of the errors that a user is told about without a traceback."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark.  `line` and `column` count from 1 (0: the place is not known); `path` is the field's path in the
    file as the user wrote it (`static_resources.listeners[0].name`); `code` is explained by `mosn explain CODE`."""

    code: str
    severity: Severity
    file: str
    line: int
    column: int
    path: str
    text: str
    suggestion: str = ""
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        where = f"{self.path}: " if self.path else ""
        return f"{place} {self.code} {where}{self.text}{self._advice()}"

    def _advice(self) -> str:
        if self.suggestion:
            return f' (did you mean "{self.suggestion}"?)'
        return f" ({self.hint})" if self.hint else ""

    def as_dict(self) -> dict[str, str | int]:
        return asdict(self)


class ConfigError(MosnError):
    """A configuration that cannot be used; `findings` says everything that is wrong with it."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = list(findings)
        errors = [finding for finding in self.findings if finding.severity == "error"]
        super().__init__("\n".join(map(str, errors)))
