"""Round robin: exact over a cycle, spread evenly, whatever the order of hosts."""

from __future__ import annotations

import itertools
import random
from collections import Counter

import pytest

from tests.fastpath.balance.specs import cluster, hosts, picker, shares

WEIGHTS = [[1, 1, 1], [1, 2, 3], [5, 1, 1], [10, 20, 30], [7, 11, 13, 17], [128, 1], [1000, 999, 3], [16384, 3]]


@pytest.mark.parametrize("weights", WEIGHTS, ids=str)
@pytest.mark.parametrize("seed", [0, 1, 5, 1 << 63])
def test_weights_are_exact_over_every_cycle(weights: list[int], seed: int) -> None:
    picks = picker(cluster(hosts(len(weights), weights)), seed)
    expected = {host["address"]: host["weight"] for host in hosts(len(weights), weights)}
    for _ in range(3):
        assert shares(picks.sequence(sum(weights))) == expected


def test_a_common_divisor_shortens_the_cycle() -> None:
    picks = picker(cluster(hosts(3, [1_000_000, 2_000_000, 3_000_000])))
    assert sorted(shares(picks.sequence(6)).values()) == [1, 2, 3]


def test_very_long_cycles_stay_exact() -> None:
    weights = [100_000, 7, 1]
    picks = picker(cluster(hosts(3, weights)))
    for _ in range(3):
        assert sorted(shares(picks.sequence(sum(weights))).values()) == sorted(weights)


@pytest.mark.parametrize("weights", WEIGHTS[:6], ids=str)
def test_picks_of_a_host_are_spread_out(weights: list[int]) -> None:
    """In every window of picks a host comes as often as its share says, give or take one and a bit."""
    total = sum(weights)
    sequence = picker(cluster(hosts(len(weights), weights))).sequence(3 * total)
    for host in hosts(len(weights), weights):
        share = host["weight"] / total
        for start, length in itertools.product(range(0, total, 7), (total // 2, total)):
            seen = sequence[start : start + length].count(host["address"])
            assert abs(seen - share * length) <= 2


def test_equal_weights_take_turns() -> None:
    sequence = picker(cluster(hosts(5))).sequence(20)
    assert all(len(set(sequence[i : i + 5])) == 5 for i in range(16))


@pytest.mark.parametrize("weights", [[1] * 6, [3, 1, 4, 1, 5, 9]], ids=str)
def test_the_order_of_hosts_makes_no_difference(weights: list[int]) -> None:
    """A control plane that sends the hosts in another order does not restart anything."""
    members = hosts(6, weights)
    expected = picker(cluster(members), seed=4).sequence(60)
    for seed in range(5):
        shuffled = random.Random(seed).sample(members, len(members))
        assert picker(cluster(shuffled), seed=4).sequence(60) == expected


def test_workers_start_at_different_hosts() -> None:
    """Each worker has a seed of its own; a thousand workers spread their first pick evenly."""
    firsts = Counter(picker(cluster(hosts(4)), seed).sequence(1)[0] for seed in range(1000))
    assert set(firsts.values()) == {250}


def test_one_host() -> None:
    assert shares(picker(cluster(hosts(1, [7]))).sequence(10)) == {"10.0.0.1:80": 10}


def test_no_host() -> None:
    assert picker(cluster([])).pick() is None
