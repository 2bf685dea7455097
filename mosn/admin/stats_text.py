"""/stats as text and as JSON, in Envoy's forms."""

from __future__ import annotations

from typing import Any

from mosn.admin.collect import Statistics
from mosn.admin.histograms import as_json, as_text
from mosn.admin.select import Selection


def rows(statistics: Statistics, selection: Selection) -> list[tuple[str, int]]:
    """Counters and gauges by name."""
    found = [
        (block.prefix + block.columns.columns[position].suffix, block.values[position])
        for block in selection.blocks(statistics)
        for position in selection.positions(block)
    ]
    found.sort()
    return found


def text(statistics: Statistics, selection: Selection) -> str:
    lines = [f"{name}: {value}\n" for name, value in rows(statistics, selection)]
    histograms = sorted(selection.histograms(statistics), key=lambda item: item.name)
    lines += [f"{item.name}:{as_text(item, selection.buckets)}\n" for item in histograms]
    return "".join(lines)


def json_tree(statistics: Statistics, selection: Selection) -> dict[str, Any]:
    found: list[Any] = [{"name": name, "value": value} for name, value in rows(statistics, selection)]
    if histograms := sorted(selection.histograms(statistics), key=lambda item: item.name):
        found.append(as_json(histograms, selection.buckets))
    return {"stats": found}
