"""HTTP and JSON through a real sidecar to Dubbo and SOFARPC: calls, answers, and what HTTP's features make of them."""

from __future__ import annotations

import threading
import time

import pytest

from tests.proxy import bolt, dubbo
from tests.proxy.bridge import GREET, JSON, ask, bolt_values, dubbo_values, one_route, sofa_response
from tests.proxy.conftest import MakeUpstream, Start
from tests.proxy.sidecar import free_port
from tests.proxy.upstream import Peer

PATH = "/api/com.example.Greeter/greet"


def silent(peer: Peer) -> None:
    peer.rest()


def test_a_generic_call_of_dubbo(start: Start, upstream: MakeUpstream) -> None:
    seen: list[dubbo.Message] = []

    def answer(message: dubbo.Message) -> bytes:
        seen.append(message)
        return dubbo.response(message.id, "hello Ann")

    port = free_port()
    sidecar = start(one_route(port, upstream(dubbo.serving(answer)).port, version="1.0.0", group="blue"))
    client = Peer.connect(port)
    for count in (3, 4):
        said = ask(client, PATH, ["Ann", count])
        assert (said.status, said.json) == (200, "hello Ann")
        assert said.fields[b"content-type"] == b"application/json"
        assert said.fields[b"content-length"] == b"11"
    assert dubbo_values(seen[1]) == [
        "2.0.2", "com.example.Greeter", "1.0.0", "$invoke",
        "Ljava/lang/String;[Ljava/lang/String;[Ljava/lang/Object;", "greet", None, ["Ann", 4],
        {"path": "com.example.Greeter", "interface": "com.example.Greeter", "version": "1.0.0", "group": "blue",
         "generic": "true", "timeout": "15000"},
    ]  # fmt: skip
    assert seen[0].id != seen[1].id
    sidecar.wait_stat("http.http.downstream_rq_2xx", 2)
    assert sidecar.stat("cluster.backend.upstream_rq_2xx") == 2
    assert sidecar.stat("cluster.backend.upstream_cx_total") == 1


def test_a_direct_call_of_dubbo(start: Start, upstream: MakeUpstream) -> None:
    seen: list[dubbo.Message] = []

    def answer(message: dubbo.Message) -> bytes:
        seen.append(message)
        return dubbo.response(message.id)

    port = free_port()
    bridge = {"generic": False, "service": "a.B", "method": "c", "parameters": GREET, "forward_headers": ["X-Tenant"]}
    start(one_route(port, upstream(dubbo.serving(answer)).port, **bridge))
    client = Peer.connect(port)
    assert ask(client, "/x?count=7&name=Zo%C3%AB", None, "x-tenant: t1").json == "answer"
    assert ask(client, "/x", {"count": 8}).json == "answer"
    assert dubbo_values(seen[0])[1:7] == ["a.B", None, "c", "Ljava/lang/String;I", "Zo\u00eb", 7]
    assert dubbo_values(seen[0])[7]["x-tenant"] == "t1"
    assert dubbo_values(seen[1])[5:7] == [None, 8]


@pytest.mark.parametrize("protocol", ["bolt", "boltv2"])
def test_a_call_on_bolt(start: Start, upstream: MakeUpstream, protocol: str) -> None:
    seen: list[bolt.Message] = []

    def answer(message: bolt.Message) -> bytes:
        seen.append(message)
        return bolt.response(message.id, sofa_response(b"M\x04name\x03Ann\x05count\x93z"), v2=protocol == "boltv2")

    port = free_port()
    start(one_route(port, upstream(bolt.serving(answer)).port, protocol=protocol, parameters=GREET, version="2.0"))
    client = Peer.connect(port)
    assert ask(client, PATH, ["Ann", 3]).json == {"name": "Ann", "count": 3}
    assert ask(client, PATH, ["Bob", 4]).status == 200
    (message, _) = seen
    assert (message.version, message.codec) == (2 if protocol == "boltv2" else 1, 1)
    assert 14_000 < message.timeout <= 15_000
    request, *arguments = bolt_values(message)
    assert arguments == ["Ann", 3]
    assert (request["methodName"], request["methodArgSigs"]) == ("greet", ["java.lang.String", "int"])
    assert request["targetServiceUniqueName"] == "com.example.Greeter:2.0"
    assert dict(message.headers)[b"sofa_head_method_name"] == b"greet"


