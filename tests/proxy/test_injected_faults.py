"""Faults on purpose: delays and aborts by the fault filter, for HTTP and for RPC."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from tests.proxy import bolt
from tests.proxy.bolt import call
from tests.proxy.conftest import MakeUpstream, Start
from tests.proxy.rpc import one_cluster
from tests.proxy.sidecar import ROUTER, bootstrap, cluster, free_port, http_listener, route
from tests.proxy.upstream import Peer

FAULT = "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault"
NAME = "envoy.filters.http.fault"
EACH = {"numerator": 100}


def fault(**fields: Any) -> dict[str, Any]:
    return {"@type": FAULT, **fields}


def aborting(status: int, **fields: Any) -> dict[str, Any]:
    return fault(abort={"http_status": status, "percentage": EACH}, **fields)


def delaying(delay: str, **fields: Any) -> dict[str, Any]:
    return fault(delay={"fixed_delay": delay, "percentage": EACH}, **fields)


def filters(config: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"name": NAME, "typed_config": config}, ROUTER]


def http(port: int, upstream: int, config: dict[str, Any], routes: Any = None, **fields: Any) -> dict[str, Any]:
    listener = http_listener(port, routes or [route()], http_filters=filters(config), **fields)
    return bootstrap([listener], [cluster("backend", upstream)])


def ask(port: int, *headers: str, path: str = "/") -> tuple[bytes, float]:
    """The answer's status and body, and the seconds it took."""
    begun = time.monotonic()
    peer = Peer.connect(port)
    peer.send("\r\n".join([f"GET {path} HTTP/1.1", "host: a", "connection: close", *headers, "", ""]).encode())
    head, body = peer.message()
    peer.close()
    return head.split()[1] + b" " + body, time.monotonic() - begun


def test_an_abort_answers_for_the_upstream(start: Start, upstream: MakeUpstream, tmp_path: Path) -> None:
    port = free_port()
    log = tmp_path / "access.log"
    words = "%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%\n"
    file = {
        "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
        "path": str(log),
        "log_format": {"text_format_source": {"inline_string": words}},
    }
    logs = [{"name": "file", "typed_config": file}]
    sidecar = start(http(port, upstream().port, aborting(503), access_log=logs))
    assert ask(port)[0] == b"503 fault filter abort"
    sidecar.wait_stat("http.http.fault.aborts_injected", 1)
    assert sidecar.stat("cluster.backend.upstream_rq_total") == 0
    deadline = time.monotonic() + 5
    while not (log.exists() and log.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert log.read_text() == "503 FI fault_filter_abort\n"


def test_a_delay_lets_the_request_through_later(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    sidecar = start(http(port, upstream().port, delaying("0.3s")))
    answer, seconds = ask(port, "content-length: 0")
    assert answer.startswith(b"200")
    assert seconds >= 0.29
    assert sidecar.stat("http.http.fault.delays_injected") == 1
    sidecar.wait_stat("http.http.fault.active_faults", 0)


def test_a_body_waits_for_the_delay(start: Start, upstream: MakeUpstream) -> None:
    bodies: list[bytes] = []

    def keep(peer: Peer) -> None:
        bodies.append(peer.message()[1])
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")

    port = free_port()
    start(http(port, upstream(keep).port, delaying("0.2s")))
    peer = Peer.connect(port)
    sent = b"x" * 300_000
    peer.send(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 300000\r\n\r\n" + sent)
    assert b" 200 " in peer.until(b"\r\n\r\n")
    assert bodies == [sent]


def test_a_delay_and_then_an_abort(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    both = {**delaying("0.2s"), **aborting(418)}
    start(http(port, upstream().port, both))
    answer, seconds = ask(port)
    assert answer == b"418 fault filter abort"
    assert seconds >= 0.19


def test_a_client_that_leaves_while_it_is_delayed(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    sidecar = start(http(port, upstream().port, delaying("30s")))
    peer = Peer.connect(port)
    peer.send(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
    sidecar.wait_stat("http.http.fault.active_faults", 1)
    peer.close()
    sidecar.wait_stat("http.http.fault.active_faults", 0)
    sidecar.wait_stat("http.http.downstream_rq_active", 0)


def test_only_requests_that_match(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    headers = [{"name": "x-canary", "string_match": {"exact": "1"}}]
    start(http(port, upstream().port, aborting(503, headers=headers, upstream_cluster="backend")))
    assert ask(port, "x-canary: 1")[0].startswith(b"503")
    assert ask(port, "x-canary: 2")[0].startswith(b"200")
    other = free_port()
    start(http(other, upstream().port, aborting(503, upstream_cluster="another")))
    assert ask(other)[0].startswith(b"200")


def test_a_share_of_the_requests(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    half = fault(abort={"http_status": 503, "percentage": {"numerator": 500_000, "denominator": "MILLION"}})
    start(http(port, upstream().port, half))
    refused = sum(ask(port)[0].startswith(b"503") for _ in range(200))
    assert 60 < refused < 140


def test_the_request_says_what_happens(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    asked = fault(abort={"header_abort": {}, "percentage": EACH}, delay={"header_delay": {}, "percentage": EACH})
    start(http(port, upstream().port, asked))
    assert ask(port)[0].startswith(b"200")
    assert ask(port, "x-envoy-fault-abort-request: 429")[0].startswith(b"429")
    assert ask(port, "x-envoy-fault-abort-request: 99")[0].startswith(b"200")
    never = ("x-envoy-fault-abort-request: 429", "x-envoy-fault-abort-request-percentage: 0")
    assert ask(port, *never)[0].startswith(b"200")
    assert ask(port, "x-envoy-fault-delay-request: 200")[1] >= 0.19


def test_a_route_says_otherwise(start: Start, upstream: MakeUpstream) -> None:
    def saying(prefix: str, config: dict[str, Any]) -> dict[str, Any]:
        return {**route(prefix), "typed_per_filter_config": {NAME: config}}

    port = free_port()
    routes = [saying("/none", fault()), saying("/other", aborting(502)), route()]
    start(http(port, upstream().port, aborting(503), routes=routes))
    assert ask(port, path="/none")[0].startswith(b"200")
    assert ask(port, path="/other")[0].startswith(b"502")
    assert ask(port)[0].startswith(b"503")


def test_rpc_requests_are_delayed_and_aborted_too(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    config = one_cluster(port, upstream(bolt.serving(bolt.echo)).port)
    host = config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    slow = {"match": {"path": "/com.example.Greeter:1.0/slow"}, "route": {"cluster": "backend"}}
    broken = {"match": {"path": "/com.example.Greeter:1.0/broken"}, "route": {"cluster": "backend"}}
    slow["typed_per_filter_config"] = {NAME: delaying("0.3s")}
    broken["typed_per_filter_config"] = {NAME: aborting(503)}
    host["route_config"]["virtual_hosts"][0]["routes"][:0] = [slow, broken]
    sidecar = start(config)
    peer = Peer.connect(port)
    begun = time.monotonic()
    assert call(peer, 1, b"later", headers=bolt.sofa_headers(method=b"slow")).content == b"later"
    assert time.monotonic() - begun >= 0.29
    refused = call(peer, 2, headers=bolt.sofa_headers(method=b"broken"))
    assert b"fault filter abort" in refused.error_text
    assert call(peer, 3, b"as ever").content == b"as ever"
    sidecar.wait_stat("rpc.bolt.fault.aborts_injected", 1)
    assert sidecar.stat("rpc.bolt.fault.delays_injected") == 1
