"""Priorities, panic and degraded hosts: the worked examples of Envoy's documentation ("Priority levels", "Panic
threshold", "Degraded endpoints"), which round a little differently from its code."""

from __future__ import annotations

import pytest

from mosn._fastpath.proxy.balance_priority import PriorityHosts, priority_loads
from mosn.model import Host
from tests.fastpath.balance.specs import cluster, hosts, picker, shares


def level(healthy: int, degraded: int = 0) -> PriorityHosts:
    return PriorityHosts(100, healthy, degraded)


@pytest.mark.parametrize(
    ("healthy", "expected"),
    [
        ([100, 100], [100, 0]),
        ([72, 100], [100, 0]),
        ([71, 100], [99, 1]),
        ([50, 100], [70, 30]),
        ([25, 100], [35, 65]),
        ([0, 100], [0, 100]),
        ([72, 72], [100, 0]),
        ([71, 71], [99, 1]),
        ([50, 50], [70, 30]),
        ([25, 25], [50, 50]),
        ([100, 100, 100], [100, 0, 0]),
        ([72, 72, 100], [100, 0, 0]),
        ([71, 71, 100], [99, 1, 0]),
        ([50, 50, 100], [70, 30, 0]),
        ([25, 100, 100], [35, 65, 0]),
        ([25, 25, 100], [35, 35, 30]),
        ([25, 25, 20], [36, 36, 28]),
    ],
    ids=str,
)
def test_documented_priority_loads(healthy: list[int], expected: list[int]) -> None:
    loads = priority_loads([level(percent) for percent in healthy], 0)
    assert loads.healthy == [pytest.approx(load, abs=2) for load in expected]
    assert sum(loads.healthy) == 100


@pytest.mark.parametrize(
    ("healthy", "loads", "panic"),
    [
        ([72, 100], [100, 0], [False, False]),
        ([0, 100], [0, 100], [False, False]),
        ([71, 71], [99, 1], [False, False]),
        ([50, 60], [70, 30], [False, False]),
        ([25, 25], [50, 50], [True, True]),
        ([5, 65], [7, 93], [True, False]),
    ],
    ids=str,
)
def test_documented_panic(healthy: list[int], loads: list[int], panic: list[bool]) -> None:
    found = priority_loads([level(percent) for percent in healthy], 50)
    assert found.healthy == [pytest.approx(load, abs=2) for load in loads]
    assert found.panic == panic


@pytest.mark.parametrize(
    ("healthy", "degraded", "to_healthy", "to_degraded"),
    [(100, 0, 100, 0), (71, 0, 100, 0), (71, 29, 99, 1), (25, 65, 35, 65), (5, 0, 100, 0)],
)
def test_documented_degraded_loads(healthy: int, degraded: int, to_healthy: int, to_degraded: int) -> None:
    loads = priority_loads([level(healthy, degraded)], 50)
    assert (loads.healthy, loads.degraded) == ([to_healthy], [to_degraded])


def test_nobody_is_healthy_and_panic_is_off() -> None:
    loads = priority_loads([level(0), level(0)], 0)
    assert (loads.healthy, loads.panic) == ([100, 0], [False, False])


def test_total_panic_goes_by_the_number_of_hosts() -> None:
    loads = priority_loads([PriorityHosts(10, 0, 0), PriorityHosts(30, 1, 0), PriorityHosts(0, 0, 0)], 50)
    assert loads.healthy == [25, 75, 0]


def test_no_hosts_at_all() -> None:
    assert priority_loads([PriorityHosts(0, 0, 0)], 50).healthy == [100]


def members(counts: list[tuple[int, int, int]]) -> list[Host]:
    """(healthy, degraded, unhealthy) hosts of each priority."""
    made: list[Host] = []
    for priority, numbers in enumerate(counts):
        for health, n in zip(("healthy", "degraded", "unhealthy"), numbers, strict=True):
            made += hosts(n, first=len(made) + 1, priority=priority, health=health)
    return made


def share_by(picked: dict[str, int], made: list[Host], **wanted: object) -> float:
    addresses = {host["address"] for host in made if all(host[key] == value for key, value in wanted.items())}  # type: ignore[literal-required]
    return sum(count for address, count in picked.items() if address in addresses) / sum(picked.values())


@pytest.mark.parametrize("policy", ["round_robin", "least_request", "random", "ring_hash", "maglev"])
def test_picks_follow_the_loads(policy: str) -> None:
    made = members([(5, 0, 5), (10, 0, 0)])
    picked = shares(picker(cluster(made, policy)).sequence(20_000))
    assert share_by(picked, made, priority=0) == pytest.approx(0.70, abs=0.02)
    assert share_by(picked, made, health="unhealthy") == 0


@pytest.mark.parametrize("policy", ["round_robin", "least_request", "random", "ring_hash", "maglev"])
def test_picks_go_to_degraded_hosts_when_healthy_ones_do_not_suffice(policy: str) -> None:
    made = members([(5, 13, 2)])
    picked = shares(picker(cluster(made, policy)).sequence(20_000))
    assert share_by(picked, made, health="healthy") == pytest.approx(0.35, abs=0.02)
    assert share_by(picked, made, health="degraded") == pytest.approx(0.65, abs=0.02)


@pytest.mark.parametrize("policy", ["round_robin", "least_request", "random", "ring_hash", "maglev"])
def test_panic_uses_all_hosts(policy: str) -> None:
    made = members([(4, 0, 6)])
    made[0]["health"] = "draining"
    picks = picker(cluster(made, policy))
    assert picks.cluster.in_panic()
    picked = shares(picks.sequence(20_000))
    assert len(picked) == 10
    assert share_by(picked, made, health="unhealthy") == pytest.approx(0.6, abs=0.1)


def test_panic_is_at_the_threshold_and_not_above() -> None:
    for healthy, threshold, expected in ((5, 50.0, False), (4, 50.0, True), (4, 40.4, False), (1, 0.0, False)):
        spec = cluster(members([(healthy, 0, 10 - healthy)]), healthy_panic_threshold=threshold)
        assert picker(spec).cluster.in_panic() is expected


def test_without_panic_no_unhealthy_host_is_ever_picked() -> None:
    picks = picker(cluster(members([(0, 0, 3)]), healthy_panic_threshold=0.0))
    assert picks.pick() is None
    assert not picks.cluster.in_panic()


def test_draining_hosts_get_nothing() -> None:
    made = hosts(3)
    made[1]["health"] = "draining"
    assert set(picker(cluster(made)).sequence(30)) == {"10.0.0.1:80", "10.0.0.3:80"}


def test_a_gap_in_priorities() -> None:
    made = hosts(2, priority=7)
    assert set(picker(cluster(made)).sequence(10)) == {"10.0.0.1:80", "10.0.0.2:80"}
