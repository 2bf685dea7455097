"""What routing costs: finding a route, header operations, hash policies and formats.

Run: .venv/bin/python -m pytest bench/micro/test_routing.py --benchmark-only
Numbers are per call of LOOP; divide by it (the column `ns` in extra_info does).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from mosn._fastpath.proxy.format import FormatObject
from mosn._fastpath.proxy.format_parse import DEFAULT_LOG_FORMAT
from mosn._fastpath.proxy.route import RouteTableObject
from mosn._fastpath.proxy.route_exchange import Exchange
from mosn._fastpath.proxy.route_face import find_often, format_often
from mosn.model import PathMatcher, Route, RouteTable

LOOP = 100_000
HEADERS = [("accept", "*/*"), ("user-agent", "curl/8.5"), ("x-request-id", "abc"), ("x-user", "zz")]


def route(kind: Any, value: str, headers: list[Any] | None = None) -> Route:
    path: PathMatcher = {"kind": kind, "value": value, "case_sensitive": True}
    return {
        "name": value, "match": {"path": path, "headers": headers or [], "query": [], "grpc": False, "fraction": None},
        "action": None, "redirect": None, "direct_response": {"status": 200, "body": b""}, "request_header_ops": [],
        "response_header_ops": [], "include_request_attempt_count": False, "include_attempt_count_in_response": False,
        "fault": None,
    }  # fmt: skip


def header(value: str) -> dict[str, Any]:
    string = {"kind": "exact", "value": value, "ignore_case": False}
    return {"name": "x-user", "kind": "string", "present": True, "string": string, "range_start": 0, "range_end": 0,
            "invert": False, "treat_missing_as_empty": False}  # fmt: skip


def table(*routes: Route, domains: list[list[str]] | None = None) -> RouteTableObject:
    spec: RouteTable = {"name": "t", "ignore_port_in_host_matching": False, "virtual_hosts": [
        {"name": f"v{i}", "domains": names, "require_tls": "none", "routes": list(routes)}
        for i, names in enumerate(domains or [["*"]])
    ]}  # fmt: skip
    return RouteTableObject(spec, {})


PREFIXES = [route("prefix", f"/api/v1/service{i}/") for i in range(9)]
ANY = route("prefix", "/")
DOMAINS = [[f"s{i}.ns.svc.cluster.local", f"s{i}", f"s{i}:80"] for i in range(300)] + [["*.example.com"]]
LONG = "/other/path/of/some/length?x=1"

TABLES: dict[str, tuple[Callable[[], RouteTableObject], Exchange]] = {
    "one_route": (lambda: table(ANY), Exchange(path=LONG)),
    "ten_prefixes": (lambda: table(*PREFIXES, ANY), Exchange(path=LONG)),
    "ten_prefixes_900_domains": (
        lambda: table(*PREFIXES, ANY, domains=DOMAINS), Exchange(path=LONG, authority="s200.ns.svc.cluster.local")),
    "ten_prefixes_wildcard_domain": (
        lambda: table(*PREFIXES, ANY, domains=DOMAINS), Exchange(path=LONG, authority="www.example.com")),
    "ten_headers": (
        lambda: table(*[route("prefix", "/", [header(f"u{i}")]) for i in range(9)], ANY), Exchange(headers=HEADERS)),
    "one_regex": (lambda: table(route("regex", "/api/v[0-9]+/.*"), ANY), Exchange(path="/api/v1/abc/def")),
    "thousand_paths": (
        lambda: table(*[route("path", f"/svc.Name{i}/Method") for i in range(1000)], ANY),
        Exchange(path="/svc.Name700/Method")),
    "thousand_prefixes": (
        lambda: table(*[route("prefix", f"/svc.Name{i}/") for i in range(1000)], ANY), Exchange(path="/svc.NameX/M")),
}  # fmt: skip


def measure(benchmark: Any, loop: Callable[[int], object]) -> None:
    """Processor time: the machine may be busy with other things."""
    benchmark._timer = time.process_time
    benchmark.pedantic(loop, args=(LOOP,), rounds=10, warmup_rounds=1)
    benchmark.extra_info["ns"] = round(benchmark.stats.stats.min / LOOP * 1e9, 1)


@pytest.mark.parametrize("name", TABLES)
def test_find(benchmark: Any, name: str) -> None:
    make, exchange = TABLES[name]
    compiled = make()
    assert find_often(compiled, [exchange], 1) == 1
    measure(benchmark, lambda n: find_often(compiled, [exchange], n))


FORMATS = {
    "default_line": FormatObject(DEFAULT_LOG_FORMAT),
    "json": FormatObject.json([(f"k{i}", f"%{name}%") for i, name in enumerate(
        ["START_TIME", "REQ(:METHOD)", "REQ(:PATH)", "PROTOCOL", "RESPONSE_CODE", "BYTES_SENT", "DURATION",
         "REQ(USER-AGENT)", "UPSTREAM_HOST", "ROUTE_NAME"])]),
    "start_time": FormatObject("%START_TIME%"),
    "start_time_custom": FormatObject("%START_TIME(%Y/%m/%d %H:%M:%S.%3f)%"),
    "header": FormatObject("%REQ(x-user)%"),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
def test_format(benchmark: Any, name: str) -> None:
    exchange = Exchange(path=LONG, headers=HEADERS, protocol="HTTP/1.1", start_wall_us=1_700_000_000_123_456,
                        start_us=100, end_us=5600)  # fmt: skip
    exchange.respond(200, [("x-envoy-upstream-service-time", "3")])
    measure(benchmark, lambda n: format_often(FORMATS[name], exchange, n))
