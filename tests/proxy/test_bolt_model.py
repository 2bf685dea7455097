"""BOLT in the one request model: routes, header changes, mirrors, logs, MOSN's configuration."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.proxy import bolt
from tests.proxy.bolt import call
from tests.proxy.conftest import MakeUpstream, Start
from tests.proxy.rpc import one_cluster, rpc_listener
from tests.proxy.sidecar import bootstrap, cluster, free_port, route
from tests.proxy.upstream import Peer


def test_routing_by_service_method_and_header(start: Start, upstream: MakeUpstream) -> None:
    def named(name: bytes) -> int:
        return upstream(bolt.serving(lambda message: bolt.response(message.id, name))).port

    def by_header(name: str, value: str, cluster: str) -> dict[str, Any]:
        matcher = {"name": name, "string_match": {"exact": value}}
        return {"match": {"prefix": "/", "headers": [matcher]}, "route": {"cluster": cluster}}

    port = free_port()
    routes = [
        by_header("gray", "yes", "header"),
        {"match": {"path": "/com.example.Greeter:1.0/special"}, "route": {"cluster": "method"}},
        by_header("service", "com.example.Other:1.0", "service"),
        route(cluster="rest"),
    ]
    names = ("header", "method", "service", "rest")
    start(bootstrap([rpc_listener(port, routes)], [cluster(name, named(name.encode())) for name in names]))
    client = Peer.connect(port)

    def ask(*args: Any) -> bytes:
        return call(client, 1, headers=bolt.sofa_headers(*args)).content

    assert ask(bolt.SERVICE, b"greet", (b"Gray", b"yes")) == b"header"
    assert ask(bolt.SERVICE, b"special") == b"method"
    assert ask(b"com.example.Other:1.0") == b"service"
    assert ask() == b"rest"


@pytest.mark.parametrize(("v2", "crc"), [(0, False), (2, True)])
def test_header_operations(start: Start, upstream: MakeUpstream, v2: int, crc: bool) -> None:
    seen: list[bolt.Message] = []

    def answer(message: bolt.Message) -> bytes | None:
        seen.append(message)
        return bolt.response(message.id, b"body", headers=[(b"Kept", b"1"), (b"gone", b"2")], v2=v2, crc=crc)

    changed = {
        "match": {"prefix": "/"},
        "route": {"cluster": "backend"},
        "request_headers_to_add": [
            {"header": {"key": "zone", "value": "%REQ(App)%-1"}},
            {"header": {"key": "app", "value": "other"}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"},
        ],
        "request_headers_to_remove": ["secret"],
        "response_headers_to_remove": ["gone"],
        "response_headers_to_add": [{"header": {"key": "by", "value": "mosn"}}],
    }
    port = free_port()
    clusters = [cluster("backend", upstream(bolt.serving(answer)).port)]
    start(bootstrap([rpc_listener(port, [changed])], clusters))
    client = Peer.connect(port)
    own = [(b"App", b"mine"), (b"Secret", b"x"), (b"nothing", None), (b"Camel.Case", b"y")]
    got = call(client, 1, b"\x00content\xff", headers=own, v2=v2, crc=crc)
    assert seen[0].headers == [(b"App", b"other"), (b"nothing", None), (b"Camel.Case", b"y"), (b"zone", b"mine-1")]
    assert (seen[0].content, seen[0].class_name) == (b"\x00content\xff", bolt.REQUEST_CLASS)
    assert (got.headers, got.content) == ([(b"Kept", b"1"), (b"by", b"mosn")], b"body")


def test_access_log(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    made = upstream(bolt.serving(bolt.echo))
    words = "%PROTOCOL% %REQ(:AUTHORITY)% %REQ(:PATH)% %REQ(app)% %RESPONSE_CODE% %BYTES_RECEIVED% %BYTES_SENT%\n"
    config = one_cluster(port, made.port)
    sidecar = start(config)
    log = sidecar.directory / "access.log"
    file = {
        "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
        "path": str(log),
        "log_format": {"text_format_source": {"inline_string": words}},
    }
    logs = [{"name": "file", "typed_config": file}]
    assert sidecar.reload(one_cluster(port, made.port, access_log=logs)).returncode == 0
    call(Peer.connect(port), 1, b"12345")
    deadline = time.monotonic() + 5
    while not (log.exists() and log.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert log.read_text() == "BOLT com.example.Greeter:1.0 /com.example.Greeter:1.0/greet test 200 5 5\n"


def mosn_json(port: int, upstream: int, protocol: dict[str, Any]) -> dict[str, Any]:
    def to(cluster: str, **match: Any) -> dict[str, Any]:
        return {"match": match, "route": {"cluster_name": cluster}}

    by_service = {"headers": [{"name": "service", "value": "com.example.Missing:1.0"}]}
    routers = [to("nobody", **by_service), to("backend", headers=[{"name": "service", "value": ".*"}])]
    proxy = {"type": "proxy", "config": {**protocol, "router_config_name": "r"}}
    hosts = [{"name": "all", "domains": ["*"], "routers": routers}]
    return {
        "servers": [{
            "routers": [{"router_config_name": "r", "virtual_hosts": hosts}],
            "listeners": [{
                "name": "bolt", "address": f"127.0.0.1:{port}", "bind_port": True,
                "filter_chains": [{"filters": [proxy]}],
            }],
        }],
        "cluster_manager": {"clusters": [
            {"name": "backend", "type": "SIMPLE", "hosts": [{"address": f"127.0.0.1:{upstream}"}]},
            {"name": "nobody", "type": "SIMPLE", "lb_type": "LB_RANDOM", "hosts": []},
        ]},
    }  # fmt: skip


@pytest.mark.parametrize(
    "protocol",
    [
        {"downstream_protocol": "bolt", "upstream_protocol": "bolt"},
        {"downstream_protocol": "boltv2", "upstream_protocol": "boltv2"},
        {"downstream_protocol": "X", "upstream_protocol": "X", "extend_config": {"sub_protocol": "bolt"}},
    ],
)
def test_mosn_json(start: Start, upstream: MakeUpstream, protocol: dict[str, Any]) -> None:
    port = free_port()
    config = mosn_json(port, upstream(bolt.serving(bolt.echo)).port, protocol)
    start(config)
    client = Peer.connect(port)
    assert call(client, 1, b"json").content == b"json"
    missing = call(client, 2, headers=bolt.sofa_headers(b"com.example.Missing:1.0"))
    assert b"no healthy upstream" in missing.error_text


def test_mirrors(start: Start, upstream: MakeUpstream) -> None:
    copies: list[bolt.Message] = []

    def shadow(message: bolt.Message) -> bytes | None:
        copies.append(message)
        return bolt.response(message.id, b"nobody reads this")

    port = free_port()
    mirrored = route(request_mirror_policies=[{"cluster": "shadow"}])
    clusters = [
        cluster("backend", upstream(bolt.serving(bolt.echo)).port),
        cluster("shadow", upstream(bolt.serving(shadow)).port),
    ]
    sidecar = start(bootstrap([rpc_listener(port, [mirrored])], clusters))
    client = Peer.connect(port)
    for id in (5, 6):
        assert call(client, id, b"twice %d" % id).content == b"twice %d" % id
    sidecar.wait_stat("cluster.shadow.upstream_rq_2xx", 2)
    assert [message.content for message in copies] == [b"twice 5", b"twice 6"]
    assert copies[0].headers == list(bolt.sofa_headers())
    sidecar.wait_stat("cluster.shadow.upstream_rq_active", 0)
