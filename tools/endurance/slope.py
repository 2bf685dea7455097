"""Whether a series of samples is flat: a least-squares line through it must not rise by more than an allowance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WARM_UP = 0.25
"""Share of the samples that are left out at the beginning: pools and caches fill there."""

MIB = 1024 * 1024
FEW = 20


@dataclass(frozen=True)
class Trend:
    """A fitted line: its height in the middle, and what it rises by from the first to the last sample."""

    level: float
    rise: float


def fit(samples: Sequence[float]) -> Trend:
    """Fit a line to samples taken at equal distances, without the warm-up.  ValueError for fewer than four."""
    kept = samples[int(len(samples) * WARM_UP) :]
    if len(kept) < 4:
        raise ValueError(f"a trend needs four samples after the warm-up, there are {len(kept)}; soak for longer")
    middle = (len(kept) - 1) / 2
    level = sum(kept) / len(kept)
    slope = sum((index - middle) * (value - level) for index, value in enumerate(kept))
    slope /= sum((index - middle) ** 2 for index in range(len(kept)))
    return Trend(level, slope * (len(kept) - 1))


def memory_is_flat(trend: Trend, samples: int = FEW) -> bool:
    """Resident bytes: three in a hundred, or two MiB for small processes, is noise; twice that when a single reload
    stands out because there are few samples."""
    allowance = max(0.03 * trend.level, 2 * MIB)
    return trend.rise <= (allowance if samples >= FEW else 2 * allowance)


def descriptors_are_flat(trend: Trend) -> bool:
    """A worker keeps up to 16 pipes for splicing, which fill up whenever bodies happen to meet."""
    return trend.rise <= max(0.05 * trend.level, 32)
