"""The translation of MOSN's JSON beyond what the golden files show."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from mosn import config
from mosn.config.load import LoadedConfig
from mosn.config.lower.context import NullRegistry
from mosn.config.mosn_json.addresses import split_host_port
from mosn.config.mosn_json.reader import envoy_duration, go_duration
from mosn.protocol.v1.rpc_proxy_pb2 import RpcProxy


def load(tree: Any) -> LoadedConfig:
    return config.load_text(json.dumps(tree), "mosn.json")


@pytest.mark.parametrize(
    ("text", "nanos"),
    [("0", 0), ("1s", 10**9), ("1m30s", 90 * 10**9), ("500ms", 5 * 10**8), ("1.5h", 5400 * 10**9), ("2µs", 2000),
     ("7", None), ("", None), ("s", None), ("1s ", None), ("-1s", None), ("9" * 60 + "s", None)],
)  # fmt: skip
def test_go_durations(text: str, nanos: int | None) -> None:
    assert go_duration(text) == nanos


def test_durations_for_envoy() -> None:
    assert [envoy_duration(value) for value in (0, 1, 10**9, 90 * 10**9, 1_500_000_000)] == [
        "0s", "0.000000001s", "1s", "90s", "1.5s",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a:80", ("a", 80)), (":80", ("", 80)), ("[::1]:80", ("::1", 80)), ("a", None), ("a:b", None), ("::1:80", None),
     ("a:99999", None), ("a:²", None)],
)  # fmt: skip
def test_host_and_port(text: str, expected: Any) -> None:
    assert split_host_port(text) == expected


def test_clusters_have_no_limits_unless_given() -> None:
    loaded = load({"cluster_manager": {"clusters": [{"name": "a", "circuit_breakers": [{"max_requests": 7}]}]}})
    (thresholds,) = loaded.bootstrap.static_resources.clusters[0].circuit_breakers.thresholds
    assert thresholds.max_requests.value == 7
    assert thresholds.max_connections.value == thresholds.max_retries.value == 2**32 - 1


def test_retries() -> None:
    def policy(fields: Any) -> Any:
        action = {"cluster_name": "a", **({"retry_policy": fields} if fields is not None else {})}
        host = {"name": "h", "domains": ["*"], "routers": [{"match": {"prefix": "/"}, "route": action}]}
        listener = {
            "name": "l", "address": "127.0.0.1:1", "filter_chains": [
                {"filters": [{"type": "proxy", "config": {"downstream_protocol": "Http1", "router_config_name": "r"}}]}
            ],
        }  # fmt: skip
        loaded = load({
            "servers": [{"listeners": [listener], "routers": [{"router_config_name": "r", "virtual_hosts": [host]}]}],
            "cluster_manager": {"clusters": [{"name": "a"}]},
        })  # fmt: skip
        assert loaded.errors == []
        dump = config.config_dump(loaded)["configs"][3]["static_route_configs"][0]["route_config"]
        return dump["virtual_hosts"][0]["routes"][0]["route"]["retry_policy"]

    assert policy(None) == {"retry_on": "connect-failure", "num_retries": 3}
    assert policy({"retry_on": True, "num_retries": 1}) == {"retry_on": "5xx,reset,connect-failure", "num_retries": 1}
    assert policy({"retry_on": True, "status_codes": [502]})["retriable_status_codes"] == [502]


def test_keys_in_any_case_and_their_doubles() -> None:
    loaded = load({"cluster_manager": {"CLUSTERS": [{"Name": "a"}]}})
    assert loaded.bootstrap.static_resources.clusters[0].name == "a"
    doubled = config.load_text('{"cluster_manager": {"clusters": [], "Clusters": []}}', "mosn.json")
    assert [finding.code for finding in doubled.findings] == ["MC0004"]


def test_findings_of_the_envoy_side_point_into_the_mosn_file() -> None:
    loaded = config.load_text(
        '{"servers": [],\n "cluster_manager": {"clusters": [\n  {"name": "a", "connect_timeout": "0s"}]}}', "mosn.json"
    )
    (error,) = loaded.errors
    assert (error.line, error.code, error.path) == (3, "MC0109", "cluster_manager.clusters[0].connect_timeout")


def test_percent_signs_of_log_formats() -> None:
    from mosn.config.findings import Findings
    from mosn.config.mosn_json.logs import format_text
    from mosn.config.mosn_json.reader import Reader
    from mosn.config.nodes import Scalar

    findings = Findings("a")
    text = Scalar(1, 1, "", "50% %bytes_sent% %nothing%", "")
    assert format_text(Reader(findings, None, ""), text, "k") == "50%% %BYTES_SENT% -"
    assert [finding.code for finding in findings.sorted()] == ["MC0403"]


def test_dubbo_calls_service_and_method_something_else() -> None:
    def matchers(protocol: str) -> list[Any]:
        headers = [
            {"name": "service", "value": ".*"},
            {"name": "method", "value": "say"},
            {"name": "method", "value": "s.y", "regex": True},
            {"name": "group", "value": "blue"},
        ]
        route = {"match": {"headers": headers}, "route": {"cluster_name": "a"}}
        host = {"name": "h", "domains": ["*"], "routers": [route]}
        proxy = {"type": "proxy", "config": {"downstream_protocol": protocol, "router_config_name": "r"}}
        listener = {"name": "l", "address": "127.0.0.1:1", "filter_chains": [{"filters": [proxy]}]}
        routers = [{"router_config_name": "r", "virtual_hosts": [host]}]
        loaded = load({
            "servers": [{"routers": routers, "listeners": [listener]}],
            "cluster_manager": {"clusters": [{"name": "a"}]},
        })  # fmt: skip
        proxy_config = RpcProxy()
        filter_chain = loaded.bootstrap.static_resources.listeners[0].filter_chains[0]
        assert filter_chain.filters[0].typed_config.Unpack(proxy_config)
        return list(proxy_config.route_config.virtual_hosts[0].routes[0].match.headers)

    bolt, dubbo = matchers("bolt"), matchers("dubbo")
    assert [matcher.name for matcher in bolt] == ["service", "method", "method", "group"]
    assert [matcher.name for matcher in dubbo] == [":authority", ":path", ":path", "group"]
    assert bolt[0].present_match and dubbo[0].present_match
    assert bolt[3] == dubbo[3]
    assert (bolt[1].string_match.exact, dubbo[1].string_match.suffix) == ("say", "/say")
    anywhere = re.compile(dubbo[2].string_match.safe_regex.regex)
    assert anywhere.fullmatch("/a.B/to_say") and not anywhere.fullmatch("/a.say/to")


@pytest.mark.parametrize(
    ("pattern", "path"),
    [("get", "(?s:.*)/[^/]*(?:get)[^/]*"), ("^get", "(?s:.*)/(?:get)[^/]*"), ("All$", "(?s:.*)/[^/]*(?:All)"),
     ("^get|list", None), ("a^b", None), ("get|list", "(?s:.*)/[^/]*(?:get|list)[^/]*")],
)  # fmt: skip
def test_methods_of_dubbo_by_expression(pattern: str, path: str | None) -> None:
    match = {"headers": [{"name": "method", "value": pattern, "regex": True}]}
    hosts = [{"name": "all", "domains": ["*"], "routers": [{"match": match, "route": {"cluster_name": "a"}}]}]
    proxy = {"type": "proxy", "config": {"downstream_protocol": "dubbo", "router_config_name": "r"}}
    loaded = load({
        "servers": [{
            "routers": [{"router_config_name": "r", "virtual_hosts": hosts}],
            "listeners": [{"name": "d", "address": "127.0.0.1:1", "filter_chains": [{"filters": [proxy]}]}],
        }],
        "cluster_manager": {"clusters": [{"name": "a"}]},
    })  # fmt: skip
    if path is None:
        assert [error.code for error in loaded.errors] == ["MC0405"]
        return
    snapshot = config.build_snapshot(loaded, NullRegistry(), {})
    (route,) = snapshot["route_tables"]["r"]["virtual_hosts"][0]["routes"]
    (header,) = route["match"]["headers"]
    assert (header["name"], header["string"]) == (":path", {"kind": "regex", "value": path, "ignore_case": False})
