"""Command operators, compiled."""

from collections.abc import Sequence
from typing import Any

class FormatObject:
    def __init__(self, text: str) -> None:
        """Raises ValueError naming the operator for what Envoy rejects."""
    @staticmethod
    def json(pairs: Sequence[tuple[str, Any]] | dict[str, Any], omit_empty: bool = False) -> FormatObject:
        """A JSON line of (key, format, nested pairs, list or number), keys sorted as Envoy sorts them."""
