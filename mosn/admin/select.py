"""Which statistics a request to /stats asks for."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, cast

from mosn.admin.collect import Block, Histogram, Statistics

TYPES = ("All", "Counters", "Histograms", "Gauges", "TextReadouts")
BUCKET_MODES = ("cumulative", "disjoint", "detailed", "summary")

RegexObject = importlib.import_module("mosn._fastpath.proxy.regex").RegexObject  # compiled, without a stub

Buckets = Literal["", "cumulative", "disjoint", "detailed", "summary"]


class BadQuery(ValueError):
    """A parameter that cannot be understood; the text is the answer's body."""


@dataclass(frozen=True, slots=True)
class Selection:
    matches: Callable[[str], bool] | None
    used_only: bool
    type: str
    buckets: Buckets

    @staticmethod
    def of(parameters: Mapping[str, str]) -> Selection:
        """Raises BadQuery."""
        type_ = parameters.get("type", "All")
        if type_ not in TYPES:
            raise BadQuery("invalid &type= param")
        buckets = parameters.get("histogram_buckets", "")
        if buckets and buckets not in BUCKET_MODES:
            raise BadQuery(f"usage: /stats?histogram_buckets=({'|'.join(BUCKET_MODES)})\n")
        matches = name_filter(parameters.get("filter", ""), invert="invert_filter" in parameters)
        return Selection(matches, "usedonly" in parameters, type_, cast(Buckets, buckets))

    def blocks(self, statistics: Statistics) -> list[Block]:
        wanted = {"All": ("counter", "gauge"), "Counters": ("counter",), "Gauges": ("gauge",)}.get(self.type, ())
        return [block for block in statistics.blocks if block.columns.kind in wanted]

    @property
    def everything(self) -> bool:
        """No name need be looked at."""
        return self.matches is None and not self.used_only

    def takes(self, name: str, used: bool) -> bool:
        return (used or not self.used_only) and (self.matches is None or self.matches(name))

    def histograms(self, statistics: Statistics) -> list[Histogram]:
        if self.type not in ("All", "Histograms"):
            return []
        return [item for item in statistics.histograms if self.takes(item.name, item.total.count > 0)]

    def positions(self, block: Block) -> list[int]:
        """Which values of a block are wanted."""
        if self.everything:
            return list(range(len(block.values)))
        return [
            position
            for position, value in enumerate(block.values)
            if self.takes(block.prefix + block.columns.columns[position].suffix, value != 0)
        ]


def name_filter(pattern: str, invert: bool = False) -> Callable[[str], bool] | None:
    """A test for names: the expression (RE2, whose time is linear) is searched for in them.  Raises BadQuery."""
    if not pattern:
        return None
    try:
        RegexObject(pattern)
        whole = RegexObject(f"(?s:.*)(?:{pattern})(?s:.*)")
    except ValueError as error:
        raise BadQuery(f"Invalid re2 regex: {error}") from error
    return lambda name: bool(whole.full_match(name.encode())) != invert
