"""The queues between the main thread and the engine's."""

from __future__ import annotations

import threading

from mosn._fastpath.engine.probe import ProbedQueue

SIZE = 1024


def test_first_in_first_out() -> None:
    queue = ProbedQueue()
    assert queue.get() is None
    for n in range(5):
        assert queue.put(n, n * 2, n / 4)
    assert [queue.get() for _ in range(6)] == [*((n, n * 2, n / 4) for n in range(5)), None]


def test_full() -> None:
    queue = ProbedQueue()
    for round_ in range(3):
        for n in range(SIZE):
            assert queue.put(round_, n)
        assert not queue.put(9, 9)
        assert [queue.get() for _ in range(SIZE)] == [(round_, n, 0.0) for n in range(SIZE)]


def test_between_two_threads() -> None:
    queue = ProbedQueue()
    writer = threading.Thread(target=queue.put_sequence, args=(200_000,))
    writer.start()
    assert queue.get_sequence(200_000) == 0
    writer.join()
    assert queue.get() is None
