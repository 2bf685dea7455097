"""Listeners, HTTP managers, TCP proxies and access logs as the fast path takes them."""

from __future__ import annotations

from typing import Any

import pytest

from mosn import config
from mosn._fastpath.codec.frames import detectable
from mosn.config.lower.context import NullRegistry
from tests.config.corpus import CORPUS, http_listener, load_yaml, one_route


def snapshot_of(text: str) -> Any:
    loaded = load_yaml(text)
    assert loaded.errors == [], loaded.findings
    return config.build_snapshot(loaded, NullRegistry(), {})


def good(name: str) -> Any:
    loaded = config.load_file(CORPUS / "good" / name)
    return config.build_snapshot(loaded, NullRegistry(), {})


def manager(fields: str = "") -> Any:
    text = http_listener(one_route("{match: {prefix: /}, route: {cluster: a}}"), fields)
    return snapshot_of(text)["listeners"][0]["filter_chains"][0]["http"]


def test_defaults_of_the_http_manager() -> None:
    found = manager()
    expected = {
        "codec": "auto", "server_name": "envoy", "server_header": "overwrite", "use_remote_address": False,
        "generate_request_id": True, "normalize_path": False, "path_with_escaped_slashes": "keep", "strip_port": "none",
        "max_request_headers_bytes": 61_440, "max_headers_count": 100, "idle_timeout_ms": 3_600_000,
        "stream_idle_timeout_ms": 300_000, "request_timeout_ms": 0, "request_headers_timeout_ms": 0,
        "delayed_close_timeout_ms": 1000, "drain_timeout_ms": 5000, "max_requests_per_connection": 0, "upgrades": [],
        "headers_with_underscores": "allow", "header_casing": "lower", "route_table": "ingress",
    }  # fmt: skip
    assert {key: found[key] for key in expected} == expected


def test_every_field_of_the_http_manager() -> None:
    found = good("http-manager.yaml")["listeners"][0]["filter_chains"][0]["http"]
    expected = {
        "codec": "http1", "server_name": "edge", "server_header": "append_if_absent", "via": "1.1 edge",
        "xff_num_trusted_hops": 1, "path_with_escaped_slashes": "unescape_redirect", "strip_port": "any",
        "max_request_headers_bytes": 98_304, "stream_idle_timeout_ms": 60_000, "request_timeout_ms": 30_000,
        "delayed_close_timeout_ms": 500, "idle_timeout_ms": 900_000, "max_connection_duration_ms": 3_600_000,
        "max_headers_count": 60, "max_stream_duration_ms": 300_000, "headers_with_underscores": "reject",
        "max_requests_per_connection": 1000, "accept_http_10": True, "default_host_for_http_10": "edge.example.com",
        "header_casing": "proper", "suppress_envoy_headers": True, "respect_expected_rq_timeout": True,
    }  # fmt: skip
    assert {key: found[key] for key in expected} == expected
    assert found["upgrades"] == [
        {"type": "websocket", "enabled": True, "connect": False},
        {"type": "connect", "enabled": False, "connect": False},
    ]


def test_equal_route_tables_are_one() -> None:
    snapshot = good("gateway.yaml")
    tables = [listener["filter_chains"][0]["http"]["route_table"] for listener in snapshot["listeners"]]
    assert tables == ["main", "main", "main#2"]
    assert sorted(snapshot["route_tables"]) == ["main", "main#2"]


def test_addresses() -> None:
    snapshot = good("listeners.yaml")
    found = [(item["name"], item["address"], item["ipv4_compat"], item["mode"]) for item in snapshot["listeners"]]
    assert found == [
        ("dual", "[::]:8001", True, 0),
        ("dual#2", "127.0.0.1:8002", False, 0),
        ("dual#3", "127.0.0.1:8003", False, 0),
        ("file", "unix:/tmp/listener.sock", False, 0o660),
        ("abstract", "unix:@listener", False, 0),
        ("unbound", "10.96.0.1:443", False, 0),
        ("transparent", "0.0.0.0:8004", False, 0),
    ]


