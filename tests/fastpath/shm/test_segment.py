"""Counters, gauges and worker status in shared memory, over real processes."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from mosn._fastpath.shm import probe
from mosn._fastpath.shm.segment import Segment
from tests.fastpath.shm.children import Child, run_all, wait_until

LAYOUT_AT = 8


@pytest.fixture
def scratch_fd() -> Iterator[int]:
    fd = os.memfd_create("scratch")
    yield fd
    os.close(fd)


def test_everything_starts_at_zero(segment: Segment) -> None:
    assert segment.counters(0, 100) == [0] * 100
    assert segment.gauges(0, 100) == [0] * 100
    assert segment.histogram(1).count == 0
    assert segment.limit(1, 0) == 0
    assert segment.status(0).state == "none"


def test_counters_of_eight_processes_sum_exactly(segment: Segment) -> None:
    run_all(partial(probe.count_many, segment, worker, 5, 100_000 + worker) for worker in range(8))
    assert segment.counter(5) == sum(100_000 + worker for worker in range(8))
    assert segment.worker_counter(3, 5) == 100_003


def test_counters_never_go_back_when_workers_die_and_are_replaced(segment: Segment) -> None:
    """A reader sees a counter only grow while its worker is killed again and again in the middle of counting."""
    last = 0
    for _ in range(10):
        child = Child(lambda: probe.count_many(segment, 2, 5, 1 << 60))
        before = last

        def grew(before: int = before) -> bool:
            nonlocal last
            now = segment.counter(5)
            assert now >= last
            last = now
            return now > before + 1000

        wait_until(grew)
        child.kill()
        segment.clear_worker(2)
        assert segment.counter(5) >= last
        last = segment.counter(5)


def test_clear_worker_zeroes_what_dies_with_it(segment: Segment) -> None:
    for worker in (0, 1):
        probe.add_gauge(segment, worker, 7, 3)
        probe.count_many(segment, worker, 7, 10)
        probe.record(segment, worker, 7, [5])
        probe.set_status(segment, worker, 2)
        assert probe.take(segment, worker, 4, 1, 10)
    segment.clear_worker(0)
    assert segment.gauge(7) == 3
    assert segment.limit(4, 1) == 1
    assert segment.status(0).pid == 0
    assert segment.status(1).state == "serving"
    assert segment.counter(7) == 20
    assert segment.histogram(7).count == 2


def test_clearing_reaches_other_mappings(segment: Segment) -> None:
    probe.add_gauge(segment, 0, 7, 3)
    other = Segment.attach(os.dup(segment.fd))
    assert other.gauge(7) == 3
    segment.clear_worker(0)
    assert other.gauge(7) == 0
    probe.add_gauge(segment, 0, 7, 2)
    assert other.gauge(7) == 2
    other.close()


def test_gauges_may_be_negative_in_one_worker(segment: Segment) -> None:
    probe.add_gauge(segment, 0, 9, -5)
    probe.add_gauge(segment, 1, 9, 8)
    assert segment.gauges(8, 2) == [0, 3]


def test_an_attached_segment_is_the_same_memory(segment: Segment) -> None:
    other = Segment.attach(os.dup(segment.fd))
    probe.count_many(other, 1, 77, 5)
    assert segment.counter(77) == 5
    assert other.workers == 8
    other.close()


def test_a_region_beyond_the_first_workers_counts_too(segment: Segment) -> None:
    """During an upgrade new workers take regions of their own."""
    assert segment.regions_in_use == 8
    probe.count_many(segment, 11, 5, 3)
    assert segment.regions_in_use == 12
    assert segment.counter(5) == 3


def test_claim_region_gives_out_what_nobody_uses(segment: Segment) -> None:
    assert [segment.claim_region() for _ in range(3)] == [0, 1, 2]
    segment.clear_worker(1)
    assert segment.claim_region() == 1
    assert segment.status(1).state == "starting"
    for _ in range(61):
        segment.claim_region()
    with pytest.raises(RuntimeError, match="all 64 regions"):
        segment.claim_region()


def test_status_says_what_the_worker_wrote(segment: Segment) -> None:
    probe.set_status(segment, 3, 3, heartbeat_us=123, loop_max_us=45)
    status = segment.status(3)
    assert (status.pid, status.heartbeat_us, status.loop_max_us, status.state) == (os.getpid(), 123, 45, "draining")
    segment.clear_loop_max(3)
    assert segment.status(3).loop_max_us == 0


def test_reset_counters_lets_every_reader_start_at_zero(segment: Segment) -> None:
    other = Segment.attach(os.dup(segment.fd))
    probe.count_many(segment, 0, 5, 10)
    probe.count_many(segment, 1, 2_000_000, 7)
    probe.add_gauge(segment, 0, 5, 4)
    segment.reset_counters()
    assert (other.counter(5), other.counter(2_000_000), other.gauge(5)) == (0, 0, 4)
    probe.count_many(segment, 1, 5, 3)
    assert other.counters(4, 2) == [0, 3]
    segment.reset_counters()
    assert segment.counter(5) == 0
    other.close()


def test_untouched_memory_costs_nothing(segment: Segment) -> None:
    """The segment is gigabytes long; a worker that counts a little has a few pages."""
    run_all(partial(probe.count_many, segment, worker, 5, 10) for worker in range(8))
    segment.reset_counters()
    status = os.fstat(segment.fd)
    assert status.st_size > 1 << 32
    assert status.st_blocks * 512 < 1 << 20


@pytest.mark.parametrize(
    "read",
    [
        lambda segment: segment.counter(2097152),
        lambda segment: segment.counter(-1),
        lambda segment: segment.counters(2097150, 3),
        lambda segment: segment.gauge(1 << 40),
        lambda segment: segment.histogram(32768),
        lambda segment: segment.limit(65280, 0),
        lambda segment: segment.limit(0, 4),
        lambda segment: segment.status(64),
        lambda segment: segment.clear_worker(-1),
    ],
)
def test_reading_outside_of_a_table_is_an_error(segment: Segment, read: Callable[[Segment], object]) -> None:
    with pytest.raises(IndexError, match="outside"):
        read(segment)


def test_a_closed_segment_says_so() -> None:
    segment = Segment.create(1)
    segment.close()
    segment.close()
    with pytest.raises(ValueError, match="closed"):
        segment.counter(1)
    with pytest.raises(ValueError, match="closed"):
        segment.claim_region()


@pytest.mark.parametrize("workers", [0, 65, -1])
def test_create_checks_the_number_of_workers(workers: int) -> None:
    with pytest.raises(ValueError, match="1 to 64"):
        Segment.create(workers)


def test_attach_names_another_layout(segment: Segment) -> None:
    os.pwrite(segment.fd, struct.pack("=I", 99), LAYOUT_AT)
    copy = os.dup(segment.fd)
    with pytest.raises(ValueError, match="layout version 99, this program reads 1"):
        Segment.attach(copy)
    os.close(copy)


@pytest.mark.parametrize(("size", "text"), [(0, "too few"), (100, "too few"), (8192, "magic")])
def test_attach_refuses_what_is_no_segment(scratch_fd: int, size: int, text: str) -> None:
    os.ftruncate(scratch_fd, size)
    with pytest.raises(ValueError, match=text):
        Segment.attach(scratch_fd)
    os.fstat(scratch_fd)


def test_nobody_can_cut_the_segment_short(segment: Segment) -> None:
    with pytest.raises(PermissionError):
        os.ftruncate(segment.fd, 4096)


def test_segments_are_made_by_name_only() -> None:
    with pytest.raises(TypeError, match=r"Segment\.create"):
        Segment()
