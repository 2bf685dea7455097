"""Histograms: where values go, and what readers make of them."""

from __future__ import annotations

import itertools
import random
from functools import partial

import pytest

from mosn._fastpath.shm import probe
from mosn._fastpath.shm.histogram import BUCKETS, LOWER_BOUNDS, HistogramData
from mosn._fastpath.shm.segment import Segment
from tests.fastpath.shm.children import run_all


def recorded(segment: Segment, values: list[int], index: int = 1) -> HistogramData:
    probe.record(segment, 0, index, values)
    return segment.histogram(index)


def test_python_and_compiled_code_agree_on_buckets() -> None:
    assert [probe.bound_of(bucket) for bucket in range(BUCKETS)] == LOWER_BOUNDS


def test_every_value_falls_between_its_bucket_s_bounds() -> None:
    numbers = random.Random(1)
    values = [*range(5000), *(numbers.getrandbits(bits) for bits in range(1, 34) for _ in range(50))]
    for value in values:
        bucket = probe.bucket_of(value)
        assert LOWER_BOUNDS[bucket] <= value
        assert bucket == BUCKETS - 1 or value < LOWER_BOUNDS[bucket + 1]


@pytest.mark.parametrize("value", [13 << 30, (1 << 64) - 1])
def test_the_last_bucket_takes_everything_above(value: int) -> None:
    assert probe.bucket_of(value) == BUCKETS - 1


def test_buckets_are_at_most_an_eighth_wide() -> None:
    for low, high in itertools.pairwise(LOWER_BOUNDS[8:]):
        assert (high - low) / low <= 1 / 8


def test_workers_sum_up(segment: Segment) -> None:
    run_all(partial(probe.record_many, segment, worker, 3, 10_000) for worker in range(8))
    data = segment.histogram(3)
    assert data.count == sum(data.buckets) == 80_000
    assert data.sum == 8 * sum(range(10_000))
    assert data.mean == pytest.approx(4999.5)


def test_percentiles_of_known_values(segment: Segment) -> None:
    data = recorded(segment, list(range(100_000)))
    for percent in (0, 10, 25, 50, 75, 90, 98):
        assert data.percentile(percent) == pytest.approx(percent * 1000, rel=0.01, abs=1)
    # The bucket that holds the greatest values is not full.
    assert data.percentile(100) == pytest.approx(100_000, rel=1 / 8)
    assert data.percentiles([50, 99]) == [data.percentile(50), data.percentile(99)]


def test_percentiles_of_one_value(segment: Segment) -> None:
    data = recorded(segment, [5])
    assert 5 <= data.percentile(50) <= 6


def test_an_empty_histogram(segment: Segment) -> None:
    data = segment.histogram(1)
    assert (data.percentile(99), data.mean, data.cumulative([0, 10])) == (0.0, 0.0, [0, 0])


def test_cumulative_counts_are_exact_on_bucket_limits(segment: Segment) -> None:
    values = [0, 1, 2, 7, 7, 8, 9, 15, 16, 100, 1000, 5000]
    data = recorded(segment, values)
    for bound in (-1, 0, 1, 5, 7, 8, 15, 17, 4095):
        assert data.cumulative([bound]) == [sum(value <= bound for value in values)]
    assert data.cumulative([float("inf")]) == [len(values)]


def test_cumulative_counts_never_go_back(segment: Segment) -> None:
    numbers = random.Random(2)
    data = recorded(segment, [int(numbers.expovariate(1e-4)) for _ in range(10_000)])
    counts = data.cumulative([500, 1000, 5000, 10_000, 25_000, 50_000, 100_000, 1_000_000])
    assert counts == sorted(counts)
    assert counts[3] == pytest.approx(10_000 * (1 - 2.718281828**-1), rel=0.03)


def test_the_difference_is_an_interval(segment: Segment) -> None:
    before = recorded(segment, [1, 2, 3])
    interval = recorded(segment, [100, 200]) - before
    assert (interval.count, interval.sum) == (2, 300)
    assert interval.percentile(0) >= 96
