"""Ring hash: Envoy's points, few hosts move when one leaves."""

from __future__ import annotations

import random

import pytest

from mosn._fastpath.hashing import murmur2_of, xxh64_of
from tests.fastpath.balance.specs import cluster, host, hosts, picker, shares

RING_OF_12 = [(94, 833437586790550860), (92, 928266305478181108), (90, 1033482794131418490),
              (95, 3551244743356806947), (93, 3851675632748031481), (91, 5583722120771150861),
              (91, 6311230543546372928), (93, 7700377290971790572), (95, 13144177310400110813),
              (92, 13444792449719432967), (94, 15516499411664133160), (90, 16117243373044804889)]  # fmt: skip
NUMBERS = random.Random(7)
HASHES = [NUMBERS.getrandbits(64) for _ in range(20_000)]


def ports(*numbers: int) -> list[str]:
    return [f"127.0.0.1:{number}" for number in numbers]


def test_the_ring_is_envoy_s() -> None:
    picks = picker(cluster([host(f"127.0.0.1:{port}") for port in range(90, 96)], "ring_hash", minimum_ring_size=12))
    before = 0
    for port, position in RING_OF_12:
        assert picks.by_hashes([before, position]) == ports(port, port)
        before = position + 1
    assert picks.by_hashes([before, (1 << 64) - 1]) == ports(94, 94)


def test_the_murmur_ring_is_envoy_s() -> None:
    picks = picker(
        cluster(
            [host(f"127.0.0.1:{port}") for port in range(80, 86)],
            "ring_hash",
            minimum_ring_size=12,
            hash_function="murmur_hash_2",
        )
    )
    hashes = [0, (1 << 64) - 1, 1358027074129602068, 1358027074129602069, 10150910876324007730]
    assert picks.by_hashes(hashes) == ports(85, 85, 85, 83, 82)


def slow_ring(addresses: list[str], each: int, murmur: bool) -> list[tuple[int, str]]:
    hash_of = murmur2_of if murmur else xxh64_of
    return sorted((hash_of(f"{address}_{i}".encode()), address) for address in addresses for i in range(each))


@pytest.mark.parametrize("function", ["xx_hash", "murmur_hash_2"])
def test_every_hash_goes_to_the_next_point(function: str) -> None:
    addresses = [member["address"] for member in hosts(10)]
    ring = slow_ring(addresses, 103, function == "murmur_hash_2")
    picks = picker(cluster(hosts(10), "ring_hash", hash_function=function))
    for value in [*HASHES[:2000], *(point + step for point, _ in ring[:200] for step in (-1, 0, 1))]:
        expected = next((address for point, address in ring if point >= value), ring[0][1])
        assert picks.by_hashes([value]) == [expected]


def test_only_the_leaving_host_s_hashes_move() -> None:
    before = picker(cluster(hosts(10), "ring_hash")).by_hashes(HASHES)
    after = picker(cluster(hosts(10)[1:], "ring_hash", minimum_ring_size=103 * 9)).by_hashes(HASHES)
    moved = [old for old, new in zip(before, after, strict=True) if old != new]
    assert set(moved) == {"10.0.0.1:80"}


def test_the_order_of_hosts_makes_no_difference() -> None:
    members = hosts(9, [1, 2, 3] * 3)
    expected = picker(cluster(members, "ring_hash")).by_hashes(HASHES[:2000])
    shuffled = random.Random(3).sample(members, len(members))
    assert picker(cluster(shuffled, "ring_hash")).by_hashes(HASHES[:2000]) == expected


def test_shares_follow_weights() -> None:
    picks = picker(cluster(hosts(3, [1, 2, 5]), "ring_hash", minimum_ring_size=65536))
    seen = shares(picks.by_hashes(HASHES))
    for place, weight in enumerate((1, 2, 5), 1):
        assert seen[f"10.0.0.{place}:80"] / len(HASHES) == pytest.approx(weight / 8, abs=0.02)


def test_the_maximum_caps_the_ring() -> None:
    """6 points among 4 hosts: some have two, some one (Envoy's example of 1.5 points a host)."""
    picks = picker(cluster(hosts(4), "ring_hash", minimum_ring_size=6, maximum_ring_size=6))
    points = slow_ring([member["address"] for member in hosts(4)], 2, murmur=False)
    ring = dict(zip((member["address"] for member in hosts(4)), (2, 1, 2, 1), strict=True))
    kept = [(p, a) for p, a in points if p in {xxh64_of(f"{a}_{i}".encode()) for i in range(ring[a])}]
    assert picks.by_hashes([point for point, _ in kept]) == [address for _, address in kept]


def test_a_hash_key_in_metadata_and_the_hostname_replace_the_address() -> None:
    by_hostname = [host(f"10.1.0.{i}:1", hostname=f"127.0.0.1:{90 + i}") for i in range(6)]
    picks = picker(cluster(by_hostname, "ring_hash", minimum_ring_size=12, use_hostname_for_hashing=True))
    assert picks.by_hashes([RING_OF_12[3][1]]) == ["10.1.0.5:1"]
    by_key = [host(f"10.1.0.{i}:1", metadata={"hash_key": f"127.0.0.1:{90 + i}"}) for i in range(6)]
    picks = picker(cluster(by_key, "ring_hash", minimum_ring_size=12))
    assert picks.by_hashes([RING_OF_12[3][1]]) == ["10.1.0.5:1"]


def test_without_a_hash_it_is_random() -> None:
    seen = shares(picker(cluster(hosts(4), "ring_hash", minimum_ring_size=65536)).sequence(20_000))
    assert min(seen.values()) > 4000


@pytest.mark.parametrize(("least", "most"), [(0, 10), (11, 10), (1, 0), (1, 9 << 20)])
def test_bad_sizes_are_refused(least: int, most: int) -> None:
    with pytest.raises(ValueError, match=r"minimum_ring_size"):
        picker(cluster(hosts(1), "ring_hash", minimum_ring_size=least, maximum_ring_size=most))
