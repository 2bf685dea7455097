"""Statistics in Prometheus' text exposition format 0.0.4, with Envoy's families and labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mosn.admin.collect import Block, Histogram, Statistics
from mosn.admin.histograms import BOUNDS_MS, QUANTILES, UNIT, cumulative, quantiles
from mosn.admin.names import Columns, join_labels
from mosn.admin.select import Selection

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def exposition(statistics: Statistics, selection: Selection) -> Iterator[str]:
    """Pieces of the text, one family each: counters, then gauges, then histograms, each by name."""
    blocks = selection.blocks(statistics)
    for kind in ("counter", "gauge"):
        yield from _families(kind, [block for block in blocks if block.columns.kind == kind], selection)
    yield from _histogram_families(selection.histograms(statistics), summary=selection.buckets == "summary")


def _families(kind: str, blocks: list[Block], selection: Selection) -> Iterator[str]:
    members: dict[str, list[tuple[list[Block], int]]] = {}
    for columns, group in _by_columns(blocks).items():
        for position, column in enumerate(columns.columns):
            members.setdefault(column.family, []).append((group, position))
    for family, parts in sorted(members.items()):
        lines = [line for group, position in parts for line in _samples(group, position, selection)]
        if lines:
            yield f"# TYPE {family} {kind}\n{''.join(lines)}"


def _by_columns(blocks: Iterable[Block]) -> dict[Columns, list[Block]]:
    groups: dict[Columns, list[Block]] = {}
    for block in blocks:
        groups.setdefault(block.columns, []).append(block)
    return groups


def _samples(group: list[Block], position: int, selection: Selection) -> Iterator[str]:
    """The lines of one statistic over all scopes that have it."""
    column = group[0].columns.columns[position]
    for block in group:
        value = block.values[position]
        if selection.everything or selection.takes(block.prefix + column.suffix, value != 0):
            yield f"{column.family}{{{join_labels((column.label, block.label))}}} {value}\n"


def _histogram_families(histograms: list[Histogram], summary: bool) -> Iterator[str]:
    members: dict[str, list[Histogram]] = {}
    for histogram in histograms:
        members.setdefault(histogram.family, []).append(histogram)
    for family, group in sorted(members.items()):
        form = _summary if summary else _buckets
        lines = [line for histogram in group for line in (*form(histogram), *_sum_and_count(histogram))]
        yield f"# TYPE {family} {'summary' if summary else 'histogram'}\n{''.join(lines)}"


def _buckets(histogram: Histogram) -> Iterator[str]:
    counts = cumulative(histogram.total)
    for bound, count in zip(BOUNDS_MS, counts, strict=True):
        yield _sample(histogram, "_bucket", f'le="{bound}"', count)
    yield _sample(histogram, "_bucket", 'le="+Inf"', histogram.total.count)


def _summary(histogram: Histogram) -> Iterator[str]:
    for quantile, value in zip(QUANTILES, quantiles(histogram.total), strict=True):
        yield _sample(histogram, "", f'quantile="{quantile / 100:g}"', "NaN" if value is None else value)


def _sum_and_count(histogram: Histogram) -> Iterator[str]:
    yield _sample(histogram, "_sum", "", f"{histogram.total.sum / UNIT:.17g}")
    yield _sample(histogram, "_count", "", histogram.total.count)


def _sample(histogram: Histogram, suffix: str, label: str, value: object) -> str:
    return f"{histogram.family}{suffix}{{{join_labels((histogram.label, label))}}} {value}\n"
