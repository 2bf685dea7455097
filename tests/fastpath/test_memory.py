"""Pools, arenas and byte queues against what they are in the simplest form; and what happens without memory."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mosn._fastpath.codec.http1_face import Message, Parser
from mosn._fastpath.memory import fail_allocations
from mosn._fastpath.memory_face import ArenaFace, Pool, Queue, equal, is_literal, is_lower

KIB = 1024


def pool_keeps_blocks() -> bool:
    """Sanitized builds free every block at once."""
    pool = Pool()
    ArenaFace(pool).copy(b"x")
    return pool.kept != (0, 0, 0)


keeps = pytest.mark.skipif(not pool_keeps_blocks(), reason="a sanitized build keeps no blocks")


@pytest.fixture
def pool() -> Iterator[Pool]:
    made = Pool()
    yield made
    assert made.in_use == 0, "something was not given back"


# -- pool

@keeps
def test_blocks_are_used_again(pool: Pool) -> None:
    for _ in range(3):
        ArenaFace(pool).copy(b"x")
        assert pool.kept == (1, 0, 0)


@keeps
def test_what_is_kept_is_bounded(pool: Pool) -> None:
    arenas = [ArenaFace(pool) for _ in range(3000)]
    for arena in arenas:
        arena.alloc(1)
        arena.alloc(10 * KIB)
        arena.alloc(60 * KIB)
    del arena
    arenas.clear()
    small, medium, large = pool.kept
    assert small * 4 * KIB <= 4 * KIB * KIB
    assert medium * 16 * KIB <= 4 * KIB * KIB
    assert large * 64 * KIB <= 4 * KIB * KIB
    pool.free_all()
    assert pool.kept == (0, 0, 0)


# -- arena

@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.integers(0, 300), st.integers(0, 100_000)), max_size=60))
def test_allocations_do_not_overlap(sizes: list[int]) -> None:
    pool = Pool()
    arena = ArenaFace(pool)
    taken = sorted((arena.alloc(n), n) for n in sizes)
    for address, _ in taken:
        assert address % 8 == 0
    real = [(address, n) for address, n in taken if n]
    for (address, n), (following, _) in pairwise(real):
        assert address + n <= following
    assert sum(sizes) <= pool.in_use or not sizes
    arena.release()
    assert pool.in_use == 0


@keeps
def test_a_small_arena_takes_one_small_block(pool: Pool) -> None:
    arena = ArenaFace(pool)
    for _ in range(40):
        arena.alloc(100)
    assert pool.in_use == 8 * KIB
    arena.release()


@keeps
def test_an_arena_takes_little_more_than_it_hands_out(pool: Pool) -> None:
    arena = ArenaFace(pool)
    for _ in range(1000):
        arena.alloc(200)
    assert pool.in_use < 1.2 * 200_000
    arena.release()


def test_a_large_allocation_takes_what_it_needs(pool: Pool) -> None:
    arena = ArenaFace(pool)
    arena.alloc(1_000_000)
    assert pool.in_use < 1_000_100
    arena.alloc(8)
    arena.release()


def test_copies(pool: Pool) -> None:
    arena = ArenaFace(pool)
    assert [arena.copy(t) for t in (b"", b"a", b"b" * 5000)] == [b"", b"a", b"b" * 5000]
    arena.release()


def test_absurd_sizes_are_refused(pool: Pool) -> None:
    with pytest.raises(MemoryError):
        ArenaFace(pool).alloc((1 << 30) + 1)
    with pytest.raises(MemoryError):
        Queue(pool).reserve((1 << 30) + 1)
    with pytest.raises(MemoryError):
        ArenaFace(pool).alloc((1 << 64) - 1)


# -- byte queue

operations = st.lists(st.tuples(st.sampled_from(["append", "consume", "reserve", "release"]), st.integers(0, 40_000)))


@settings(max_examples=300, deadline=None)
@given(operations)
def test_queue_is_a_queue(steps: list[tuple[str, int]]) -> None:
    pool = Pool()
    queue, plain = Queue(pool), b""
    for what, n in steps:
        if what == "append":
            text = bytes((n + i) % 251 for i in range(n % 7000))
            queue.append(text)
            plain += text
        elif what == "consume":
            n = min(n, len(plain))
            queue.consume(n)
            plain = plain[n:]
        elif what == "reserve":
            queue.reserve(n)
            assert queue.room >= n
        else:
            queue.release()
            plain = b""
        assert bytes(queue) == plain
        assert pool.in_use == queue.capacity
    queue.release()
    assert pool.in_use == 0


def test_an_emptied_queue_holds_nothing(pool: Pool) -> None:
    queue = Queue(pool)
    queue.append(b"abc")
    queue.consume(3)
    assert (queue.capacity, pool.in_use) == (0, 0)


def test_capacities_are_those_of_blocks(pool: Pool) -> None:
    queue = Queue(pool)
    seen = []
    for _ in range(300):
        queue.append(b"x" * KIB)
        seen.append(queue.capacity)
    assert sorted(set(seen)) == [4 * KIB, 16 * KIB, 64 * KIB, 128 * KIB, 256 * KIB, 512 * KIB]
    queue.release()


def test_a_sliding_window_stays_small(pool: Pool) -> None:
    """A queue that is filled and emptied at the same pace does not grow."""
    queue = Queue(pool)
    queue.append(b"x" * 3000)
    for _ in range(2000):
        queue.append(b"y" * 1000)
        queue.consume(1000)
    assert queue.capacity <= 16 * KIB
    queue.release()


# -- comparing

@given(st.binary(max_size=10), st.binary(max_size=10))
def test_equal(a: bytes, b: bytes) -> None:
    assert equal(a, b) == (a == b)
    assert equal(a, bytes(bytearray(a)))


@given(st.text("aAbB\0é-", max_size=5).map(str.encode), st.text("ab-", max_size=5).map(str.encode))
def test_literals(a: bytes, literal: bytes) -> None:
    assert is_literal(a, literal) == (a == literal)
    assert is_lower(a, literal) == (a.lower() == literal)


# -- without memory

@pytest.fixture
def scarce() -> Iterator[None]:
    yield
    fail_allocations(-1)


def test_arena_and_queue_without_memory(pool: Pool, scarce: None) -> None:
    queue = Queue(pool)
    queue.append(b"abc")
    fail_allocations(0)
    with pytest.raises(MemoryError):
        ArenaFace(pool).alloc(1)
    with pytest.raises(MemoryError):
        queue.append(b"x" * 5000)
    assert bytes(queue) == b"abc"
    fail_allocations(-1)
    queue.append(b"x")
    queue.release()


def test_every_allocation_of_the_parser_may_fail(scarce: None) -> None:
    """The nth allocation fails: one error, nothing lost, nothing leaked."""
    data = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nA: b\r\nC: d\r\n\r\n"
    for after in range(20):
        parser = Parser()
        fail_allocations(after)
        events = parser.feed(data[:-6]) + parser.feed(data[-6:])
        fail_allocations(-1)
        if events[-1] == ("end",):
            assert after >= 2
            return
        assert events[-1] == ("error", "OUT_OF_MEMORY")
    raise AssertionError("it never succeeds")


def test_every_allocation_of_the_writer_may_fail(scarce: None) -> None:
    message = Message([(b"a", b"b" * 10_000)], method=b"GET", path=b"/", authority=b"a")
    for write in (message.request, message.response, message.trailers):
        fail_allocations(0)
        with pytest.raises(MemoryError):
            write()
        fail_allocations(-1)
        assert b"a: bb" in write()
