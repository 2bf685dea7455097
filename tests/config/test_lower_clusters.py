"""Clusters, endpoints and DNS as the fast path takes them."""

from __future__ import annotations

from typing import Any

import pytest

from mosn import config
from mosn._fastpath.shm.stats import StatRegistry
from mosn.config.lower.context import NullRegistry
from mosn.errors import ConfigError
from tests.config.corpus import codes, load_yaml


def snapshot_of(text: str, resolved: Any = None) -> Any:
    loaded = load_yaml(text)
    assert loaded.errors == [], loaded.findings
    return config.build_snapshot(loaded, NullRegistry(), resolved or {})


def cluster(fields: str, rest: str = "") -> Any:
    return snapshot_of(f"static_resources: {{clusters: [{{name: a, {fields}}}]}}\n{rest}")["clusters"]["a"]


def test_defaults() -> None:
    found = cluster("")
    assert found["type"] == "static"
    assert found["connect_timeout_ms"] == 5000
    assert found["idle_timeout_ms"] == 3_600_000
    assert found["per_connection_buffer_limit_bytes"] == 1024 * 1024
    assert found["protocol"] == "http1"
    assert found["lb"]["policy"] == "round_robin"
    assert found["lb"]["healthy_panic_threshold"] == 50.0
    assert found["circuit_breakers"]["high"] == {
        "max_connections": 1024, "max_pending_requests": 1024, "max_requests": 1024, "max_retries": 3,
        "retry_budget_percent": 0.0, "min_retry_concurrency": 3, "index": 0,
    }  # fmt: skip


def test_a_retry_budget_has_defaults() -> None:
    breaker = cluster("circuit_breakers: {thresholds: [{retry_budget: {}}]}")["circuit_breakers"]["default"]
    assert (breaker["retry_budget_percent"], breaker["min_retry_concurrency"]) == (20.0, 3)


def test_the_runtime_overrides_the_panic_threshold() -> None:
    runtime = "layered_runtime: {layers: [{name: s, static_layer: {upstream: {healthy_panic_threshold: 0}}}]}"
    fields = "common_lb_config: {healthy_panic_threshold: {value: 80}}"
    assert cluster(fields)["lb"]["healthy_panic_threshold"] == 80.0
    assert cluster(fields, runtime)["lb"]["healthy_panic_threshold"] == 0.0


STRICT = """
static_resources:
  clusters:
  - name: a
    type: %s
    dns_lookup_family: V4_ONLY
    load_assignment:
      cluster_name: a
      endpoints:
      - lb_endpoints:
        - {endpoint: {address: {socket_address: {address: one.example, port_value: 80}}}, load_balancing_weight: 3}
"""


def test_names_are_targets_for_the_resolver() -> None:
    targets = config.dns_targets(load_yaml(STRICT % "STRICT_DNS"))
    assert [(item.cluster, item.hostname, item.port, item.refresh_ms, item.family, item.type) for item in targets] == [
        ("a", "one.example", 80, 5000, "v4_only", "strict_dns")
    ]


@pytest.mark.parametrize(("kind", "count"), [("STRICT_DNS", 2), ("LOGICAL_DNS", 1)])
def test_resolved_names_are_hosts(kind: str, count: int) -> None:
    resolved = {("one.example", 80): ["10.0.0.1", "2001:db8::1", "10.0.0.1"]}
    hosts = snapshot_of(STRICT % kind, resolved)["clusters"]["a"]["hosts"]
    assert [host["address"] for host in hosts] == ["10.0.0.1:80", "[2001:db8::1]:80"][:count]
    assert {host["hostname"] for host in hosts} == {"one.example"}
    assert {host["weight"] for host in hosts} == {3}


def test_an_unresolved_name_is_no_host() -> None:
    assert snapshot_of(STRICT % "STRICT_DNS")["clusters"]["a"]["hosts"] == []


def test_the_same_address_is_one_host() -> None:
    endpoint = "{endpoint: {address: {socket_address: {address: 10.0.0.1, port_value: 80}}}}"
    hosts = cluster(
        f"load_assignment: {{cluster_name: a, endpoints: [{{lb_endpoints: [{endpoint}, {endpoint}]}}, "
        f"{{priority: 1, lb_endpoints: [{endpoint}]}}]}}"
    )["hosts"]
    assert [(host["address"], host["priority"]) for host in hosts] == [("10.0.0.1:80", 0), ("10.0.0.1:80", 1)]


def test_the_first_available_policy_is_taken() -> None:
    text = """
static_resources:
  clusters:
  - name: a
    load_balancing_policy:
      policies:
      - typed_extension_config:
          name: unknown
          typed_config: {"@type": type.googleapis.com/example.Unknown}
      - typed_extension_config:
          name: maglev
          typed_config:
            "@type": type.googleapis.com/envoy.extensions.load_balancing_policies.maglev.v3.Maglev
"""
    assert codes(load_yaml(text)) == ["MC0203"]
    assert snapshot_of(text)["clusters"]["a"]["lb"]["policy"] == "maglev"


def test_statistics_come_from_the_registry() -> None:
    registry = StatRegistry()
    loaded = load_yaml(STRICT % "STRICT_DNS")
    first = config.build_snapshot(loaded, registry, {("one.example", 80): ["10.0.0.1"]})
    second = config.build_snapshot(loaded, registry, {("one.example", 80): ["10.0.0.2", "10.0.0.1"]})
    found = first["clusters"]["a"]
    assert found["stats"] == second["clusters"]["a"]["stats"] != 0
    assert found["hosts"][0]["stats"] == second["clusters"]["a"]["hosts"][1]["stats"] != 0
    assert {"cluster.a", "host.a.10.0.0.1:80", "server"} <= set(second["stats_scopes"])
    assert found["circuit_breakers"]["default"]["index"] != found["circuit_breakers"]["high"]["index"]


def test_a_full_registry_is_an_error_with_a_code() -> None:
    registry = StatRegistry(capacity={"counters": 8})
    with pytest.raises(ConfigError) as failure:
        config.build_snapshot(load_yaml(STRICT % "STRICT_DNS"), registry, {})
    assert [finding.code for finding in failure.value.findings] == ["MC0318"]


def test_a_bad_configuration_becomes_no_snapshot() -> None:
    with pytest.raises(ConfigError):
        config.build_snapshot(load_yaml("node: 5"), NullRegistry(), {})
