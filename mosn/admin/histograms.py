"""Histograms in the forms that Envoy's /stats has for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mosn._fastpath.shm.histogram import LOWER_BOUNDS, HistogramData
from mosn.admin.collect import Histogram
from mosn.admin.select import Buckets

QUANTILES = (0, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 100)

BOUNDS_MS = (
    0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, 300000, 600000, 1800000, 3600000,
)  # fmt: skip
"""Envoy's default bucket limits."""

UNIT = 1000
"""Microseconds, which are recorded, in a millisecond, which Envoy's names promise."""

NOTHING = "No recorded values"


def quantiles(data: HistogramData) -> list[float | None]:
    """In milliseconds; None when nothing was recorded."""
    if not data.count:
        return [None] * len(QUANTILES)
    return [round(data.percentile(quantile) / UNIT, 6) for quantile in QUANTILES]


def cumulative(data: HistogramData) -> list[int]:
    return data.cumulative([bound * UNIT for bound in BOUNDS_MS])


def disjoint(data: HistogramData) -> list[int]:
    counts = cumulative(data)
    return [after - before for before, after in zip([0, *counts], counts, strict=False)]


def as_text(histogram: Histogram, mode: Buckets) -> str:
    """What follows "NAME: " (or "NAME:" in the detailed mode)."""
    if not histogram.total.count:
        return f" {NOTHING}"
    if mode in ("cumulative", "disjoint"):
        return f" {_bucket_text(histogram, mode)}"
    if mode == "detailed":
        totals, intervals = (_raw_text(data) for data in (histogram.total, histogram.interval))
        return f"\n  totals={totals}\n  intervals={intervals}\n  summary={_quantile_text(histogram)}"
    return f" {_quantile_text(histogram)}"


def _quantile_text(histogram: Histogram) -> str:
    pairs = zip(QUANTILES, quantiles(histogram.interval), quantiles(histogram.total), strict=True)
    return " ".join(f"P{quantile:g}({number(interval)},{number(total)})" for quantile, interval, total in pairs)


def _bucket_text(histogram: Histogram, mode: Buckets) -> str:
    counts = cumulative if mode == "cumulative" else disjoint
    rows = zip(BOUNDS_MS, counts(histogram.interval), counts(histogram.total), strict=True)
    return " ".join(f"B{bound:g}({interval},{total})" for bound, interval, total in rows)


def _raw_text(data: HistogramData) -> str:
    return ", ".join(f"{low:g},{width:g}:{count}" for low, width, count in _raw(data))


def _raw(data: HistogramData) -> list[tuple[float, float, int]]:
    """(lower bound, width, count) of every bucket that holds something, in milliseconds."""
    uppers = [*LOWER_BOUNDS[1:], LOWER_BOUNDS[-1]]
    rows = zip(LOWER_BOUNDS, uppers, data.buckets, strict=True)
    return [(low / UNIT, (upper - low) / UNIT, count) for low, upper, count in rows if count]


def number(value: float | None) -> str:
    return "nan" if value is None else f"{value:g}"


def as_json(histograms: Sequence[Histogram], mode: Buckets) -> dict[str, Any]:
    """The element of "stats" that holds all histograms."""
    if mode in ("cumulative", "disjoint"):
        counts = cumulative if mode == "cumulative" else disjoint
        return {"histograms": [{"name": item.name, "buckets": _bucket_rows(item, counts)} for item in histograms]}
    if mode == "detailed":
        details = [_detail(item) for item in histograms]
        return {"histograms": {"supported_percentiles": QUANTILES, "details": details}}
    computed = [{"name": item.name, "values": _pairs(item)} for item in histograms]
    return {"histograms": {"supported_quantiles": QUANTILES, "computed_quantiles": computed}}


def _pairs(histogram: Histogram) -> list[dict[str, float | None]]:
    pairs = zip(quantiles(histogram.total), quantiles(histogram.interval), strict=True)
    return [{"cumulative": total, "interval": interval} for total, interval in pairs]


def _bucket_rows(histogram: Histogram, counts: Any) -> list[dict[str, float]]:
    rows = zip(BOUNDS_MS, counts(histogram.interval), counts(histogram.total), strict=True)
    return [{"upper_bound": bound, "interval": interval, "cumulative": total} for bound, interval, total in rows]


def _detail(histogram: Histogram) -> dict[str, Any]:
    keys = ("lower_bound", "width", "count")
    totals, intervals = (
        [dict(zip(keys, row, strict=True)) for row in _raw(data)] for data in (histogram.total, histogram.interval)
    )
    return {"name": histogram.name, "totals": totals, "intervals": intervals, "percentiles": _pairs(histogram)}
