"""Route configurations as the fast path takes them."""

from __future__ import annotations

from typing import Any

import pytest

from mosn import config
from mosn.config.lower.context import NullRegistry
from tests.config.corpus import codes, http_listener, load_yaml, one_route


def table(route_config: str, manager: str = "") -> Any:
    loaded = load_yaml(http_listener(route_config, manager))
    assert loaded.errors == [], loaded.findings
    snapshot = config.build_snapshot(loaded, NullRegistry(), {})
    (found,) = snapshot["route_tables"].values()
    return found


def route(text: str) -> Any:
    return table(one_route(text))["virtual_hosts"][0]["routes"][0]


def action(fields: str) -> Any:
    return route(f"{{match: {{prefix: /}}, route: {{{fields}}}}}")["action"]


def test_defaults_of_an_action() -> None:
    found = action("cluster: a")
    assert found["clusters"] == [
        {"name": "a", "weight": 1, "request_header_ops": [], "response_header_ops": [], "host_rewrite": ""}
    ]
    assert found["total_weight"] == 1
    assert found["timeout_ms"] == 15_000
    assert found["idle_timeout_ms"] == found["max_stream_duration_ms"] == -1
    assert found["cluster_not_found_response_code"] == 503
    assert found["priority"] == "default"
    assert found["retry_policy"] is None
    assert found["prefix_rewrite_set"] is False


@pytest.mark.parametrize(
    ("text", "milliseconds"), [("0s", 0), ("0.0001s", 1), ("1.9999s", 1999), ("9000000000s", 2**31 - 1)]
)
def test_durations_in_milliseconds(text: str, milliseconds: int) -> None:
    assert action(f"cluster: a, timeout: {text}")["timeout_ms"] == milliseconds


def test_defaults_of_a_retry_policy() -> None:
    assert action("cluster: a, retry_policy: {retry_on: 5xx}")["retry_policy"] == {
        "retry_on": ["5xx"],
        "num_retries": 1,
        "per_try_timeout_ms": 0,
        "per_try_idle_timeout_ms": 0,
        "retriable_status_codes": [],
        "retriable_headers": [],
        "retriable_request_headers": [],
        "base_interval_ms": 25,
        "max_interval_ms": 250,
        "previous_hosts": False,
        "host_selection_retry_max_attempts": 1,
    }


def test_the_longest_back_off_follows_the_base() -> None:
    found = action("cluster: a, retry_policy: {retry_on: 5xx, retry_back_off: {base_interval: 0.1s}}")["retry_policy"]
    assert (found["base_interval_ms"], found["max_interval_ms"]) == (100, 1000)


def test_a_routes_policies_replace_those_above() -> None:
    found = table(
        "{request_mirror_policies: [{cluster: b}], virtual_hosts: [{name: all, domains: ['*'], "
        "retry_policy: {retry_on: reset}, include_request_attempt_count: true, routes: ["
        "{match: {path: /a}, route: {cluster: a}}, "
        "{match: {path: /b}, route: {cluster: a, retry_policy: {retry_on: 5xx}, request_mirror_policies: "
        "[{cluster: a, runtime_fraction: {default_value: {numerator: 1}}}]}}]}]}"
    )
    first, second = found["virtual_hosts"][0]["routes"]
    assert first["action"]["retry_policy"]["retry_on"] == ["reset"]
    assert first["action"]["mirrors"] == [{"cluster": "b", "fraction": None}]
    assert first["include_request_attempt_count"] is True
    assert second["action"]["retry_policy"]["retry_on"] == ["5xx"]
    assert second["action"]["mirrors"] == [{"cluster": "a", "fraction": {"numerator": 1, "denominator": 100}}]


LEVELS = """{
  name: levels, %s
  request_headers_to_add: [{header: {key: L, value: table}}], request_headers_to_remove: [T],
  virtual_hosts: [{name: all, domains: ["*"], request_headers_to_add: [{header: {key: L, value: host}}], routes: [
    {match: {prefix: /}, request_headers_to_add: [{header: {key: L, value: route}}], route: {weighted_clusters: {
      clusters: [{name: a, weight: 1, request_headers_to_add: [{header: {key: L, value: cluster}}]}]}}}]}]}
"""


def order(found: Any) -> list[str]:
    """Values in the order in which a worker applies them: the cluster's operations, then the route's."""
    chosen = found["virtual_hosts"][0]["routes"][0]
    ops = chosen["action"]["clusters"][0]["request_header_ops"] + chosen["request_header_ops"]
    return [op["value"] or op["op"] for op in ops]


