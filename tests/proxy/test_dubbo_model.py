"""Dubbo in the one request model: routes, attachments, retries, mirrors, hashing, logs."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import pytest

from tests.proxy import dubbo, rpc
from tests.proxy.conftest import MakeUpstream, Start
from tests.proxy.dubbo import call
from tests.proxy.sidecar import bootstrap, cluster, free_port, route
from tests.proxy.upstream import Peer


def listener(port: int, routes: list[dict[str, Any]], **proxy: Any) -> dict[str, Any]:
    return rpc.rpc_listener(port, routes, protocol="dubbo", stat_prefix="dubbo", **proxy)


def header(name: str, value: str) -> dict[str, Any]:
    return {"name": name, "string_match": {"exact": value}}


def by_headers(cluster: str, *headers: dict[str, Any]) -> dict[str, Any]:
    return {"match": {"prefix": "/", "headers": list(headers)}, "route": {"cluster": cluster}}


@pytest.mark.parametrize("serialization", [dubbo.HESSIAN2, dubbo.FASTJSON2])
def test_routing_by_service_method_version_group_and_attachment(
    start: Start, upstream: MakeUpstream, serialization: int
) -> None:
    def named(name: str) -> int:
        return upstream(dubbo.serving(lambda message: dubbo.response(message.id, name))).port

    port = free_port()
    routes = [
        by_headers("attachment", header("gray", "yes")),
        {"match": {"path": "/com.example.Greeter/special"}, "route": {"cluster": "method"}},
        by_headers("service", header(":authority", "com.example.Other")),
        by_headers("group", header("group", "blue"), header("version", "1.0.0")),
        by_headers("version", header("version", "2.0.0")),
        route(cluster="rest"),
    ]
    names = ("attachment", "method", "service", "group", "version", "rest")
    start(bootstrap([listener(port, routes)], [cluster(name, named(name)) for name in names]))
    client = Peer.connect(port)

    def ask(*more: tuple[bytes, bytes], **options: Any) -> str:
        service = options.get("service", dubbo.SERVICE)
        attachments = options.pop("attachments", dubbo.attached(service, *more))
        return call(client, 1, attachments=attachments, serialization=serialization, **options).content

    assert ask((b"Gray", b"yes")) == "attachment"
    assert ask(method="special") == "method"
    assert ask(service="com.example.Other") == "service"
    assert ask((b"group", b"blue")) == "group"
    # The field of the body counts where no attachment says it, and the attachment where one does.
    assert ask(version="2.0.0", attachments=[]) == "version"
    assert ask(version="2.0.0") == "rest"
    assert ask(version=None, attachments=[]) == "rest"


@pytest.mark.parametrize("serialization", [dubbo.HESSIAN2, dubbo.FASTJSON2])
def test_attachments_are_added_changed_and_removed(start: Start, upstream: MakeUpstream, serialization: int) -> None:
    seen: list[dubbo.Message] = []

    def answer(message: dubbo.Message) -> bytes | None:
        seen.append(message)
        return dubbo.echo(message)

    changed = {
        "match": {"prefix": "/"},
        "route": {"cluster": "backend"},
        "request_headers_to_add": [
            {"header": {"key": "zone", "value": "%REQ(App)%-1"}},
            {"header": {"key": "app", "value": "other"}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"},
        ],
        "request_headers_to_remove": ["secret"],
    }
    port = free_port()
    start(bootstrap([listener(port, [changed])], [cluster("backend", upstream(dubbo.serving(answer)).port)]))
    client = Peer.connect(port)
    own = [(b"App", b"mine"), (b"Secret", b"x"), (b"Camel.Case", b"y")]
    got = call(client, 2**64 - 1, "same", attachments=own, serialization=serialization)
    assert (got.id, got.content, seen[0].content) == (2**64 - 1, "same", "same")
    changed_as_a_client_would = dubbo.request(
        seen[0].id, "same", serialization=serialization,
        attachments=[(b"App", b"other"), (b"Camel.Case", b"y"), (b"zone", b"mine-1")],
    )  # fmt: skip
    assert seen[0].raw == changed_as_a_client_would


def test_what_cannot_be_read_is_routed_by_configuration(start: Start, upstream: MakeUpstream) -> None:
    seen: list[bytes] = []

    def answer(message: dubbo.Message) -> bytes | None:
        seen.append(message.raw)
        return dubbo.frame(b"java too", flags=3, status=dubbo.OK, id=message.id)

    port = free_port()
    routes = [
        {"match": {"path": "/com.example.Greeter/greet"}, "direct_response": {"status": 500}},
        by_headers("nobody", {"name": "version", "present_match": True}),
        route(),
    ]
    clusters = [cluster("backend", upstream(dubbo.serving(answer)).port), cluster("nobody")]
    start(bootstrap([listener(port, routes)], clusters))
    client = Peer.connect(port)
    flags = dubbo.REQUEST | dubbo.TWO_WAY | 3
    client.send(dubbo.frame(b"\xac\xed java serialization", flags=flags, id=5))
    assert dubbo.read(client).raw == dubbo.frame(b"java too", flags=3, status=dubbo.OK, id=5)
    assert seen[0][12:] == dubbo.frame(b"\xac\xed java serialization", flags=flags)[12:]


RETRIES = {"retry_on": "5xx", "num_retries": 3, "retry_back_off": {"base_interval": "0.02s"}}


@pytest.mark.parametrize("read", [False, True])
@pytest.mark.parametrize("serialization", [dubbo.HESSIAN2, dubbo.FASTJSON2])
def test_retries_have_less_time(start: Start, upstream: MakeUpstream, serialization: int, read: bool) -> None:
    seen: list[dubbo.Message] = []

    def busy(message: dubbo.Message) -> bytes | None:
        seen.append(message)
        return dubbo.response(message.id, "full", status=100) if len(seen) < 3 else dubbo.echo(message)

    port = free_port()
    routes = [route(retry_policy=RETRIES)]
    if read:
        routes.insert(0, by_headers("backend", header("no such", "attachment")))
    sidecar = start(bootstrap([listener(port, routes)], [cluster("backend", upstream(dubbo.serving(busy)).port)]))
    client = Peer.connect(port)
    timed = dubbo.attached(dubbo.SERVICE, (b"timeout", b"60000"), (b"last", b"one"))
    assert call(client, 1, "again", attachments=timed, serialization=serialization).content == "again"
    assert [message.content for message in seen] == ["again"] * 3
    # The first attempt may have waited for its connection, too.
    first = dubbo.attached(dubbo.SERVICE, (b"timeout", seen[0].attachments[b"timeout"]), (b"last", b"one"))
    assert seen[0].raw == dubbo.request(seen[0].id, "again", attachments=first, serialization=serialization)
    left = int(seen[2].attachments[b"timeout"])
    assert 40_000 < left < 60_000
    lowered = dubbo.attached(dubbo.SERVICE, (b"timeout", b"%d" % left), (b"last", b"one"))
    assert seen[2].raw == dubbo.request(seen[2].id, "again", attachments=lowered, serialization=serialization)
    assert len({message.id for message in seen}) == 3
    sidecar.wait_stat("cluster.backend.upstream_rq_retry_success", 1)


def test_retries_without_a_timeout_or_readable_attachments(start: Start, upstream: MakeUpstream) -> None:
    seen: list[bytes] = []

    def busy(message: dubbo.Message) -> bytes | None:
        seen.append(message.raw[12:])
        return dubbo.response(message.id, "answer", status=dubbo.OK if len(seen) % 2 == 0 else 100)

    port = free_port()
    routes = [route(retry_policy=RETRIES)]
    start(bootstrap([listener(port, routes)], [cluster("backend", upstream(dubbo.serving(busy)).port)]))
    client = Peer.connect(port)
    cut = dubbo.frame(dubbo.request(1)[16:-4], id=1)
    for request in (dubbo.request(1), cut, dubbo.frame(b"java", flags=dubbo.REQUEST | dubbo.TWO_WAY | 3, id=1)):
        seen.clear()
        client.send(request)
        assert dubbo.read(client).content == "answer"
        assert seen == [request[12:]] * 2


def test_weights_and_hash_policies(start: Start, upstream: MakeUpstream) -> None:
    counts: Counter[str] = Counter()

    def counting(name: str) -> int:
        def answer(message: dubbo.Message) -> bytes | None:
            counts[name] += 1
            return dubbo.response(message.id, name)

        return upstream(dubbo.serving(answer)).port

    port = free_port()
    weights = {"clusters": [{"name": "a", "weight": 90}, {"name": "b", "weight": 10}]}
    sticky = {"cluster": "ring", "hash_policy": [{"header": {"header_name": "user"}}]}
    routes = [
        {"match": {"path": "/com.example.Sticky/greet"}, "route": sticky},
        {"match": {"prefix": "/"}, "route": {"weighted_clusters": weights}},
    ]
    ring = cluster("ring", *(counting(f"ring {n}") for n in range(3)), lb_policy="RING_HASH")
    start(bootstrap([listener(port, routes)], [cluster("a", counting("a")), cluster("b", counting("b")), ring]))
    client = Peer.connect(port)
    client.send(b"".join(dubbo.request(id) for id in range(400)))
    for _ in range(400):
        dubbo.read(client)
    assert 5 < counts["b"] < 100
    assert counts["a"] + counts["b"] == 400

    def host_of(user: int) -> str:
        entries = dubbo.attached("com.example.Sticky", (b"user", b"%d" % user))
        return call(client, 1, service="com.example.Sticky", attachments=entries).content

    hosts = {user: host_of(user) for user in range(30)}
    assert len(set(hosts.values())) == 3
    assert all(host_of(user) == host for user, host in hosts.items())


def test_mirrors(start: Start, upstream: MakeUpstream) -> None:
    copies: list[dubbo.Message] = []

    def shadow(message: dubbo.Message) -> bytes | None:
        copies.append(message)
        return dubbo.response(message.id, "nobody reads this")

    port = free_port()
    mirrored = route(request_mirror_policies=[{"cluster": "shadow"}])
    clusters = [
        cluster("backend", upstream(dubbo.serving(dubbo.echo)).port),
        cluster("shadow", upstream(dubbo.serving(shadow)).port),
    ]
    sidecar = start(bootstrap([listener(port, [mirrored])], clusters))
    client = Peer.connect(port)
    for id in (5, 6):
        assert call(client, id, f"twice {id}").content == f"twice {id}"
    sidecar.wait_stat("cluster.shadow.upstream_rq_2xx", 2)
    assert [message.raw[12:] for message in copies] == [dubbo.request(0, f"twice {id}")[12:] for id in (5, 6)]
    sidecar.wait_stat("cluster.shadow.upstream_rq_active", 0)


def test_access_log(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    made = upstream(dubbo.serving(dubbo.echo))
    words = "%PROTOCOL% %REQ(:AUTHORITY)% %REQ(:PATH)% %REQ(userId)% %RESPONSE_CODE% %BYTES_RECEIVED% %BYTES_SENT%\n"
    sidecar = start(bootstrap([listener(port, [route()])], [cluster("backend", made.port)]))
    log = sidecar.directory / "access.log"
    file = {
        "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
        "path": str(log),
        "log_format": {"text_format_source": {"inline_string": words}},
    }
    logs = [{"name": "file", "typed_config": file}]
    config = bootstrap([listener(port, [route()], access_log=logs)], [cluster("backend", made.port)])
    assert sidecar.reload(config).returncode == 0
    request = dubbo.request(1, "12345", attachments=dubbo.attached(dubbo.SERVICE, (b"userId", b"42")))
    client = Peer.connect(port)
    client.send(request)
    answer = dubbo.read(client)
    deadline = time.monotonic() + 5
    while not (log.exists() and log.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    sizes = f"{len(request) - 16} {len(answer.raw) - 16}"
    assert log.read_text() == f"Dubbo com.example.Greeter /com.example.Greeter/greet 42 200 {sizes}\n"


@pytest.mark.parametrize(
    "protocol",
    [
        {"downstream_protocol": "dubbo", "upstream_protocol": "dubbo"},
        {"downstream_protocol": "X", "upstream_protocol": "X", "extend_config": {"sub_protocol": "dubbo"}},
    ],
)
def test_mosn_json(start: Start, upstream: MakeUpstream, protocol: dict[str, Any]) -> None:
    """Routes by the names that MOSN gives what it reads of a request."""

    def to(name: str, **match: Any) -> dict[str, Any]:
        headers = [{"name": key, **value} for key, value in match.items()]
        return {"match": {"headers": headers}, "route": {"cluster_name": name}}

    def made(name: str) -> dict[str, Any]:
        port = upstream(dubbo.serving(lambda message: dubbo.response(message.id, name))).port
        return {"name": name, "type": "SIMPLE", "lb_type": "LB_ROUNDROBIN", "hosts": [{"address": f"127.0.0.1:{port}"}]}

    port, admin = free_port(), free_port()
    routers = [
        to("exact", service={"value": "com.example.One"}, method={"value": "hello"}),
        to("regex", service={"value": "com.example.One"}, method={"value": "^get", "regex": True}),
        to("attached", service={"value": "com.example.One"}, gray={"value": "yes"}),
        to("anything", service={"value": ".*"}, method={"value": ".*", "regex": True}),
    ]
    hosts = [{"name": "all", "domains": ["*"], "routers": routers}]
    proxy = {"type": "proxy", "config": {**protocol, "router_config_name": "r"}}
    config = {
        "servers": [{
            "routers": [{"router_config_name": "r", "virtual_hosts": hosts}],
            "listeners": [{
                "name": "dubbo", "address": f"127.0.0.1:{port}", "bind_port": True,
                "filter_chains": [{"filters": [proxy]}],
            }],
        }],
        "cluster_manager": {"clusters": [made(name) for name in ("exact", "regex", "attached", "anything")]},
        "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": admin}}},
    }  # fmt: skip
    sidecar = start(config)
    client = Peer.connect(port)

    def ask(method: str, service: str = "com.example.One", *more: tuple[bytes, bytes]) -> str:
        entries = dubbo.attached(service, *more)
        return call(client, 1, service=service, method=method, attachments=entries).content

    assert [ask(method) for method in ("hello", "getAll", "forget", "other")] == [
        "exact", "regex", "anything", "anything",
    ]  # fmt: skip
    assert ask("other", "com.example.One", (b"gray", b"yes")) == "attached"
    assert ask("hello", "com.example.Two") == "anything"
    sidecar.admin_port = admin
    metrics = sidecar.admin("/stats/prometheus")
    label = 'mosn_rpc_prefix="dubbo",request_protocol="dubbo"'
    assert f"envoy_rpc_downstream_rq_total{{{label}}} 6\n" in metrics
    assert f'envoy_rpc_downstream_rq_xx{{envoy_response_code_class="2",{label}}} 6\n' in metrics
    assert f"envoy_rpc_downstream_rq_time_count{{{label}}}" in metrics


def test_attachments_that_nobody_asks_for_are_not_read(start: Start, upstream: MakeUpstream) -> None:
    """What stands behind the method is the upstream's business, until a rule looks at it."""
    port = free_port()
    made = upstream(dubbo.serving(lambda message: dubbo.response(message.id, "reached")))
    config = bootstrap([listener(port, [route()])], [cluster("backend", made.port)])
    sidecar = start(config)
    cut = dubbo.frame(dubbo.request(1)[16:-4], id=1)
    client = Peer.connect(port)
    client.send(cut)
    assert dubbo.read(client).content == "reached"
    asking = [by_headers("backend", header("gray", "yes")), route()]
    assert sidecar.reload(bootstrap([listener(port, asking)], [cluster("backend", made.port)])).returncode == 0
    too_many = dubbo.request(1, attachments=[(b"k%d" % i, b"v") for i in range(300)])
    twice = dubbo.request(1, attachments=[(b"gray", b"yes"), (b"gray", b"no")])
    for broken in (cut, too_many, twice):
        client.send(broken)
        assert client.closed()
        client = Peer.connect(port)
    sidecar.wait_stat("rpc.dubbo.downstream_cx_protocol_error", 3)
