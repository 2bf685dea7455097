"""The record ring between a worker and the controller."""

from __future__ import annotations

import os
import select
import struct
import time
from collections.abc import Iterator
from functools import partial

import pytest

from mosn._fastpath.shm import probe
from mosn._fastpath.shm.ring import RingReader
from mosn._fastpath.shm.segment import Segment
from tests.fastpath.shm.children import Child, wait_until

RING_BYTES = 4194304


@pytest.fixture
def eventfd() -> Iterator[int]:
    fd = os.eventfd(0, os.EFD_NONBLOCK)
    yield fd
    os.close(fd)


def check_order(records: list[tuple[int, int, bytes]], expected: int) -> int:
    """Records are numbered from `expected` on; returns the next number.  All bytes of only some are compared, as that
    takes longer than everything else."""
    for place, record in enumerate(records):
        number = struct.unpack_from("=Q", record[2])[0] if place % 37 else number_of(record)
        assert number == expected + place
    return expected + len(records)


def number_of(record: tuple[int, int, bytes]) -> int:
    """The number of a record of probe.put_numbers, after checking all of it."""
    kind, sink, data = record
    number: int = struct.unpack_from("=Q", data)[0]
    assert (kind, sink, len(data)) == (number & 0xFFFF, 7, 8 + number % 200)
    assert data[8:] == bytes((number + i) & 0xFF for i in range(8, len(data)))
    return number


def test_a_record_comes_out_as_it_went_in(segment: Segment) -> None:
    reader = RingReader(segment, 1)
    for data in (b"", b"x", b"seven b", b"eight by", b"nine byte", bytes(range(256)) * 100):
        assert probe.put(segment, 1, 40000, 65535, data)
        assert reader.read() == [(40000, 65535, data)]
    assert reader.read() == []
    assert (reader.written, reader.dropped, reader.waiting_bytes) == (6, 0, 0)


def test_reading_stops_at_max_bytes(segment: Segment) -> None:
    reader = RingReader(segment, 0)
    for number in range(10):
        probe.put(segment, 0, number, 0, b"x" * 92)
    assert [len(reader.read(max_bytes)) for max_bytes in (1, 104, 208, 10_000)] == [1, 1, 2, 6]


def test_a_million_records_arrive_in_order(segment: Segment) -> None:
    count = 1_000_000
    child = Child(lambda: probe.put_numbers(segment, 0, 0, count))
    reader = RingReader(segment, 0)
    expected = 0
    deadline = time.monotonic() + 120
    while expected < count:
        assert time.monotonic() < deadline
        expected = check_order(reader.read(), expected)
    child.join()
    assert reader.written == count


def test_what_finds_no_room_is_counted(segment: Segment) -> None:
    reader = RingReader(segment, 0)
    data = b"x" * 1000
    stored = sum(probe.put(segment, 0, 1, 1, data) for _ in range(5000))
    assert stored == RING_BYTES // 1008
    assert (reader.written, reader.dropped) == (stored, 5000 - stored)
    assert len(reader.read()) == stored
    assert probe.put_many(segment, 0, data, 100) == 100


def test_sent_and_dropped_are_all_attempts_under_load(segment: Segment) -> None:
    """The producer never waits; the consumer is too slow on purpose."""
    attempts = 2_000_000
    child = Child(lambda: probe.put_numbers(segment, 0, 0, attempts, wait=False))
    reader = RingReader(segment, 0)
    seen, last = 0, -1
    while reader.written + reader.dropped < attempts or reader.waiting_bytes:
        for record in reader.read(10_000):
            number = struct.unpack_from("=Q", record[2])[0]
            assert number > last
            last = number
            seen += 1
    child.join()
    assert reader.written == seen
    assert seen + reader.dropped == attempts
    assert reader.dropped > 0


def test_a_record_larger_than_the_ring_is_dropped(segment: Segment) -> None:
    reader = RingReader(segment, 0)
    assert not probe.put(segment, 0, 1, 1, b"x" * RING_BYTES)
    assert probe.put(segment, 0, 1, 1, b"x" * (RING_BYTES - 8))
    assert len(reader.read()[0][2]) == RING_BYTES - 8
    assert reader.dropped == 1


def test_a_new_consumer_goes_on_where_the_last_one_stopped(segment: Segment) -> None:
    for number in range(10):
        probe.put(segment, 0, number, 0, b"record")
    assert [kind for kind, _, _ in RingReader(segment, 0).read(3 * 16)] == [0, 1, 2]
    other = Segment.attach(os.dup(segment.fd))
    assert [kind for kind, _, _ in RingReader(other, 0).read()] == list(range(3, 10))
    other.close()


