"""How requests are divided among priorities (Envoy's arch overview, "Priority levels" and "Panic threshold")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

OVERPROVISIONING = 140
"""Percent.  A priority takes all requests that are meant for it as long as 1 / 1.4 of its hosts are healthy."""


@dataclass(frozen=True, slots=True)
class PriorityHosts:
    """How many hosts of one priority there are; draining hosts count as unhealthy."""

    total: int
    healthy: int
    degraded: int

    @property
    def availability(self) -> tuple[int, int]:
        """Healthy and degraded availability in percent, overprovisioned and capped at 100."""
        if not self.total:
            return 0, 0
        healthy = min(100, OVERPROVISIONING * self.healthy // self.total)
        return healthy, min(100, OVERPROVISIONING * self.degraded // self.total)

    def below(self, panic_threshold: int) -> bool:
        percent = 100.0 * (self.healthy + self.degraded) / self.total if self.total else 0.0
        return percent < panic_threshold


@dataclass(frozen=True, slots=True)
class PriorityLoads:
    """Percent of requests for the healthy and for the degraded hosts of each priority; together 100."""

    healthy: list[int]
    degraded: list[int]
    panic: list[bool]


def priority_loads(levels: Sequence[PriorityHosts], panic_threshold: int) -> PriorityLoads:
    """Divide the load among priorities 0, 1, ...  `panic_threshold` in percent, 0 turns panic off."""
    healthy, degraded, available = _by_availability(levels)
    if panic_threshold == 0 and available == 0:
        return PriorityLoads([100, *healthy[1:]], degraded, [False] * len(levels))
    panic = [available < 100 and level.below(panic_threshold) for level in levels]
    if all(panic):
        return PriorityLoads(_by_size(levels), [0] * len(levels), panic)
    return PriorityLoads(healthy, degraded, panic)


def _by_availability(levels: Sequence[PriorityHosts]) -> tuple[list[int], list[int], int]:
    healthy = [level.availability[0] for level in levels]
    degraded = [level.availability[1] for level in levels]
    available = min(100, sum(healthy) + sum(degraded))
    if available == 0:
        return healthy, degraded, 0
    healthy_loads, left = _share(healthy, 100, available)
    degraded_loads, left = _share(degraded, left, available)
    # What rounding left over goes to the first priority that has anybody.
    first = healthy_loads if any(healthy) else degraded_loads
    first[next(i for i, share in enumerate(healthy if any(healthy) else degraded) if share)] += left
    return healthy_loads, degraded_loads, available


def _share(availability: Sequence[int], load: int, available: int) -> tuple[list[int], int]:
    loads = []
    for percent in availability:
        loads.append(min(load, percent * 100 // available))
        load -= loads[-1]
    return loads, load


def _by_size(levels: Sequence[PriorityHosts]) -> list[int]:
    # Every priority is in panic: health says nothing any more, so the number of hosts decides.
    total = sum(level.total for level in levels)
    if total == 0:
        return [100, *[0] * (len(levels) - 1)]
    loads = [100 * level.total // total for level in levels]
    loads[next(i for i, level in enumerate(levels) if level.total)] += 100 - sum(loads)
    return loads
