"""The timing wheel against a sorted list."""

from __future__ import annotations

import random

import pytest

from mosn._fastpath.engine.probe import Timers

STARTS = [
    0,
    1,
    255,
    (1 << 16) - 300,
    (1 << 24) - 70_000,
    (1 << 32) - 5000,
    (1 << 32) + 77,
    (1 << 40) - 1,
    (1 << 56) - 9,
]
DELAYS = [0, 1, 2, 255, 256, 257, 1000, 65_535, 65_536, 65_537, 200_000, 1 << 24]


class Model:
    """Due times; what the wheel has to do, done slowly."""

    def __init__(self, now: int) -> None:
        self.now = now
        self.due: dict[int, int] = {}

    def arm(self, index: int, delay: int) -> None:
        # A timer never fires in the millisecond in which it was armed.
        self.due[index] = self.now + max(delay, 1)

    def advance(self, now: int) -> list[tuple[int, int]]:
        fired = sorted((due, index) for index, due in self.due.items() if due <= now)
        for _, index in fired:
            del self.due[index]
        self.now = now
        return [(index, due) for due, index in fired]


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("seed", range(4))
def test_random_sequences(start: int, seed: int) -> None:
    chance = random.Random(seed)
    timers, model = Timers(60, start), Model(start)
    for _ in range(3000):
        index = chance.randrange(60)
        if chance.random() < 0.6:
            delay = chance.choice(DELAYS) if chance.random() < 0.5 else chance.randrange(3000)
            timers.arm(index, delay)
            model.arm(index, delay)
        elif chance.random() < 0.5:
            timers.cancel(index)
            model.due.pop(index, None)
        else:
            now = model.now + chance.choice((0, 1, 1, 2, 17, 255, 256, 1000, 70_000))
            # In the order of time; timers of one millisecond in any order.
            fired = sorted((at, index) for index, at in timers.advance(now))
            assert fired == sorted((at, index) for index, at in model.advance(now))
        assert timers.armed(index) == (index in model.due)
        assert timers.armed_count() == len(model.due)


def test_fires_in_the_order_of_time() -> None:
    timers = Timers(1000, 0)
    chance = random.Random(1)
    for index in range(1000):
        timers.arm(index, chance.randrange(1, 100_000))
    times = [at for _, at in timers.advance(200_000)]
    assert times == sorted(times) and len(times) == 1000


@pytest.mark.parametrize("start", STARTS)
def test_a_waiter_never_sleeps_past_a_timer(start: int) -> None:
    """Waking when `wait` says, and not sooner, nothing fires late."""
    chance = random.Random(start)
    for _ in range(50):
        timers, now = Timers(5, start), start
        due = {index: start + chance.choice((1, 7, 255, 256, 300, 5000, 66_000)) for index in range(5)}
        for index, at in due.items():
            timers.arm(index, at - start)
        while due:
            said = timers.wait(1000)
            assert 0 < said <= 1000 and now + said <= min(due.values())
            now += said
            for index, at in timers.advance(now):
                assert due.pop(index) == at == now


def test_arming_itself_again() -> None:
    timers = Timers(1, 10)
    timers.arm(0, 5, again=300)
    fired = [each for now in range(11, 16 + 300 * 9) for each in timers.advance(now)]
    assert fired == [(0, 15 + 300 * n) for n in range(10)]
    assert timers.armed(0)


def test_nothing_armed_costs_nothing() -> None:
    """A jump over many years with no timer is no loop over its milliseconds."""
    timers = Timers(1, 0)
    assert timers.advance(1 << 60) == []
    timers.arm(0, 10)
    assert timers.advance((1 << 60) + 9) == []
    assert timers.advance((1 << 60) + 10) == [(0, (1 << 60) + 10)]


def test_longest_delays() -> None:
    """49 days and more: kept, and can be cancelled; what is too far fires at the end of the wheel."""
    timers = Timers(3, 12_345)
    for index, delay in enumerate(((1 << 32) - 1, 1 << 32, 1 << 60)):
        timers.arm(index, delay)
    assert timers.advance(12_345 + 3_000_000) == [] and timers.armed_count() == 3
    for index in range(3):
        timers.cancel(index)
    assert timers.armed_count() == 0 and timers.wait(1000) == 1000


def test_cancelling_twice_is_harmless() -> None:
    timers = Timers(2, 0)
    timers.arm(0, 10)
    timers.arm(1, 10)
    timers.cancel(0)
    timers.cancel(0)
    assert timers.armed_count() == 1
    assert timers.advance(10) == [(1, 10)]
