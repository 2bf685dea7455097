"""Compiled clusters and hosts that outlive snapshots."""

from __future__ import annotations

import gc
import ipaddress
import socket
import struct

import pytest

from mosn._fastpath.proxy.balance_probe import Picker, set_active
from mosn._fastpath.proxy.cluster import ClusterObject, HostObject, HostRegistry, socket_address
from tests.fastpath.balance.specs import cluster, host, hosts, picker


def test_socket_addresses() -> None:
    v4 = struct.pack("=H", socket.AF_INET) + struct.pack(">H", 80) + bytes([1, 2, 3, 4]) + bytes(8)
    assert socket_address("1.2.3.4:80") == v4
    v6 = struct.pack("=H", socket.AF_INET6) + struct.pack(">HI", 443, 0) + ipaddress.ip_address("2001:db8::1").packed
    assert socket_address("[2001:db8::1]:443") == v6 + bytes(4)
    assert socket_address("unix:/run/a.sock") == struct.pack("=H", socket.AF_UNIX) + b"/run/a.sock\0"
    assert socket_address("unix:@abstract") == struct.pack("=H", socket.AF_UNIX) + b"\0abstract"
    assert len(socket_address("unix:/" + "x" * 106)) == 2 + 108


@pytest.mark.parametrize(
    "text",
    ["", "1.2.3.4", "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:-1", "1.2.3.4:８０", "example.com:80", "::1:80", "[::1]",
     "[1.2.3.4]:80", "unix:", "unix:/" + "x" * 107, "1.2.3:80", "01.2.3.4.5:80", "[::1%lo]:80"],
)  # fmt: skip
def test_what_is_no_socket_address(text: str) -> None:
    with pytest.raises(ValueError, match=r"address|unix socket") as found:
        socket_address(text)
    assert repr(text) in str(found.value)


def test_the_same_address_is_the_same_host() -> None:
    registry = HostRegistry()
    first = registry.hosts(cluster(hosts(3)))
    second = registry.hosts(cluster(hosts(3)[::-1]))
    assert second == first[::-1]
    other = registry.hosts(cluster(hosts(3), name="b"))
    assert not set(other) & set(first)
    assert len(registry) == 6


def test_hosts_end_with_the_last_snapshot() -> None:
    registry = HostRegistry()
    spec = cluster(hosts(3))
    running = ClusterObject(spec, registry.hosts(spec))
    smaller = cluster(hosts(1))
    following = ClusterObject(smaller, registry.hosts(smaller))
    assert len(registry) == 3
    del running
    gc.collect()
    assert len(registry) == 1
    assert [member.address for member in following.hosts] == ["10.0.0.1:80"]


def test_a_running_host_changes_when_the_snapshot_is_taken_into_use() -> None:
    registry = HostRegistry()
    old = cluster([host("10.0.0.1:80", hostname="old.example", weight=3)])
    running = ClusterObject(old, registry.hosts(old))
    set_active(running.hosts[0], 5)
    new = cluster([host("10.0.0.1:80", hostname="new.example.org", weight=4, priority=1, health="degraded")])
    compiled = ClusterObject(new, registry.hosts(new))

    def seen(member: HostObject) -> tuple[str, int, int, str, int]:
        return member.hostname, member.weight, member.priority, member.health, member.active_requests

    assert compiled.hosts[0] is running.hosts[0]
    assert seen(running.hosts[0]) == ("old.example", 3, 0, "healthy", 5)
    Picker(compiled).activate()
    assert seen(running.hosts[0]) == ("new.example.org", 4, 1, "degraded", 5)
    Picker(running).activate()
    assert running.hosts[0].hostname == "old.example"


def test_a_cluster_that_cannot_be_compiled_changes_nothing() -> None:
    registry = HostRegistry()
    good = cluster(hosts(2))
    running = ClusterObject(good, registry.hosts(good))
    with pytest.raises(ValueError, match=r"10\.0\.0\.9"):
        registry.hosts(cluster([*hosts(2), host("10.0.0.9")]))
    with pytest.raises(ValueError, match="unknown load balancing policy 'best'"):
        picker(cluster(hosts(2, [9, 9]), "best"))
    gc.collect()
    assert len(registry) == 2
    assert [member.weight for member in running.hosts] == [1, 1]
    assert len(set(Picker(running).sequence(4))) == 2


def test_an_original_destination_cluster_has_no_balancer() -> None:
    picks = picker(cluster([], "original_dst", type="original_dst"))
    assert picks.pick() is None
    assert not picks.cluster.in_panic()


@pytest.mark.parametrize("policy", ["round_robin", "least_request", "random", "ring_hash", "maglev"])
def test_retries_avoid_hosts_that_were_tried(policy: str) -> None:
    picks = picker(cluster(hosts(4), policy))
    tried = picks.cluster.hosts[:3]
    for value in range(200):
        found = picks.pick(value * 0x9E3779B97F4A7C15 % (1 << 64), tried, attempts=2000)
        assert found is picks.cluster.hosts[3]


@pytest.mark.parametrize("policy", ["round_robin", "random", "ring_hash", "maglev"])
def test_when_all_were_tried_one_of_them_is_picked(policy: str) -> None:
    picks = picker(cluster(hosts(2), policy))
    assert picks.pick(5, picks.cluster.hosts, attempts=3) in picks.cluster.hosts


def test_without_attempts_tried_hosts_may_come_again() -> None:
    picks = picker(cluster(hosts(1)))
    assert picks.pick(None, picks.cluster.hosts) is picks.cluster.hosts[0]


def test_host_objects_belong_to_their_specs() -> None:
    with pytest.raises(ValueError, match="1 host objects for 2 hosts"):
        ClusterObject(cluster(hosts(2)), HostRegistry().hosts(cluster(hosts(1))))
    with pytest.raises(TypeError):
        ClusterObject(cluster(hosts(1)), ["10.0.0.1:80"])  # type: ignore[list-item]


def test_large_clusters() -> None:
    spec = cluster(hosts(10_000), "maglev")
    assert len(set(picker(spec).by_hashes(range(65537)))) == 10_000


def test_a_bind_address() -> None:
    picker(cluster(hosts(1), bind_address="127.0.0.2:0"))
    with pytest.raises(ValueError, match="'lo' is no socket address"):
        picker(cluster(hosts(1), bind_address="lo"))
