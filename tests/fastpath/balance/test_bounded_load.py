"""Consistent hashing with bounded loads."""

from __future__ import annotations

import random

import pytest

from mosn._fastpath.proxy.balance_probe import Picker, set_active
from tests.fastpath.balance.specs import cluster, hosts, picker

NUMBERS = random.Random(9)
HASHES = [NUMBERS.getrandbits(64) for _ in range(2000)]
POLICIES = pytest.mark.parametrize("policy", ["ring_hash", "maglev"])


def bounded(policy: str, factor: int, n: int = 10, weights: tuple[int, ...] = ()) -> Picker:
    return picker(cluster(hosts(n, weights), policy, hash_balance_factor=factor))


@POLICIES
def test_no_load_changes_nothing(policy: str) -> None:
    assert bounded(policy, 150).by_hashes(HASHES) == bounded(policy, 0).by_hashes(HASHES)


@POLICIES
def test_an_overloaded_host_is_passed_over_by_the_hash_alone(policy: str) -> None:
    free, picks = bounded(policy, 0), bounded(policy, 150)
    for member in picks.cluster.hosts:
        set_active(member, 10)
    set_active(picks.cluster.hosts[0], 100)
    chosen = picks.by_hashes(HASHES)
    assert "10.0.0.1:80" not in chosen
    assert chosen == picks.by_hashes(HASHES)
    for before, after in zip(free.by_hashes(HASHES), chosen, strict=True):
        assert before in (after, "10.0.0.1:80")
    # Those that move are spread over all the others.
    moved = {new for old, new in zip(free.by_hashes(HASHES), chosen, strict=True) if old != new}
    assert len(moved) == 9


@POLICIES
@pytest.mark.parametrize("factor", [110, 150, 200])
def test_nobody_gets_more_than_the_factor_allows(policy: str, factor: int) -> None:
    """All requests have one hash and stay in flight."""
    picks = bounded(policy, factor)
    active = dict.fromkeys((member.address for member in picks.cluster.hosts), 0)
    for sent in range(1, 1001):
        chosen = picks.pick(HASHES[0])
        assert chosen is not None
        active[chosen.address] += 1
        set_active(chosen, active[chosen.address])
        assert active[chosen.address] <= sent * factor / 100 / 10 + 2


@POLICIES
def test_weights_widen_the_bound(policy: str) -> None:
    picks = bounded(policy, 100, 2, (1, 4))
    heavy, light = picks.cluster.hosts[1], picks.cluster.hosts[0]
    set_active(heavy, 70)
    set_active(light, 30)
    # The share of 100 in flight is 80 and 20.
    assert {picks.pick(value) for value in HASHES[:200]} == {heavy}


@POLICIES
def test_when_all_are_overloaded_the_least_is_taken(policy: str) -> None:
    picks = bounded(policy, 1, 4)
    for place, member in enumerate(picks.cluster.hosts):
        set_active(member, 50 + 10 * (place != 2))
    assert set(picks.by_hashes(HASHES[:200])) == {"10.0.0.3:80"}
