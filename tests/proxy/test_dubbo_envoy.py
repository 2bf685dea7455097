"""Envoy's `dubbo_proxy` configurations as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.peers.install.envoy import find_program
from tests.differential.programs import ABSENT, Envoy
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


def asked(client: Peer, service: str, method: str, *more: tuple[bytes, bytes]) -> str:
    """The cluster that answered, "" none."""
    version = dict(more).get(b"version", b"0.0.0").decode()     # Envoy does not take null
    attachments = [(b"path", service.encode()), *more]
    got = call(client, 1, service=service, method=method, version=version, attachments=attachments)
    return got.content if got.status == dubbo.OK and got.body[0] == 0x91 else ""


WEIGHTS = [{"name": "exact", "weight": 0}, {"name": "ends", "weight": 1}]
GROUPS: list[dict[str, Any]] = [
    {"name": "one", "interface": "org.one.Service", "routes": [
        to("gray", {"name": "gray", "string_match": {"exact": "yes"}}, exact="hello"),
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
        {"match": {"method": {"name": {"exact": "split"}}}, "route": {"weighted_clusters": {"clusters": WEIGHTS}}},
    ]},
]  # fmt: skip
ONE = "org.one.Service"
VERSION, GROUP = (b"version", b"2.0"), (b"group", b"blue")
ASKED: list[tuple[str, tuple[Any, ...]]] = [
    ("gray", (ONE, "hello", (b"gray", b"yes"))), ("exact", (ONE, "hello")),
    ("exact", (ONE, "hello", (b"gray", b"no"))), ("prefix", (ONE, "getThing")), ("prefix", (ONE, "get")),
    ("suffix", (ONE, "listAll")), ("contains", (ONE, "amidst")),
    ("regex", (ONE, "abc")), ("folded", (ONE, "loud")), ("versioned", ("org.two.Service", "any", VERSION, GROUP)),
    ("starts", ("org.three.Anything", "any")), ("ends", ("com.Suffixed", "m")), ("ends", ("org.four.Service", "split")),
    ("", (ONE, "abcd")), ("", (ONE, "Hello")), ("", ("org.two.Service", "any", VERSION)),
    ("", ("org.two.Service", "any", GROUP)), ("", ("org.three.", "any")), ("", (".Suffixed", "m")),
    ("", ("com.Suffixed", "n")), ("", ("org.one.Service2", "hello")),
]  # fmt: skip


def one_bootstrap(port: int, upstream: MakeUpstream, field: str) -> dict[str, Any]:
    def named(name: str) -> dict[str, Any]:
        return cluster(name, upstream(dubbo.serving(lambda message: dubbo.response(message.id, name))).port)

    routes = GROUPS if field == "route_config" else {"name": "all", "route_config": GROUPS}
    names = ("gray", "exact", "prefix", "suffix", "contains", "regex", "folded", "versioned", "starts", "ends")
    return bootstrap([listener(port, **{field: routes})], [named(name) for name in names])


@pytest.mark.parametrize("field", ["route_config", "multiple_route_config"])
def test_routes(start: Start, upstream: MakeUpstream, field: str) -> None:
    port = free_port()
    start(one_bootstrap(port, upstream, field))
    client = Peer.connect(port)
    assert [(asked(client, *request), request) for _, request in ASKED] == ASKED


@pytest.mark.peer
def test_envoy_routes_the_same(upstream: MakeUpstream, tmp_path: Path) -> None:
    if find_program() is None:
        pytest.skip(ABSENT)
    port = free_port()
    with Envoy(tmp_path, one_bootstrap(port, upstream, "multiple_route_config")):
        client = Peer.connect(port)
        assert [(asked(client, *request), request) for _, request in ASKED] == ASKED