def test_a_producer_killed_while_writing_leaves_whole_records(segment: Segment) -> None:
    reader = RingReader(segment, 0)
    read = 0
    for start in range(0, 40_000_000, 1_000_000):
        child = Child(partial(probe.put_numbers, segment, 0, start, 1_000_000))
        expected = start
        while expected < start + 2000:
            expected = check_order(reader.read(50_000), expected)
        child.kill()
        read += check_order(reader.read(), expected) - start
    # A producer may die after it counted a record and before it published it.
    assert read <= reader.written <= read + 40
    assert reader.corrupt == 0


def test_a_broken_writer_cannot_break_the_reader(segment: Segment) -> None:
    reader = RingReader(segment, 0)
    probe.put(segment, 0, 1, 1, b"good")
    head_at = 4096 + ring_offset(segment)
    os.pwrite(segment.fd, struct.pack("=I", 0xFFFFFFFF), head_at)
    assert reader.read() == []
    assert reader.corrupt == 1
    probe.put(segment, 0, 1, 1, b"again")
    assert reader.read() == [(1, 1, b"again")]


def ring_offset(segment: Segment) -> int:
    """Where the bytes of worker 0's ring start in its region: found by what was written there."""
    at = os.lseek(segment.fd, 4096, os.SEEK_DATA)
    while True:
        page = os.pread(segment.fd, 4096, at)
        if page[8:12] == b"good":
            return at - 4096
        at = os.lseek(segment.fd, at + 4096, os.SEEK_DATA)


def test_an_idle_consumer_sleeps_until_the_next_record(segment: Segment, eventfd: int) -> None:
    segment.set_wake_fd(0, eventfd)
    reader = RingReader(segment, 0, eventfd)
    probe.put(segment, 0, 1, 1, b"before")
    assert select.select([eventfd], [], [], 0)[0] == []
    assert not reader.sleep()
    assert len(reader.read()) == 1
    assert reader.sleep()
    probe.put(segment, 0, 1, 1, b"one")
    probe.put(segment, 0, 1, 1, b"two")
    assert os.eventfd_read(reader.wake_fd) == 1
    assert reader.wakes == 1
    assert len(reader.read()) == 2


def test_a_consumer_may_wake_by_itself(segment: Segment, eventfd: int) -> None:
    segment.set_wake_fd(0, eventfd)
    reader = RingReader(segment, 0, eventfd)
    assert reader.sleep()
    reader.wake()
    probe.put(segment, 0, 1, 1, b"one")
    assert reader.wakes == 0


def test_no_wake_up_is_lost(segment: Segment, eventfd: int) -> None:
    """Consumer and producer race thousands of times between the last read and falling asleep."""
    segment.set_wake_fd(0, eventfd)
    reader = RingReader(segment, 0, eventfd)
    child = Child(lambda: probe.put_numbers(segment, 0, 0, 300_000))
    seen = 0
    while seen < 300_000:
        found = reader.read(2000)
        seen += len(found)
        if not found and reader.sleep():
            assert select.select([eventfd], [], [], 60)[0], "a record came and nobody was woken"
            os.eventfd_read(eventfd)
    child.join()


def test_a_worker_s_death_does_not_wake_anybody_later(segment: Segment, eventfd: int) -> None:
    """A consumer that died asleep leaves its flag; the next put clears it and the new consumer just reads."""
    segment.set_wake_fd(0, eventfd)
    Child(lambda: RingReader(segment, 0).sleep()).join()
    probe.put(segment, 0, 1, 1, b"one")
    assert len(RingReader(segment, 0, eventfd).read()) == 1


def test_a_consumer_killed_while_reading_loses_nothing(segment: Segment) -> None:
    probe.put_numbers(segment, 0, 0, 5000)

    def read_and_tell() -> None:
        RingReader(segment, 0).read(1000)
        os.kill(os.getpid(), 9)

    os.waitpid(Child(read_and_tell).pid, 0)
    left = [number_of(record) for record in RingReader(segment, 0).read()]
    assert left == list(range(left[0], 5000))
    wait_until(lambda: RingReader(segment, 0).waiting_bytes == 0)


def test_a_reader_of_a_closed_segment_says_so() -> None:
    segment = Segment.create(1)
    reader = RingReader(segment, 0)
    segment.close()
    with pytest.raises(ValueError, match="closed"):
        reader.read()
