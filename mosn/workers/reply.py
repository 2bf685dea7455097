"""Where the result of a control command goes: to a client of the control socket or to the admin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

DONE, NOT_DONE, BAD = 0, 1, 2
"""Exit codes of the command line."""


class Reply:
    """`finish(code, body, error, findings)` is called once; later results are dropped."""

    def __init__(
        self,
        finish: Callable[[int, dict[str, Any], str, list[dict[str, Any]]], None],
        progress: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._finish = finish
        self._progress = progress
        self.finished = False

    def progress(self, text: str) -> None:
        if not self.finished:
            self._progress(text)

    def done(self, **body: Any) -> None:
        self._end(DONE, body, "", [])

    def failed(self, code: int, error: str, findings: Sequence[dict[str, Any]] = ()) -> None:
        self._end(code, {}, error, list(findings))

    def _end(self, code: int, body: dict[str, Any], error: str, findings: list[dict[str, Any]]) -> None:
        if not self.finished:
            self.finished = True
            self._finish(code, body, error, findings)
