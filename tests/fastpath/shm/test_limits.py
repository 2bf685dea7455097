"""Limits over all workers of a box: never exceeded, nothing lost when a worker is killed."""

from __future__ import annotations

from functools import partial

import pytest

from mosn._fastpath.shm import probe
from mosn._fastpath.shm.segment import Segment
from tests.fastpath.shm.children import Child, run_all, wait_until

ROW, KIND, MAXIMUM = 3, 2, 3
HOLDERS = 4000  # a slot that no row of these tests uses


def hammer(segment: Segment, worker: int, maximum: int = MAXIMUM, n: int = 1_000_000) -> None:
    taken, most = probe.most_out(segment, worker, ROW, KIND, maximum, n, HOLDERS)
    assert most <= maximum
    probe.count_many(segment, worker, 1, taken)


def test_the_last_one_is_refused_whoever_holds_the_others(segment: Segment) -> None:
    assert [probe.take(segment, worker, ROW, KIND, MAXIMUM) for worker in range(5)] == [True] * 3 + [False] * 2
    assert segment.limit(ROW, KIND) == 3
    probe.give(segment, 1, ROW, KIND)
    assert probe.take(segment, 4, ROW, KIND, MAXIMUM)
    assert not probe.take(segment, 1, ROW, KIND, MAXIMUM)


def test_one_worker_alone() -> None:
    segment = Segment.create(1)
    assert [probe.take(segment, 0, ROW, KIND, 2) for _ in range(3)] == [True, True, False]
    probe.give(segment, 0, ROW, KIND)
    assert segment.limit(ROW, KIND) == 1
    segment.close()


def test_a_limit_of_zero_refuses(segment: Segment) -> None:
    assert not probe.take(segment, 0, ROW, KIND, 0)
    assert segment.limit(ROW, KIND) == 0


def test_rows_and_kinds_are_apart(segment: Segment) -> None:
    assert probe.take(segment, 0, ROW, 0, 1)
    assert probe.take(segment, 0, ROW, 1, 1)
    assert probe.take(segment, 0, ROW + 1, 0, 1)
    assert [segment.limit(ROW, kind) for kind in range(4)] == [1, 1, 0, 0]


def test_eight_processes_never_hold_more_than_the_maximum(segment: Segment) -> None:
    run_all(partial(hammer, segment, worker) for worker in range(8))
    assert segment.limit(ROW, KIND) == 0
    assert segment.counter(1) > 1000


def test_two_processes_never_both_hold_the_only_one(segment: Segment) -> None:
    """The narrowest race there is: fails in many runs when raising the own slot is a plain store."""
    run_all(partial(hammer, segment, worker, 1, 5_000_000) for worker in range(2))
    assert segment.limit(ROW, KIND) == 0


def test_nothing_leaks_when_workers_are_killed(segment: Segment) -> None:
    """Killed while taking and giving; after clear_worker the whole limit is there again."""
    for _ in range(5):
        work = [partial(probe.take_and_give, segment, worker, ROW, KIND, MAXIMUM, 1 << 60) for worker in range(8)]
        children = [Child(each) for each in work]
        wait_until(lambda: segment.limit(ROW, KIND) > 0)
        for worker, child in enumerate(children):
            child.kill()
            segment.clear_worker(worker)
        assert segment.limit(ROW, KIND) == 0
    assert [probe.take(segment, 0, ROW, KIND, MAXIMUM) for _ in range(4)] == [True] * 3 + [False]


@pytest.mark.parametrize("holders", [1, 2])
def test_a_dead_worker_s_share_counts_until_it_is_cleared(segment: Segment, holders: int) -> None:
    for _ in range(holders):
        Child(lambda: probe.take(segment, 1, ROW, KIND, MAXIMUM)).join()
    assert segment.limit(ROW, KIND) == holders
    segment.clear_worker(1)
    assert segment.limit(ROW, KIND) == 0
