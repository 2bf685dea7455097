"""Maglev: Envoy's tables, even shares, few hashes move when a host leaves."""

from __future__ import annotations

import random

import pytest

from tests.fastpath.balance.specs import cluster, host, hosts, picker, shares

NUMBERS = random.Random(8)
HASHES = [NUMBERS.getrandbits(64) for _ in range(20_000)]
SIX = [host(f"127.0.0.1:{port}", hostname=str(port)) for port in range(90, 96)]


def ports(*numbers: int) -> list[str]:
    return [f"127.0.0.1:{number}" for number in numbers]


def test_a_table_of_7_is_envoy_s() -> None:
    picks = picker(cluster(SIX, "maglev", table_size=7))
    assert picks.by_hashes(range(7)) == ports(92, 94, 90, 91, 95, 90, 93)
    assert picks.by_hashes(range(7, 14)) == picks.by_hashes(range(7))


def test_a_table_by_hostname_is_envoy_s() -> None:
    picks = picker(cluster(SIX, "maglev", table_size=7, use_hostname_for_hashing=True))
    assert picks.by_hashes(range(7)) == ports(92, 95, 90, 93, 94, 91, 90)


def test_a_weighted_table_is_envoy_s() -> None:
    members = [host("127.0.0.1:90", weight=1), host("127.0.0.1:91", weight=2)]
    picks = picker(cluster(members, "maglev", table_size=17))
    expected = [1, 0, 0, 1, 0, 1, 1, 0, 1, 1, 1, 1, 1, 0, 1, 0, 1]
    assert picks.by_hashes(range(17)) == ports(*(90 + place for place in expected))


def test_retries_take_envoy_s_places() -> None:
    picks = picker(cluster(SIX, "maglev", table_size=7))
    members = {member.address: member for member in picks.cluster.hosts}
    first, every = [members["127.0.0.1:91"]], list(members.values())
    assert str(picks.pick(10)) == str(first[0])
    assert picks.pick(10, first, attempts=2) is members["127.0.0.1:90"]
    assert picks.pick(10, every, attempts=2) is members["127.0.0.1:95"]


@pytest.mark.parametrize("n", [2, 10, 50])
def test_at_most_its_share_and_two_percent_move_when_a_host_leaves(n: int) -> None:
    before = picker(cluster(hosts(n), "maglev")).by_hashes(HASHES)
    after = picker(cluster(hosts(n)[1:], "maglev")).by_hashes(HASHES)
    moved = sum(old != new for old, new in zip(before, after, strict=True))
    assert moved / len(HASHES) <= 1 / n + 0.02


def test_shares_are_even() -> None:
    places = shares(picker(cluster(hosts(10), "maglev")).by_hashes(range(65537)))
    assert max(places.values()) - min(places.values()) <= 1


def test_shares_follow_weights() -> None:
    weights = [1, 2, 3, 10]
    places = shares(picker(cluster(hosts(4, weights), "maglev")).by_hashes(range(65537)))
    for place, weight in enumerate(weights, 1):
        assert places[f"10.0.0.{place}:80"] / 65537 == pytest.approx(weight / 16, rel=0.01)


def test_the_order_of_hosts_makes_no_difference() -> None:
    members = hosts(9, [1, 2, 3] * 3)
    expected = picker(cluster(members, "maglev")).by_hashes(HASHES)
    shuffled = random.Random(3).sample(members, len(members))
    assert picker(cluster(shuffled, "maglev")).by_hashes(HASHES) == expected


def test_more_hosts_than_places() -> None:
    assert len(shares(picker(cluster(hosts(40), "maglev", table_size=13)).by_hashes(range(13)))) == 13


@pytest.mark.parametrize("size", [0, 1, 2, 9, 65536, 5000017])
def test_sizes_that_are_no_prime_or_too_large_are_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"table_size {size} must be a prime"):
        picker(cluster(hosts(3), "maglev", table_size=size))