def test_the_table_has_the_last_word() -> None:
    assert order(table(LEVELS % "")) == ["cluster", "route", "host", "remove", "table"]


def test_the_most_specific_has_the_last_word() -> None:
    found = table(LEVELS % "most_specific_header_mutations_wins: true,")
    assert order(found) == ["remove", "table", "host", "route", "cluster"]


@pytest.mark.parametrize(
    ("option", "op"),
    [
        ("", "append"), (", append_action: ADD_IF_ABSENT", "add"), (", append_action: OVERWRITE_IF_EXISTS", "replace"),
        (", append_action: OVERWRITE_IF_EXISTS_OR_ADD", "overwrite"), (", append: false", "overwrite"),
        (", append: true", "append"),
    ],
)  # fmt: skip
def test_header_operations(option: str, op: str) -> None:
    found = route(
        f"{{match: {{prefix: /}}, response_headers_to_add: [{{header: {{key: X-A, value: v}}{option}}}], "
        "non_forwarding_action: {}}"
    )
    assert found["response_header_ops"] == [{"op": op, "name": "x-a", "value": "v", "keep_empty": False}]
    assert found["action"] is found["redirect"] is found["direct_response"] is None


@pytest.mark.parametrize(
    ("matcher", "expected"),
    [
        ("exact_match: v", ("string", {"kind": "exact", "value": "v", "ignore_case": False})),
        ("prefix_match: v", ("string", {"kind": "prefix", "value": "v", "ignore_case": False})),
        ("contains_match: v", ("string", {"kind": "contains", "value": "v", "ignore_case": False})),
        ("safe_regex_match: {regex: v}", ("string", {"kind": "regex", "value": "v", "ignore_case": False})),
        ("string_match: {suffix: v, ignore_case: true}",
         ("string", {"kind": "suffix", "value": "v", "ignore_case": True})),
        ("range_match: {start: -1, end: 5}", ("range", None)),
        ("present_match: false", ("present", None)),
    ],
)  # fmt: skip
def test_header_matchers(matcher: str, expected: tuple[str, Any]) -> None:
    found = route(f"{{match: {{prefix: /, headers: [{{name: X-Name, {matcher}}}]}}, route: {{cluster: a}}}}")
    header = found["match"]["headers"][0]
    assert header["name"] == "x-name"
    assert (header["kind"], header["string"]) == expected
    assert header["present"] is (matcher != "present_match: false")


def test_fractions_follow_the_runtime() -> None:
    text = http_listener(
        one_route(
            "{match: {prefix: /, runtime_fraction: {default_value: {numerator: 10, denominator: MILLION}, "
            "runtime_key: canary}}, route: {cluster: a}}"
        )
    )
    for runtime, expected in [
        ("", (10, 1_000_000)),
        ("canary: 30", (30, 100)),
        ("canary: {numerator: 7, denominator: TEN_THOUSAND}", (7, 10_000)),
        ("canary: nonsense", (10, 1_000_000)),
    ]:
        layer = f"layered_runtime: {{layers: [{{name: s, static_layer: {{{runtime}}}}}]}}\n"
        loaded = load_yaml(text + layer)
        snapshot = config.build_snapshot(loaded, NullRegistry(), {})
        (found,) = snapshot["route_tables"].values()
        fraction = found["virtual_hosts"][0]["routes"][0]["match"]["fraction"]
        assert fraction is not None
        assert (fraction["numerator"], fraction["denominator"]) == expected


def test_domains_are_lower_case() -> None:
    found = table("{virtual_hosts: [{name: all, domains: [EXAMPLE.com, '*.Example.com'], require_tls: ALL}]}")
    assert found["virtual_hosts"][0]["domains"] == ["example.com", "*.example.com"]
    assert found["virtual_hosts"][0]["require_tls"] == "all"


def test_bodies_of_direct_responses_are_limited() -> None:
    text = one_route(
        f"{{match: {{prefix: /}}, direct_response: {{status: 200, body: {{inline_string: {'x' * 5000}}}}}}}"
    )
    assert codes(load_yaml(http_listener(text))) == ["MC0109"]
    larger = text.replace("{virtual_hosts", "{max_direct_response_body_size_bytes: 5000, virtual_hosts", 1)
    assert table(larger)["virtual_hosts"][0]["routes"][0]["direct_response"]["body"] == b"x" * 5000


def test_validation_of_clusters_can_be_switched_off() -> None:
    text = one_route("{match: {prefix: /}, route: {cluster: nowhere}}")
    assert codes(load_yaml(http_listener(text))) == ["MC0304"]
    assert codes(load_yaml(http_listener(text.replace("{virtual", "{validate_clusters: false, virtual", 1)))) == []