def test_limits_from_the_runtime() -> None:
    snapshot = good("listeners.yaml")
    assert {item["name"]: item["max_connections"] for item in snapshot["listeners"]}["dual"] == 5000
    assert {item["name"]: item["max_connections"] for item in snapshot["listeners"]}["file"] == 100
    assert snapshot["max_downstream_connections"] == 50_000


def test_limits_from_the_overload_manager() -> None:
    snapshot = good("overload.yaml")
    assert (snapshot["max_downstream_connections"], snapshot["max_heap_bytes"]) == (1000, 1024**3)


def test_listener_defaults() -> None:
    found = good("tcp-simple.yaml")["listeners"][0]
    expected = {
        "bind_to_port": True, "freebind": False, "transparent": False, "use_original_dst": False, "max_connections": 0,
        "listener_filters_timeout_ms": 15_000, "continue_on_listener_filters_timeout": False,
        "per_connection_buffer_limit_bytes": 1024 * 1024, "proxy_protocol": False, "tls_inspector": False,
        "default_filter_chain": None,
    }  # fmt: skip
    assert {key: found[key] for key in expected} == expected


def test_a_tcp_proxy() -> None:
    found = good("tcp-simple.yaml")["listeners"][0]["filter_chains"][0]["tcp"]
    assert found["idle_timeout_ms"] == 0
    assert found["max_connect_attempts"] == 3
    assert found["max_downstream_connection_duration_ms"] == 86_400_000
    assert found["hash_source_ip"] is True
    weighted = good("tcp-weighted.yaml")["listeners"][0]["filter_chains"][0]["tcp"]
    assert [(item["name"], item["weight"]) for item in weighted["clusters"]] == [("redis-a", 90), ("redis-b", 10)]
    assert weighted["total_weight"] == 100


def test_filter_chain_matches() -> None:
    found = good("filter-chains.yaml")["listeners"][0]
    by_name = {chain["name"]: chain["match"] for chain in found["filter_chains"]}
    assert by_name["sni"]["server_names"] == ["www.example.com", "*.example.org"]
    assert by_name["source"]["source_prefix_ranges"] == [
        {"address": "192.168.0.0", "prefix_len": 16},
        {"address": "fd00::", "prefix_len": 8},
    ]
    assert by_name["local"]["source_type"] == "same_ip_or_loopback"
    assert found["default_filter_chain"]["name"] == "rest"
    assert found["default_filter_chain"]["match"] is None
    assert found["tls_inspector"] and found["http_inspector"]


def test_protocols_that_are_told_apart() -> None:
    first, second = good("inspectors.yaml")["listeners"]
    assert (first["protocol_inspector"], second["protocol_inspector"]) == (["dubbo", "bolt"], list(detectable()))
    assert first["http_inspector"] and not second["http_inspector"]


def test_access_logs() -> None:
    snapshot = good("access-logs.yaml")
    logs = snapshot["listeners"][0]["filter_chains"][0]["http"]["access_logs"]
    paths = [snapshot["log_sinks"][log["sink"]]["path"] for log in logs]
    assert paths == ["/tmp/access.log", "/tmp/access.log", "/dev/stderr", "/dev/stdout", "/dev/stdout"]
    assert logs[0]["format"].startswith("[%START_TIME%]")
    assert logs[2]["filter"] == {"kind": "status", "op": "ge", "value": 400}
    assert [key for key, _ in logs[3]["json"]] == ["bytes", "code", "request", "time"]
    assert logs[3]["omit_empty_values"] is True
    children = logs[3]["filter"]["children"]
    assert [child["kind"] for child in children] == ["not_health_check", "duration", "or"]
    assert children[2]["children"][2]["fraction"] == {"numerator": 10, "denominator": 100}


@pytest.mark.parametrize("text", ["5", "5.5", "true", "null", "[1, [x], {a: b}]", "'%RESPONSE_CODE%'"])
def test_json_values_of_every_kind_are_compiled(text: str) -> None:
    from mosn._fastpath.proxy.format import FormatObject

    found = manager(
        "access_log: [{name: x, typed_config: {'@type': type.googleapis.com/envoy.extensions.access_loggers.stream.v3."
        f"StdoutAccessLog, log_format: {{json_format: {{key: {text}}}}}}}}}]"
    )
    FormatObject.json(found["access_logs"][0]["json"], False)
