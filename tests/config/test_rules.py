"""The rules in the API's descriptors."""

from __future__ import annotations

import pytest

from tests.config.corpus import codes, http_listener, load_yaml, one_route


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ("name: ''", "is required"),
        ("name: a, connect_timeout: 0s", "must be greater than 0s"),
        ("name: a, lb_policy: 99", "envoy.config.cluster.v3.Cluster.LbPolicy has no value 99"),
        ("name: a, common_lb_config: {healthy_panic_threshold: {value: 100.5}}", "must be at most 100"),
        ("name: a, common_lb_config: {healthy_panic_threshold: {value: NaN}}", "must be at most 100"),
        ("name: a, maglev_lb_config: {table_size: 5000013}", "must be at most 5000011"),
        ("name: a, lb_policy: RING_HASH, ring_hash_lb_config: {maximum_ring_size: 8388609}", "must be at most 8388608"),
        ("name: a, circuit_breakers: {thresholds: [{priority: 7}]}",
         "envoy.config.core.v3.RoutingPriority has no value 7"),
        ("name: a, load_assignment: {cluster_name: a, endpoints: [{priority: 129}]}", "must be at most 128"),
        ("name: a, load_assignment: {endpoints: []}", "is required"),
    ],
)  # fmt: skip
def test_clusters(fields: str, text: str) -> None:
    loaded = load_yaml(f"static_resources: {{clusters: [{{{fields}}}]}}")
    assert [finding.text for finding in loaded.errors] == [text]


@pytest.mark.parametrize(
    ("route", "code"),
    [
        ("{match: {prefix: /}, route: {}}", "MC0108"),
        ("{match: {}, route: {cluster: a}}", "MC0108"),
        ("{route: {cluster: a}}", "MC0108"),
        ("{match: {prefix: /}}", "MC0108"),
        ("{match: {path_separated_prefix: /a/}, route: {cluster: a}}", "MC0109"),
        ("{match: {prefix: /}, direct_response: {status: 99}}", "MC0109"),
        ("{match: {prefix: /}, route: {cluster: a, prefix_rewrite: \"a\\nb\"}}", "MC0109"),
        ("{match: {prefix: /}, request_headers_to_add: [{header: {key: \"a b\", value: v}}], route: {cluster: a}}",
         "MC0109"),
        ("{match: {prefix: /}, route: {cluster: a, upgrade_configs: [{upgrade_type: \"a\\r\"}]}}", "MC0109"),
    ],
)  # fmt: skip
def test_routes(route: str, code: str) -> None:
    assert codes(load_yaml(http_listener(one_route(route)))) == [code]


def test_payloads_of_extensions_are_checked_too() -> None:
    loaded = load_yaml(
        http_listener(one_route("{match: {prefix: /}, route: {cluster: a}}")).replace("stat_prefix: ingress", "")
    )
    assert [(error.code, error.path.rsplit(".", 1)[-1]) for error in loaded.errors] == [("MC0108", "stat_prefix")]


def test_a_field_that_was_wrong_is_not_called_missing() -> None:
    assert codes(load_yaml("static_resources: {clusters: [{name: [a]}]}")) == ["MC0102"]
