"""Domain precedence against a slow oracle, and tables that are refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mosn._fastpath.proxy.route_exchange import Exchange
from mosn._fastpath.proxy.route_face import find
from mosn.model import RouteTable
from tests.fastpath.routing.tables import compiled, routes_spec, table_spec, to

LABELS = st.text("abAB.-", min_size=1, max_size=4)
DOMAINS = st.one_of(st.just("*"), LABELS, LABELS.map(lambda text: "*" + text), LABELS.map(lambda text: text + "*"))


def expected_host(domains: list[list[str]], host: str) -> int | None:
    """Envoy's documentation of VirtualHost.domains, read aloud."""
    host = host.lower()
    ranked: list[tuple[int, int, int]] = []
    for number, names in enumerate(domains):
        for name in names:
            if name == "*":
                ranked.append((3, 0, number))
            elif name.startswith("*"):
                if host.endswith(name[1:]) and len(host) > len(name) - 1:
                    ranked.append((1, -len(name), number))
            elif name.endswith("*"):
                if host.startswith(name[:-1]) and len(host) > len(name) - 1:
                    ranked.append((2, -len(name), number))
            elif name == host:
                ranked.append((0, 0, number))
    return min(ranked)[2] if ranked else None


@given(st.lists(DOMAINS, min_size=1, max_size=12, unique_by=str.lower), LABELS)
def test_precedence(names: list[str], host: str) -> None:
    domains = [[name.lower()] for name in names]
    spec = table_spec({"virtual_hosts": [
        {"name": f"v{i}", "domains": names, "routes": [to()]} for i, names in enumerate(domains)
    ]})  # fmt: skip
    assert find(compiled(spec), Exchange(authority=host))[0] == expected_host(domains, host)


def test_many_domains() -> None:
    count = 3000
    spec = table_spec({"virtual_hosts": [
        {"name": f"v{i}", "domains": [f"s{i}.ns.svc.cluster.local", f"*.s{i}.example.com"], "routes": [to()]}
        for i in range(count)
    ]})  # fmt: skip
    table = compiled(spec)
    for i in range(0, count, 7):
        assert find(table, Exchange(authority=f"S{i}.ns.svc.cluster.local"))[:2] == (i, 0)
        assert find(table, Exchange(authority=f"www.s{i}.example.com"))[:2] == (i, 0)
    assert find(table, Exchange(authority="s.ns.svc.cluster.local")) == (None, None, False)


@pytest.mark.parametrize("host", ["", "a" * 70_000, "\0", "*", "[", "[::1", ":", ":80", "a:b:c"])
def test_odd_hosts(host: str) -> None:
    table = compiled(routes_spec(to(), ignore_port_in_host_matching=True))
    assert find(table, Exchange(authority=host))[0] == 0
    other = table_spec({"virtual_hosts": [{"name": "v", "domains": ["a.com", "*.b"], "routes": [to()]}]})
    assert find(compiled(other), Exchange(authority=host))[0] is None


def broken(change: Any) -> RouteTable:
    spec = routes_spec(to(prefix="/x"), to())
    change(spec, spec["virtual_hosts"][0], spec["virtual_hosts"][0]["routes"][1])
    return spec


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda spec, host, route: host["domains"].append("*"), "'\\*' stands in more than one"),
        (lambda spec, host, route: host["domains"].extend(["a", "a"]), "'a' stands in more than one"),
        (lambda spec, host, route: host["domains"].append(""), "domain is empty"),
        (lambda spec, host, route: host["domains"].append("a" * 2000), "longer than"),
        (lambda spec, host, route: host.update(require_tls="some"), "require_tls 'some'"),
        (lambda spec, host, route: route["match"]["path"].update(kind="regex", value="(("),
         "'all', route 1.*missing \\)"),
        (lambda spec, host, route: route["match"]["path"].update(kind="glob"), "path matcher 'glob'"),
        (lambda spec, host, route: route["match"].pop("path"), "malformed.*path"),
        (lambda spec, host, route: route["action"].update(total_weight=7), "total_weight is 7"),
        (lambda spec, host, route: route["action"].update(clusters=[]), "names no cluster"),
        (lambda spec, host, route: route["action"].update(mirrors=[{"cluster": "no", "fraction": None}]), "'no'"),
        (lambda spec, host, route: route["action"].update(
            regex_rewrite={"pattern": "a", "substitution": "\\2"}), "requests 2 matches"),
        (lambda spec, host, route: route["request_header_ops"].append(
            {"op": "append", "name": "x", "value": "%NO%", "keep_empty": False}), "header 'x': unknown.*%NO%"),
        (lambda spec, host, route: route["request_header_ops"].append(
            {"op": "remove", "name": ":path", "value": "", "keep_empty": False}), "may not be modified"),
    ],
)  # fmt: skip
def test_tables_that_cannot_be_compiled(change: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        compiled(broken(change), "a")
