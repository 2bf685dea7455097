"""SOFARPC Java through the sidecar: what its client reports, and what its server saw."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.interop.conftest import StartJava
from tests.interop.program import Program
from tests.interop.sidecar import Ports, marked
from tests.proxy.sidecar import Sidecar

VERSION = "5.13.2"
SOFA = "com.alipay.sofa.rpc.core.exception."
GRAY = "rpc_req_baggage.gray"
REMOTING = "com.alipay.remoting.rpc.exception."
UNDECLARED, CLIENT_TIMEOUT = 199, 200  # com.alipay.sofa.rpc.core.exception.RpcErrorType
KINDS = ("sync", "future", "callback")


@dataclass
class World:
    ports: Ports
    sidecar: Sidecar
    server: Program
    client: Program

    def ask(self, method: str, listener: str = "main", **options: object) -> Any:
        return self.client.ask("call", port=self.ports.listener[listener], method=method, **options)

    def value(self, method: str, listener: str = "main", **options: object) -> Any:
        return self.client.value("call", port=self.ports.listener[listener], method=method, **options)


@pytest.fixture(scope="module")
def world(start_java: StartJava, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    ports = Ports()
    server = start_java("sofarpc", VERSION, "example.Sofa")
    client = start_java("sofarpc", VERSION, "example.Sofa", "-Dbolt.tcp.heartbeat.interval=300")
    for name in ("main", "gray"):
        server.value("serve", port=ports.server[name], name=name)
    config = ports.config("bolt", marked(GRAY), idle_timeout="1.5s", upstream_heartbeat={"interval": "0.3s"})
    with Sidecar(tmp_path_factory.mktemp("sidecar"), config) as sidecar:
        yield World(ports, sidecar, server, client)


@pytest.mark.parametrize("kind", KINDS)
def test_calls(world: World, kind: str) -> None:
    for text in ("hello", "", "\u4f60\u597d \U0001f600", "x" * 70000):
        assert world.value("echo", text=text, invoke=kind) == text
    assert world.value("older", text="Zo\u00eb", years=1, invoke=kind) == {
        "name": "Zo\u00eb", "age": 42, "height": 1.75, "alive": True, "friend": None,
    }  # fmt: skip
    if kind != "future":  # SOFARPC's futures wait for ever for null, without a sidecar too
        assert world.value("nothing", invoke=kind) is None


def test_generic_call(world: World) -> None:
    assert world.value("echo", text="generic", invoke="generic") == "generic"


def test_oneway(world: World) -> None:
    for number in range(20):
        world.value("log", text=f"line {number}", invoke="oneway")
    deadline = time.monotonic() + 5
    while len(got := world.value("logged")) < 20 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert sorted(got) == sorted(f"line {number}" for number in range(20))


def test_a_mebibyte_each_way(world: World) -> None:
    assert world.value("bytes", size=1 << 20) == 1 << 20
    assert world.value("bytes", size=0) == 0


@pytest.mark.parametrize("kind", [*KINDS, "generic"])
def test_an_exception_of_the_service(world: World, kind: str) -> None:
    answer = world.ask("fail", text="no luck", invoke=kind)
    assert (answer.error, answer.text) == ("example.Example$Trouble", "no luck")


def test_threads_get_their_own_answers(world: World) -> None:
    port = world.ports.listener["main"]
    counts = world.client.value("parallel", port=port, threads=32, calls=200)
    assert counts == {"right": 6400, "wrong": 0, "failed": 0}
    assert world.sidecar.stat("cluster.main.upstream_cx_active") == 1


def test_a_baggage_item_chooses_the_server(world: World) -> None:
    assert world.value("where") == "main"
    assert world.value("where", with__gray="yes") == "gray"
    assert world.value("where", with__gray="no") == "main"
    assert world.value("attachment", text="city", with__city="\u5317\u4eac") == "\u5317\u4eac"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("listener", "text"),
    [
        ("unrouted", "route_not_found"),
        ("hostless", "no healthy"),
        ("refused", "connection"),
    ],
)
def test_what_the_sidecar_says_itself(world: World, listener: str, text: str, kind: str) -> None:
    for _ in range(2):
        answer = world.ask("echo", listener, text="x", invoke=kind)
        assert (answer.error, answer.code) == (SOFA + "SofaRpcException", UNDECLARED), answer
        assert text in answer.text.lower(), answer
        assert answer.ms < 1000
    assert world.sidecar.stat(f"rpc.{listener}.downstream_cx_destroy") == 0


@pytest.mark.parametrize("kind", KINDS)
def test_the_routes_timeout_is_like_the_clients_own(world: World, kind: str) -> None:
    answer = world.ask("sleep", "slow", milliseconds=1200, text="late", invoke=kind)
    own = world.ask("sleep", milliseconds=1200, text="late", invoke=kind, timeout=300)
    if kind == "future":
        assert (answer.error, own.error) == (
            REMOTING + "InvokeTimeoutException",
            "java.util.concurrent.TimeoutException",
        )
    else:
        assert (answer.error, answer.code) == (own.error, own.code) == (SOFA + "SofaTimeOutException", CLIENT_TIMEOUT)
    assert max(answer.ms, own.ms) < 1000
    assert world.value("where", "slow", invoke=kind) == "main"
    assert world.value("where", invoke=kind, timeout=300) == "main"
    assert world.sidecar.stat("rpc.slow.downstream_cx_destroy") == 0


def test_heartbeats_keep_an_idle_connection(world: World) -> None:
    world.value("where")
    before = {name: world.sidecar.stat(f"rpc.main.downstream_{name}") for name in ("heartbeat", "cx_total")}
    time.sleep(2.5)  # longer than the listener's idle timeout
    assert world.value("where") == "main"
    assert world.sidecar.stat("rpc.main.downstream_heartbeat") > before["heartbeat"] + 2
    assert world.sidecar.stat("rpc.main.downstream_cx_total") == before["cx_total"]
    assert world.sidecar.stat("cluster.main.upstream_cx_active") == 1


def test_a_server_that_is_killed_and_comes_back(world: World, start_java: StartJava) -> None:
    server = start_java("sofarpc", VERSION, "example.Sofa")
    server.value("serve", port=world.ports.server["crash"], name="first")
    assert world.value("where", "crash") == "first"
    world.client.send("call", port=world.ports.listener["crash"], method="sleep", milliseconds=2500, text="never")
    time.sleep(0.5)
    server.kill()
    answer = world.client.result()
    assert (answer.error, answer.code) == (SOFA + "SofaRpcException", UNDECLARED), answer
    assert answer.ms < 1500
    assert world.ask("where", "crash").error == SOFA + "SofaRpcException"
    world.server.value("serve", port=world.ports.server["crash"], name="second")
    assert world.value("where", "crash") == "second"
    world.server.value("stop", port=world.ports.server["crash"])
