"""What counting, limits and log records cost a worker.

Run: .venv/bin/python -m pytest bench/micro/test_shm.py --benchmark-only
Each round does N operations in compiled code; divide by N (the report's `per_operation_ns` does).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mosn._fastpath.shm import probe
from mosn._fastpath.shm.ring import RingReader
from mosn._fastpath.shm.segment import Segment

N = 1_000_000


@pytest.fixture
def segment() -> Iterator[Segment]:
    made = Segment.create(1)
    yield made
    made.close()


def measure(benchmark: Any, work: Callable[[], object], operations: int = N, rounds: int = 10) -> None:
    benchmark.pedantic(work, rounds=rounds, iterations=1, warmup_rounds=1)
    if benchmark.stats:
        benchmark.extra_info["per_operation_ns"] = round(benchmark.stats.stats.median / operations * 1e9, 2)


def test_count(benchmark: Any, segment: Segment) -> None:
    """Two counters a turn."""
    measure(benchmark, lambda: probe.count_many(segment, 0, 5, N), 2 * N)


def test_histogram_record(benchmark: Any, segment: Segment) -> None:
    measure(benchmark, lambda: probe.record_many(segment, 0, 1, N))


@pytest.mark.parametrize("workers", [1, 2, 8, 64])
def test_limit_take_and_give(benchmark: Any, workers: int) -> None:
    """The other workers are idle: their slots stay in this core's cache."""
    segment = Segment.create(workers)
    measure(benchmark, lambda: probe.take_and_give(segment, 0, 1, 2, 1024, N))
    segment.close()


def test_limit_take_and_give_beside_a_busy_worker(benchmark: Any) -> None:
    """Another worker takes and gives of the same limit on another core all the time."""
    segment = Segment.create(2)
    over = threading.Event()

    def other() -> None:
        while not over.is_set():
            probe.take_and_give(segment, 1, 1, 2, 1024, 100_000)

    thread = threading.Thread(target=other)
    thread.start()
    measure(benchmark, lambda: probe.take_and_give(segment, 0, 1, 2, 1024, N))
    over.set()
    thread.join()
    segment.close()


@pytest.mark.parametrize("size", [64, 300])
def test_ring_put(benchmark: Any, segment: Segment, size: int) -> None:
    count = 4_000_000 // (size + 8) // 2
    reader = RingReader(segment, 0)
    data = b"x" * size

    def work() -> None:
        assert probe.put_many(segment, 0, data, count) == count

    benchmark.pedantic(work, setup=lambda: reader.read() and None, rounds=30, iterations=1, warmup_rounds=1)
    if benchmark.stats:
        benchmark.extra_info["per_operation_ns"] = round(benchmark.stats.stats.median / count * 1e9, 2)


def test_ring_read(benchmark: Any, segment: Segment) -> None:
    reader = RingReader(segment, 0)
    count = 10_000
    data = b"x" * 300

    def fill() -> None:
        reader.read()
        probe.put_many(segment, 0, data, count)

    benchmark.pedantic(reader.read, setup=fill, rounds=20, iterations=1)
    if benchmark.stats:
        benchmark.extra_info["per_operation_ns"] = round(benchmark.stats.stats.median / count * 1e9, 2)


def test_read_all_counters_of_100_clusters(benchmark: Any, segment: Segment) -> None:
    benchmark(segment.counters, 1, 100 * 55)
