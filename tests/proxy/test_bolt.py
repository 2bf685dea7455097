"""BOLT through a real sidecar."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from tests.proxy import bolt
from tests.proxy.conftest import MakeUpstream, Start
from tests.proxy.sidecar import address, bootstrap, cluster, free_port, route
from tests.proxy.upstream import Peer

RPC = "type.googleapis.com/mosn.protocol.v1.RpcProxy"


def rpc_listener(port: int, routes: list[dict[str, Any]], **proxy: Any) -> dict[str, Any]:
    hosts = [{"name": "all", "domains": ["*"], "routes": routes}]
    config = {
        "@type": RPC,
        "protocol": "bolt",
        "stat_prefix": "bolt",
        "route_config": {"name": "bolt", "virtual_hosts": hosts},
        **proxy,
    }
    filters = [{"name": "mosn.rpc_proxy", "typed_config": config}]
    return {"name": "bolt", "address": address(port), "filter_chains": [{"filters": filters}]}


def one_cluster(port: int, *upstreams: int, action: dict[str, Any] | None = None, **proxy: Any) -> dict[str, Any]:
    fields = proxy.pop("cluster", {})
    return bootstrap([rpc_listener(port, [route(**action or {})], **proxy)], [cluster("backend", *upstreams, **fields)])


def call(peer: Peer, id: int, content: bytes = b"hello", **options: Any) -> bolt.Message:
    peer.send(bolt.request(id, content, **options))
    return bolt.read(peer)


def test_request_and_response(start: Start, upstream: MakeUpstream) -> None:
    seen: list[bolt.Message] = []

    def answer(message: bolt.Message) -> bytes | None:
        seen.append(message)
        return bolt.echo(message)

    port = free_port()
    sidecar = start(one_cluster(port, upstream(bolt.serving(answer)).port))
    client = Peer.connect(port)
    for id in (1, 77, 0, 2**32 - 1):
        got = call(client, id, b"content %d" % id)
        assert (got.id, got.content, got.status) == (id, b"content %d" % id, 0)
    sent = bolt.request(seen[0].id, b"content 1", timeout=seen[0].timeout)
    assert seen[0].raw == sent
    sidecar.wait_stat("cluster.backend.upstream_rq_2xx", 4)
    assert sidecar.stat("rpc.bolt.downstream_rq_2xx") == 4
    assert sidecar.stat("cluster.backend.upstream_cx_total") == 1


@pytest.mark.parametrize(("v2", "crc"), [(1, False), (2, False), (2, True)])
def test_version_2(start: Start, upstream: MakeUpstream, v2: int, crc: bool) -> None:
    port = free_port()
    start(one_cluster(port, upstream(bolt.serving(bolt.echo)).port))
    client = Peer.connect(port)
    got = call(client, 5, b"x" * 3000, v2=v2, crc=crc)
    assert (got.version, got.id, got.content) == (2, 5, b"x" * 3000)


def test_a_frame_may_come_in_pieces(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    start(one_cluster(port, upstream(bolt.serving(bolt.echo)).port))
    client = Peer.connect(port)
    data = bolt.request(9, b"pieces")
    for at in range(0, len(data), 7):
        client.send(data[at : at + 7])
        time.sleep(0.002)
    assert bolt.read(client).content == b"pieces"


def test_heartbeats_are_answered_here(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    made = upstream(bolt.serving(bolt.echo))
    sidecar = start(one_cluster(port, made.port))
    client = Peer.connect(port)
    client.send(bolt.heartbeat(3) + bolt.heartbeat(4, v2=1))
    assert bolt.read(client).raw == bolt.heartbeat_answer(3)
    assert bolt.read(client).raw == bolt.heartbeat_answer(4, v2=1)
    assert made.accepted == 0
    sidecar.wait_stat("rpc.bolt.downstream_heartbeat", 2)


def test_oneway(start: Start, upstream: MakeUpstream) -> None:
    got = threading.Event()

    def answer(message: bolt.Message) -> bytes | None:
        if message.type == 2:
            got.set()
        return bolt.echo(message)

    port = free_port()
    sidecar = start(one_cluster(port, upstream(bolt.serving(answer)).port))
    client = Peer.connect(port)
    client.send(bolt.request(1, b"oneway", type=2, timeout=-1))
    assert call(client, 2).id == 2
    assert got.wait(5)
    sidecar.wait_stat("rpc.bolt.downstream_rq_oneway", 1)
    sidecar.wait_stat("cluster.backend.upstream_rq_active", 0)


def test_1000_in_flight_on_one_connection_answered_backwards(start: Start, upstream: MakeUpstream) -> None:
    count = 1000

    def backwards(peer: Peer) -> None:
        seen = [bolt.read(peer) for _ in range(count)]
        assert [message.content for message in seen] == [b"%d" % i for i in range(count)]
        peer.send(b"".join(bolt.response(message.id, message.content) for message in reversed(seen)))
        peer.rest()

    port = free_port()
    sidecar = start(one_cluster(port, upstream(backwards).port))
    client = Peer.connect(port)
    client.send(b"".join(bolt.request(i + 1, b"%d" % i) for i in range(count)))
    answers = [bolt.read(client) for _ in range(count)]
    assert [(message.id, message.content) for message in answers] == [
        (i + 1, b"%d" % i) for i in reversed(range(count))
    ]
    sidecar.wait_stat("rpc.bolt.downstream_rq_active", 0)


def test_64_clients_share_2_connections(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    made = upstream(bolt.serving(bolt.echo))
    sidecar = start(one_cluster(port, made.port, upstream_connections=2))
    clients = [Peer.connect(port) for _ in range(64)]
    for turn in range(20):
        # Every client uses the same ids.
        for n, client in enumerate(clients):
            client.send(b"".join(bolt.request(id, b"%d %d %d" % (turn, n, id)) for id in (1, 2, 3)))
        for n, client in enumerate(clients):
            got = {message.id: message.content for message in (bolt.read(client) for _ in range(3))}
            assert got == {id: b"%d %d %d" % (turn, n, id) for id in (1, 2, 3)}
    assert made.accepted == 2
    assert sidecar.stat("cluster.backend.upstream_cx_active") == 2
    sidecar.wait_stat("rpc.bolt.downstream_rq_2xx", 64 * 20 * 3)
    assert sidecar.stat("cluster.backend.upstream_response_unknown") == 0


def silent(peer: Peer) -> None:
    peer.rest()


def test_a_timeout_is_status_7_and_the_late_answer_is_dropped(start: Start, upstream: MakeUpstream) -> None:
    def late(peer: Peer) -> None:
        first, second = bolt.read(peer), bolt.read(peer)
        time.sleep(0.4)
        peer.send(bolt.response(first.id, b"too late") + bolt.response(second.id, b"in time"))
        peer.rest()

    port = free_port()
    sidecar = start(one_cluster(port, upstream(late).port))
    client = Peer.connect(port)
    client.send(bolt.request(1, timeout=200) + bolt.request(2, timeout=5000))
    got = bolt.read(client)
    assert (got.id, got.status, got.content) == (1, 7, b"")
    got = bolt.read(client)
    assert (got.id, got.status, got.content) == (2, 0, b"in time")
    sidecar.wait_stat("cluster.backend.upstream_response_unknown", 1)
    assert sidecar.stat("cluster.backend.upstream_rq_timeout") == 1


def test_the_routes_timeout_when_it_is_shorter(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    start(one_cluster(port, upstream(silent).port, action={"timeout": "0.2s"}))
    client = Peer.connect(port)
    began = time.monotonic()
    assert call(client, 1, timeout=60_000).status == 7
    assert time.monotonic() - began < 5


def test_an_upstream_that_closes_resets_all_its_requests(start: Start, upstream: MakeUpstream) -> None:
    def close(peer: Peer) -> None:
        for _ in range(3):
            bolt.read(peer)

    port = free_port()
    sidecar = start(one_cluster(port, upstream(close).port))
    client = Peer.connect(port)
    client.send(b"".join(bolt.request(id) for id in (1, 2, 3)))
    answers = {message.id: message for message in (bolt.read(client) for _ in range(3))}
    assert set(answers) == {1, 2, 3}
    assert b"connection termination" in answers[2].error_text
    assert (b"sofa_head_response_error", b"true") in answers[2].headers
    sidecar.wait_stat("cluster.backend.upstream_rq_active", 0)


def test_errors_in_the_clients_own_words(start: Start, upstream: MakeUpstream) -> None:
    port, dead = free_port(), free_port()
    routes: list[dict[str, Any]] = [
        {"match": {"path": "/a:1.0/x"}, "route": {"cluster": "refusing"}},
        {"match": {"path": "/b:1.0/x"}, "route": {"cluster": "empty"}},
        {"match": {"path": "/c:1.0/x"}, "direct_response": {"status": 403, "body": {"inline_string": "not you"}}},
    ]
    clusters = [cluster("refusing", dead), cluster("empty")]
    start(bootstrap([rpc_listener(port, routes)], clusters))
    client = Peer.connect(port)

    def ask(service: bytes, **options: Any) -> bolt.Message:
        return call(client, 9, headers=bolt.sofa_headers(service, b"x"), **options)

    for service, words in (
        (b"a:1.0", b"connection failure"), (b"b:1.0", b"no healthy upstream"), (b"c:1.0", b"not you"),
        (b"d:1.0", b"route_not_found"),
    ):  # fmt: skip
        for options in ({}, {"v2": 1}, {"v2": 2, "crc": True}, {"codec": 11}):
            got = ask(service, **options)
            assert (got.id, got.status, got.class_name, got.codec) == (9, 0, bolt.RESPONSE_CLASS, 1)
            assert words in got.error_text
            assert got.version == (2 if "v2" in options else 1)
    # Oneway requests get no answer, not even such a one.
    client.send(bolt.request(10, type=2, headers=bolt.sofa_headers(b"d:1.0", b"x")))
    assert ask(b"b:1.0").id == 9


def test_garbage_closes_only_that_connection(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    sidecar = start(one_cluster(port, upstream(bolt.serving(bolt.echo)).port, max_frame_bytes=4096))
    good = Peer.connect(port)
    assert call(good, 1).id == 1
    huge = bytearray(bolt.request(1))
    huge[18:22] = b"\x7f\xff\xff\xff"
    broken_crc = bytearray(bolt.request(1, v2=2, crc=True))
    broken_crc[-1] ^= 1
    bad_map = bytearray(bolt.request(1, headers=[(b"key", b"value")]))
    bad_map[22 + len(bolt.REQUEST_CLASS)] = 0x70
    for data in (b"GET / HTTP/1.1\r\n\r\n", bytes(huge), bytes(broken_crc), bytes(bad_map),
                 bolt.request(1, b"x" * 5000), bolt.request(1, command=9)):  # fmt: skip
        bad = Peer.connect(port)
        bad.send(data)
        assert bad.closed(), data[:30]
        assert call(good, 2).id == 2
    sidecar.wait_stat("rpc.bolt.downstream_cx_protocol_error", 6)
    assert sidecar.stat("rpc.bolt.downstream_cx_active") == 1


def test_an_upstream_that_talks_nonsense(start: Start, upstream: MakeUpstream) -> None:
    def nonsense(peer: Peer) -> None:
        bolt.read(peer)
        peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        peer.rest()

    port = free_port()
    sidecar = start(one_cluster(port, upstream(nonsense).port))
    client = Peer.connect(port)
    assert b"protocol error" in call(client, 1).error_text
    sidecar.wait_stat("cluster.backend.upstream_cx_protocol_error", 1)


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


def test_retries_go_to_another_host_with_less_time(start: Start, upstream: MakeUpstream) -> None:
    seen: list[bolt.Message] = []

    def busy(message: bolt.Message) -> bytes | None:
        seen.append(message)
        return bolt.response(message.id, b"", status=4, class_name=b"") if len(seen) < 3 else bolt.echo(message)

    port = free_port()
    retry = {"retry_on": "5xx", "num_retries": 3, "retry_back_off": {"base_interval": "0.02s"}}
    sidecar = start(one_cluster(port, upstream(bolt.serving(busy)).port, action={"retry_policy": retry}))
    client = Peer.connect(port)
    assert call(client, 1, b"again", timeout=8000).content == b"again"
    assert [message.content for message in seen] == [b"again"] * 3
    assert 7000 < seen[2].timeout < 8000
    assert len({message.id for message in seen}) == 3
    sidecar.wait_stat("cluster.backend.upstream_rq_retry_success", 1)


def test_limits_of_the_circuit_breaker(start: Start, upstream: MakeUpstream) -> None:
    limits = {"circuit_breakers": {"thresholds": [{"max_requests": 2}]}}
    port = free_port()
    made = upstream(silent)
    sidecar = start(one_cluster(port, made.port, cluster=limits))
    client = Peer.connect(port)
    client.send(b"".join(bolt.request(id) for id in (1, 2)))
    sidecar.wait_stat("cluster.backend.upstream_rq_active", 2)
    assert b"overflow" in call(client, 3).error_text
    client.close()
    sidecar.wait_stat("cluster.backend.upstream_rq_active", 0)


def test_heartbeats_on_silent_upstream_connections(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    beat = {"interval": "0.1s", "timeout": "0.2s", "failures": 2}
    alive, deaf = upstream(bolt.serving(bolt.echo)), upstream(silent)
    sidecar = start(one_cluster(port, alive.port, upstream_heartbeat=beat))
    client = Peer.connect(port)
    call(client, 1)
    sidecar.wait_stat("cluster.backend.upstream_heartbeat", 2)
    assert sidecar.stat("cluster.backend.upstream_cx_active") == 1
    sidecar.reload(one_cluster(port, deaf.port, upstream_heartbeat=beat))
    client = Peer.connect(port)
    client.send(bolt.request(5))
    assert b"connection termination" in bolt.read(client).error_text
    sidecar.wait_stat("cluster.backend.upstream_heartbeat_timeout", 2)


def test_a_large_body_both_ways(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    start(one_cluster(port, upstream(bolt.serving(bolt.echo)).port))
    client = Peer.connect(port)
    body = bytes(range(256)) * 8192
    sender = threading.Thread(target=client.send, args=(bolt.request(1, body) + bolt.request(2, b"small"),))
    sender.start()
    got = {message.id: message.content for message in (bolt.read(client) for _ in range(2))}
    sender.join()
    assert got == {1: body, 2: b"small"}


def test_clients_that_go_leave_nothing_behind(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    sidecar = start(one_cluster(port, upstream(silent).port))
    for _ in range(20):
        client = Peer.connect(port)
        client.send(b"".join(bolt.request(id) for id in range(50)) + bolt.request(99)[:-3])
        client.close()
    sidecar.wait_stat("rpc.bolt.downstream_rq_total", 1000)
    sidecar.wait_stat("rpc.bolt.downstream_rq_active", 0)
    sidecar.wait_stat("rpc.bolt.downstream_cx_active", 0)
    sidecar.wait_stat("cluster.backend.upstream_rq_active", 0)
    assert sidecar.stat("cluster.backend.upstream_cx_active") == 1


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


def mosn_json(port: int, admin: int, upstream: int, protocol: dict[str, Any]) -> dict[str, Any]:
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
        "admin": {"address": address(admin)},
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
    port, admin = free_port(), free_port()
    config = mosn_json(port, admin, upstream(bolt.serving(bolt.echo)).port, protocol)
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