def test_a_body_in_pieces_and_in_chunks(start: Start, upstream: MakeUpstream) -> None:
    seen: list[object] = []

    def answer(message: dubbo.Message) -> bytes:
        seen.append(dubbo_values(message)[7])
        return dubbo.response(message.id)

    port = free_port()
    start(one_route(port, upstream(dubbo.serving(answer)).port))
    client = Peer.connect(port)
    client.send(f"POST {PATH} HTTP/1.1\r\nhost: a\r\n{JSON}\r\ntransfer-encoding: chunked\r\n\r\n".encode())
    for piece in (b"2\r\n[1\r\n", b"2\r\n,2\r\n1\r\n]\r\n", b"0\r\nx-trailer: 1\r\n\r\n"):
        time.sleep(0.02)
        client.send(piece)
    assert client.message()[1] == b'"answer"'
    big = ["x" * 900_000]
    assert ask(client, PATH, big).status == 200
    assert seen == [[1, 2], big]


def test_expect_continue(start: Start, upstream: MakeUpstream) -> None:
    for proxied in (False, True):
        port = free_port()
        made = upstream(dubbo.serving(lambda message: dubbo.response(message.id)))
        start(one_route(port, made.port, manager={"proxy_100_continue": proxied}))
        client = Peer.connect(port)
        head = f"POST {PATH} HTTP/1.1\r\nhost: a\r\n{JSON}\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n"
        client.send(head.encode())
        assert client.until(b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
        client.send(b"[]")
        assert client.message()[1] == b'"answer"'


@pytest.mark.parametrize(("path", "body", "fields", "status", "text"), [
    (PATH, b"[1", [JSON], 400, b"not JSON"), (PATH, b"[]", ["content-type: text/plain"], 415, b"application/json"),
    (PATH, b"[]", ["x: y"], 415, b"application/json"), ("/", b"[]", [JSON], 404, b"/service/method"),
    (PATH, b"[]", ["content-type: application/problem+json; charset=utf-8"], 200, b"answer"),
    (PATH, b"[" + b" " * 2000 + b"]", [JSON], 413, b"larger"), (PATH, b"", [], 200, b"answer"),
])  # fmt: skip
def test_what_is_refused(
    start: Start, upstream: MakeUpstream, path: str, body: bytes, fields: list[str], status: int, text: bytes
) -> None:
    port = free_port()
    made = upstream(dubbo.serving(lambda message: dubbo.response(message.id)))
    start(one_route(port, made.port, max_request_bytes=2000))
    said = ask(Peer.connect(port), path, body, *fields)
    assert said.status == status
    assert text in said.body
    assert made.accepted == (status == 200)


def test_a_body_without_a_length_ends_at_the_limit(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    made = upstream(silent)
    sidecar = start(one_route(port, made.port, max_request_bytes=100_000))
    client = Peer.connect(port)
    client.send(f"POST {PATH} HTTP/1.1\r\nhost: a\r\n{JSON}\r\ntransfer-encoding: chunked\r\n\r\n".encode())
    client.send(b"c350\r\n" + b"[" * 50000 + b"\r\n")
    time.sleep(0.05)
    client.send(b"c351\r\n" + b"[" * 50001 + b"\r\n")
    assert client.until(b"\r\n").startswith(b"HTTP/1.1 413 ")
    sidecar.wait_stat("http.http.downstream_rq_active", 0)
    assert made.accepted == 0


def test_answers_that_are_errors(start: Start, upstream: MakeUpstream) -> None:
    answers = [
        (lambda id: dubbo.response(id, "no", kind=0), 500, "no"),
        (lambda id: dubbo.response(id, "late", status=31), 504, None),
        (lambda id: dubbo.response(id, "x", kind=7), 502, None),
        (lambda id: dubbo.response(id, "\x00", kind=2), 200, None),
    ]
    waiting = [make for make, _, _ in answers]
    port = free_port()
    made = upstream(dubbo.serving(lambda message: waiting.pop(0)(message.id)))
    sidecar = start(one_route(port, made.port))
    client = Peer.connect(port)
    for _, status, message in answers:
        said = ask(client, PATH, [])
        assert said.status == status
        assert said.json is None if status == 200 else said.json["error"]
        assert message is None or said.json["message"] == message
    sidecar.wait_stat("http.http.downstream_rq_5xx", 3)
    assert sidecar.stat("cluster.backend.upstream_rq_5xx") == 3


def test_an_error_of_sofarpc(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    made = upstream(bolt.serving(lambda message: bolt.response(message.id, sofa_response(b"N", error=b"oops"))))
    start(one_route(port, made.port, protocol="bolt"))
    said = ask(Peer.connect(port), PATH)
    assert (said.status, said.json) == (500, {"error": "SofaResponse", "message": "oops"})


def test_nobody_there_and_nobody_answering(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    start(one_route(port, free_port()))
    assert ask(Peer.connect(port), PATH, []).status == 503
    port = free_port()
    sidecar = start(one_route(port, upstream(silent).port, action={"timeout": "0.2s"}))
    assert ask(Peer.connect(port), PATH, []).status == 504
    sidecar.wait_stat("cluster.backend.upstream_rq_timeout", 1)


def test_retries(start: Start, upstream: MakeUpstream) -> None:
    """An attempt that failed is made once more: a POST, too, because the frame is kept."""
    seen: list[dubbo.Message] = []

    def answer(message: dubbo.Message) -> bytes:
        seen.append(message)
        return dubbo.response(message.id, "busy", status=100) if len(seen) < 3 else dubbo.response(message.id)

    port = free_port()
    policy = {"retry_on": "5xx", "num_retries": 2, "retry_back_off": {"base_interval": "0.001s"}}
    sidecar = start(one_route(port, upstream(dubbo.serving(answer)).port, action={"retry_policy": policy}))
    assert ask(Peer.connect(port), PATH, ["a"]).json == "answer"
    assert [dubbo_values(message)[7] for message in seen] == [["a"]] * 3
    sidecar.wait_stat("cluster.backend.upstream_rq_retry_success", 1)


def test_an_upstream_that_breaks_off_is_retried(start: Start, upstream: MakeUpstream) -> None:
    calls: list[int] = []

    def handle(peer: Peer) -> None:
        while True:
            message = dubbo.read(peer)
            calls.append(message.id)
            if len(calls) == 1:
                return
            peer.send(dubbo.response(message.id))

    port = free_port()
    policy = {"retry_on": "reset", "num_retries": 1}
    start(one_route(port, upstream(handle).port, action={"retry_policy": policy}))
    assert ask(Peer.connect(port), PATH, ["a"]).json == "answer"
    assert len(calls) == 2


def test_many_clients_share_a_connection(start: Start, upstream: MakeUpstream) -> None:
    made = upstream(dubbo.serving(lambda message: dubbo.response(message.id, str(dubbo_values(message)[7][0]))))
    port = free_port()
    start(one_route(port, made.port))
    wrong: list[object] = []

    def work(number: int) -> None:
        client = Peer.connect(port)
        for call in range(50):
            said = ask(client, PATH, [f"{number}-{call}"])
            if (said.status, said.json) != (200, f"{number}-{call}"):
                wrong.append(said)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert made.accepted == 1


def test_a_client_that_goes_away(start: Start, upstream: MakeUpstream) -> None:
    """While its body comes, and while the answer is waited for."""
    port = free_port()
    made = upstream(silent)
    sidecar = start(one_route(port, made.port))
    collecting = Peer.connect(port)
    collecting.send(f"POST {PATH} HTTP/1.1\r\nhost: a\r\n{JSON}\r\ncontent-length: 10\r\n\r\n[1,".encode())
    waiting = Peer.connect(port)
    waiting.send(f"POST {PATH} HTTP/1.1\r\nhost: a\r\n{JSON}\r\ncontent-length: 2\r\n\r\n[]".encode())
    sidecar.wait_stat("cluster.backend.upstream_rq_active", 1)
    sidecar.wait_stat("http.http.downstream_rq_active", 2)
    collecting.close()
    waiting.close()
    sidecar.wait_stat("http.http.downstream_rq_active", 0)
    sidecar.wait_stat("cluster.backend.upstream_rq_active", 0)


def test_head_and_the_other_features(start: Start, upstream: MakeUpstream) -> None:
    port = free_port()
    made = upstream(dubbo.serving(lambda message: dubbo.response(message.id)))
    config = one_route(port, made.port, action={"prefix_rewrite": "/com.example.Greeter/"})
    hcm = config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    route = hcm["route_config"]["virtual_hosts"][0]["routes"][0]
    route["match"] = {"prefix": "/greeter/"}
    route["response_headers_to_add"] = [{"header": {"key": "x-cluster", "value": "%UPSTREAM_CLUSTER%"}}]
    start(config)
    client = Peer.connect(port)
    said = ask(client, "/greeter/greet", None, method="HEAD")
    assert (said.status, said.fields[b"content-length"]) == (200, b"8")
    said = ask(client, "/greeter/greet", [])
    assert (said.status, said.fields[b"x-cluster"]) == (200, b"backend")
