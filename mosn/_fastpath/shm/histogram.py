"""What a reader makes of a histogram: count, sum, percentiles, Prometheus' cumulative buckets.

Values are whole numbers in the unit in which they were recorded; the engine records all times in microseconds.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

LINEAR = 8  # values below have a bucket each; above, each power of two has this many
BUCKETS = 254


def lower_bound(bucket: int) -> int:
    """The least value that falls into this bucket."""
    if bucket < LINEAR:
        return bucket
    octave, step = divmod(bucket - LINEAR, LINEAR)
    return (LINEAR + step) << octave


LOWER_BOUNDS = [lower_bound(bucket) for bucket in range(BUCKETS)]


@dataclass(frozen=True, slots=True)
class HistogramData:
    """Numbers of one histogram, summed over workers.  `buckets[i]` counts values from LOWER_BOUNDS[i] to below
    LOWER_BOUNDS[i + 1]; the last bucket takes everything above."""

    buckets: Sequence[int]
    sum: int
    count: int

    @property
    def mean(self) -> float:
        return self.sum / self.count if self.count else 0.0

    def percentile(self, percent: float) -> float:
        """The value below which `percent` (0..100) of all values lie, interpolated inside its bucket; 0.0 if empty."""
        total = sum(self.buckets)
        wanted = total * percent / 100
        passed = 0
        for bucket, count in enumerate(self.buckets):
            if count and passed + count >= wanted:
                return _inside(bucket, (wanted - passed) / count)
            passed += count
        return 0.0

    def percentiles(self, percents: Iterable[float]) -> list[float]:
        return [self.percentile(percent) for percent in percents]

    def cumulative(self, bounds: Iterable[float]) -> list[int]:
        """For each bound, how many values are at most that (Prometheus' `le`).  A bucket that a bound cuts counts in
        proportion, so the result is exact when bounds stand on bucket limits and within 1/8 of a bound otherwise."""
        passed = list(accumulate(self.buckets, initial=0))
        return [_at_most(self.buckets, passed, bound) for bound in bounds]

    def __sub__(self, earlier: HistogramData) -> HistogramData:
        """What was recorded since `earlier` (Envoy's interval histograms)."""
        buckets = [now - before for now, before in zip(self.buckets, earlier.buckets, strict=True)]
        return HistogramData(buckets, self.sum - earlier.sum, self.count - earlier.count)


def _upper(bucket: int) -> int:
    return LOWER_BOUNDS[bucket + 1] if bucket + 1 < BUCKETS else LOWER_BOUNDS[bucket]


def _inside(bucket: int, fraction: float) -> float:
    low = LOWER_BOUNDS[bucket]
    return low + (_upper(bucket) - low) * max(0.0, min(1.0, fraction))


def _at_most(buckets: Sequence[int], passed: Sequence[int], bound: float) -> int:
    # Values are whole numbers: "at most 5" is "below 6".
    below = bound + 1
    if below <= 0:
        return 0
    if below > LOWER_BOUNDS[-1]:
        return passed[-1]
    bucket = bisect_right(LOWER_BOUNDS, below) - 1
    low = LOWER_BOUNDS[bucket]
    width = _upper(bucket) - low
    return passed[bucket] + (round(buckets[bucket] * (below - low) / width) if width else 0)
