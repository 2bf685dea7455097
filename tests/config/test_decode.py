"""Nodes to messages: what Envoy's reader takes is taken, the rest is reported, all of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.config.corpus import codes, http_listener, load_yaml, one_route


def cluster(fields: str) -> Any:
    loaded = load_yaml(f"static_resources: {{clusters: [{{name: a, {fields}}}]}}")
    assert loaded.errors == [], loaded.findings
    return loaded.bootstrap.static_resources.clusters[0]


@pytest.mark.parametrize("value", ["16", '"16"', '"0x10"', "0x10", "020", '"1.6e1"', "{value: 16}"])
def test_whole_numbers(value: str) -> None:
    assert cluster(f"per_connection_buffer_limit_bytes: {value}").per_connection_buffer_limit_bytes.value == 16


@pytest.mark.parametrize("value", ["STATIC", "static", "0", '"0"'])
def test_enumerations_in_any_case_or_by_number(value: str) -> None:
    assert cluster(f"type: {value}").type == 0


@pytest.mark.parametrize(
    ("value", "nanos"),
    [("1.5s", 1_500_000_000), ("0.000000001s", 1), ("{seconds: 2}", 2_000_000_000), ("3s", 3 * 10**9)],
)
def test_durations(value: str, nanos: int) -> None:
    timeout = cluster(f"connect_timeout: {value}").connect_timeout
    assert timeout.seconds * 10**9 + timeout.nanos == nanos


@pytest.mark.parametrize("value", ["5", "5", "1m", "1.s", ".5s", "s", "1e3s", "5 s", "-5", "1.0000000001s", "[1s]"])
def test_what_is_no_duration(value: str) -> None:
    loaded = load_yaml(f'static_resources: {{clusters: [{{name: a, connect_timeout: "{value}"}}]}}')
    assert codes(loaded) == ["MC0104"]


def test_both_spellings_and_null() -> None:
    found = cluster("connectTimeout: 1s, alt_stat_name: null")
    assert found.connect_timeout.seconds == 1
    assert codes(load_yaml("static_resources: {clusters: [{name: a, altStatName: x, alt_stat_name: y}]}")) == ["MC0004"]


def test_a_single_value_is_a_list_of_one() -> None:
    loaded = load_yaml("static_resources: {clusters: {name: a}}")
    assert [item.name for item in loaded.bootstrap.static_resources.clusters] == ["a"]


@pytest.mark.parametrize("value", ["true", '"true"', '"1"', "yes"])
def test_booleans(value: str) -> None:
    loaded = load_yaml(f"stats_flush_on_admin: {value}")
    assert loaded.bootstrap.stats_flush_on_admin is True


def test_structs_keep_every_kind_of_value() -> None:
    loaded = load_yaml('node: {metadata: {a: 1, b: "1", c: [true, null, {d: x}], e: 1.5, f: 99999999999}}')
    fields = loaded.bootstrap.node.metadata.fields
    assert fields["a"].number_value == 1
    assert fields["b"].string_value == "1"
    assert [value.WhichOneof("kind") for value in fields["c"].list_value.values] == [
        "bool_value", "null_value", "struct_value",
    ]  # fmt: skip
    assert fields["e"].string_value == "1.5"
    assert fields["f"].string_value == "99999999999"


def test_every_mistake_is_found_at_once() -> None:
    loaded = load_yaml(
        "static_resources:\n  clusters:\n  - name: 5\n    typ: STATIC\n    connect_timeout: 1\n  - lb_policy: NONE\n"
    )
    assert [(error.line, error.code) for error in loaded.errors] == [
        (3, "MC0102"), (4, "MC0101"), (5, "MC0104"), (6, "MC0108"), (6, "MC0103"),
    ]  # fmt: skip


def test_an_alternative_given_twice_keeps_the_first() -> None:
    loaded = load_yaml(http_listener(one_route("{match: {prefix: /, path: /a}, route: {cluster: a}}")))
    assert codes(loaded) == ["MC0106"]
    assert loaded.findings[0].path.endswith("match.path")


def test_typed_structs_are_the_type_that_they_name() -> None:
    loaded = load_yaml(
        http_listener(one_route("{match: {prefix: /}, route: {cluster: a}}")).replace(
            '{"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}',
            '{"@type": type.googleapis.com/udpa.type.v1.TypedStruct, value: {suppres_envoy_headers: true}, '
            "type_url: type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}",
        )
    )
    assert codes(loaded) == ["MC0101"]
    assert loaded.findings[0].suggestion == "suppress_envoy_headers"


def test_only_modules_of_the_api_are_imported() -> None:
    loaded = load_yaml(
        'static_resources: {listeners: [{name: a, filter_chains: [{filters: [{name: a, typed_config: '
        '{"@type": "x/os.path.Evil"}}]}]}]}'
    )  # fmt: skip
    assert "the extension os.path.Evil is unknown" in [finding.text for finding in loaded.findings]


def test_findings_point_at_the_value() -> None:
    loaded = load_yaml("node:\n  id: a\n  locality:\n    zon: b\n")
    finding = loaded.errors[0]
    assert (finding.line, finding.column, finding.path) == (4, 5, "node.locality.zon")
    assert str(finding) == (
        'test.yaml:4:5 MC0101 node.locality.zon: envoy.config.core.v3.Locality has no such field (did you mean "zone"?)'
    )


def test_findings_are_limited() -> None:
    loaded = load_yaml("static_resources: {clusters: [" + "{nam: a}, " * 5000 + "]}")
    assert len(loaded.findings) <= 1000
