"""Policies that draw at random: fixed seeds, bounds at more than six standard deviations."""

from __future__ import annotations

import math

import pytest

from mosn._fastpath.proxy.balance_probe import Picker, set_active
from tests.fastpath.balance.specs import cluster, hosts, picker, shares

DRAWS = 100_000


def assert_share(seen: int, share: float, draws: int = DRAWS) -> None:
    assert abs(seen - draws * share) <= 7 * math.sqrt(draws * share * (1 - share)) + 1


@pytest.mark.parametrize("n", [2, 3, 10, 100])
def test_random_is_even(n: int) -> None:
    seen = shares(picker(cluster(hosts(n), "random")).sequence(DRAWS))
    assert len(seen) == n
    for count in seen.values():
        assert_share(count, 1 / n)


def test_random_ignores_weights_as_envoy_does() -> None:
    for count in shares(picker(cluster(hosts(2, [1, 100]), "random")).sequence(DRAWS)).values():
        assert_share(count, 1 / 2)


def test_least_request_is_even_when_all_are_idle() -> None:
    for count in shares(picker(cluster(hosts(10), "least_request")).sequence(DRAWS)).values():
        assert_share(count, 1 / 10)


@pytest.mark.parametrize("choices", [1, 2, 3, 5])
def test_least_request_avoids_a_busy_host(choices: int) -> None:
    """The one busy host is picked only when all draws (with replacement) are that one."""
    picks = picker(cluster(hosts(10), "least_request", choice_count=choices))
    set_active(picks.cluster.hosts[3], 50)
    seen = shares(picks.sequence(DRAWS))
    assert_share(seen.get("10.0.0.4:80", 0), 0.1**choices)


def test_least_request_prefers_the_less_busy() -> None:
    picks = picker(cluster(hosts(2), "least_request"))
    set_active(picks.cluster.hosts[0], 2)
    set_active(picks.cluster.hosts[1], 1)
    assert_share(shares(picks.sequence(DRAWS))["10.0.0.2:80"], 3 / 4)


def balance_with_load(picks: Picker, draws: int) -> dict[str, int]:
    """Every request stays in flight."""
    active = dict.fromkeys((host.address for host in picks.cluster.hosts), 0)
    for _ in range(draws):
        chosen = picks.pick()
        assert chosen is not None
        active[chosen.address] += 1
        set_active(chosen, active[chosen.address])
    return active


def test_least_request_evens_out_requests_in_flight() -> None:
    active = balance_with_load(picker(cluster(hosts(10), "least_request")), 10_000)
    assert max(active.values()) - min(active.values()) <= 20


@pytest.mark.parametrize("seed", range(5))
def test_weighted_least_request_follows_weights_when_idle(seed: int) -> None:
    picks = picker(cluster(hosts(3, [1, 2, 3]), "least_request"), seed)
    seen = shares(picks.sequence(6000))
    for place, weight in enumerate((1, 2, 3), 1):
        assert seen[f"10.0.0.{place}:80"] == pytest.approx(1000 * weight, abs=3)


def test_weighted_least_request_gives_a_busy_host_less() -> None:
    picks = picker(cluster(hosts(2, [1, 2]), "least_request"))
    set_active(picks.cluster.hosts[1], 3)
    # Weights are 1 / 1 and 2 / 4 then.
    assert shares(picks.sequence(3000))["10.0.0.1:80"] == pytest.approx(2000, abs=5)


@pytest.mark.parametrize(("bias", "expected"), [(0.0, 1000), (0.5, 1500), (2.0, 2667)])
def test_active_request_bias(bias: float, expected: int) -> None:
    picks = picker(cluster(hosts(2, [1, 2]), "least_request", active_request_bias=bias))
    set_active(picks.cluster.hosts[1], 3)
    assert shares(picks.sequence(3000))["10.0.0.1:80"] == pytest.approx(expected, abs=5)
