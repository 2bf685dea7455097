"""Envoy's `dubbo_proxy` configurations as they are."""

from __future__ import annotations

from typing import Any

import pytest

from tests.proxy import dubbo
from tests.proxy.conftest import MakeUpstream, Start
from tests.proxy.dubbo import call
from tests.proxy.sidecar import address, bootstrap, cluster, free_port
from tests.proxy.upstream import Peer

DUBBO = "type.googleapis.com/envoy.extensions.filters.network.dubbo_proxy.v3.DubboProxy"
ROUTER = "type.googleapis.com/envoy.extensions.filters.network.dubbo_proxy.router.v3.Router"


def listener(port: int, **proxy: Any) -> dict[str, Any]:
    config = {
        "@type": DUBBO,
        "stat_prefix": "dubbo",
        "protocol_type": "Dubbo",
        "serialization_type": "Hessian2",
        "dubbo_filters": [{"name": "envoy.filters.dubbo.router", "config": {"@type": ROUTER}}],
        **proxy,
    }
    filters = [{"name": "envoy.filters.network.dubbo_proxy", "typed_config": config}]
    return {"name": "dubbo", "address": address(port), "filter_chains": [{"filters": filters}]}


def to(cluster: str, *headers: dict[str, Any], **name: Any) -> dict[str, Any]:
    return {"match": {"headers": list(headers), "method": {"name": name}}, "route": {"cluster": cluster}}


@pytest.mark.parametrize("field", ["route_config", "multiple_route_config"])
def test_routes(start: Start, upstream: MakeUpstream, field: str) -> None:
    gray = {"name": "gray", "string_match": {"exact": "yes"}}
    weights = [{"name": "exact", "weight": 0}, {"name": "ends", "weight": 1}]
    groups: list[dict[str, Any]] = [
        {"name": "one", "interface": "org.one.Service", "routes": [
            to("gray", gray, exact="hello"),
            to("exact", exact="hello"),
            to("prefix", prefix="get"),
            to("suffix", suffix="All"),
            to("contains", contains="mid"),
            to("regex", safe_regex={"regex": "[a-c]+"}),
            to("folded", exact="LOUD", ignore_case=True),
        ]},
        {"name": "versioned", "interface": "org.two.Service", "version": "2.0", "group": "blue",
         "routes": [to("versioned", safe_regex={"regex": ".*"})]},
        {"name": "starts", "interface": "org.three.*", "routes": [to("starts", safe_regex={"regex": ".+"})]},
        {"name": "ends", "interface": "*.Suffixed", "routes": [to("ends", exact="m")]},
        {"name": "weighted", "interface": "org.four.Service", "routes": [
            {"match": {"method": {"name": {"exact": "split"}}}, "route": {"weighted_clusters": {"clusters": weights}}},
        ]},
    ]  # fmt: skip
    names = ("gray", "exact", "prefix", "suffix", "contains", "regex", "folded", "versioned", "starts", "ends")

    def named(name: str) -> dict[str, Any]:
        return cluster(name, upstream(dubbo.serving(lambda message: dubbo.response(message.id, name))).port)

    port = free_port()
    routes = groups if field == "route_config" else {"name": "all", "route_config": groups}
    start(bootstrap([listener(port, **{field: routes})], [named(name) for name in names]))
    client = Peer.connect(port)

    def ask(service: str, method: str, *more: tuple[bytes, bytes]) -> str:
        attachments = [(b"path", service.encode()), *more]
        got = call(client, 1, service=service, method=method, version=None, attachments=attachments)
        assert got.status in (dubbo.OK, 60)
        return got.content

    one = "org.one.Service"
    assert ask(one, "hello", (b"gray", b"yes")) == "gray"
    assert [ask(one, method) for method in ("hello", "getThing", "listAll", "amidst", "abc", "loud")] == [
        "exact", "prefix", "suffix", "contains", "regex", "folded",
    ]  # fmt: skip
    assert ask("org.two.Service", "any", (b"version", b"2.0"), (b"group", b"blue")) == "versioned"
    assert ask("org.three.Anything", "any") == "starts"
    assert ask("com.Suffixed", "m") == "ends"
    assert ask("org.four.Service", "split") == "ends"
    nobody: list[tuple[Any, ...]] = [
        (one, "abcd"), (one, "Hello"), ("org.two.Service", "any", (b"version", b"2.0")), ("org.three.", "any"),
        (".Suffixed", "m"), ("com.Suffixed", "n"), ("org.one.Service2", "hello"),
    ]  # fmt: skip
    assert [ask(*each) for each in nobody] == ["route_not_found"] * len(nobody)
