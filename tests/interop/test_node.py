"""Clients in Node through the sidecar: sofa-rpc-node to Node and Java servers, dubbo2.js to a Java server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.interop import test_sofarpc
from tests.interop.conftest import StartJava, StartNode
from tests.interop.dubbo_java import Server
from tests.interop.program import Answer, Program
from tests.interop.sidecar import Ports
from tests.proxy.sidecar import Sidecar

MESSAGES = [("unrouted", "route_not_found"), ("hostless", "no healthy"), ("refused", "connection")]
TEXTS = ("hello", "\u4f60\u597d", "x" * 70000)


@dataclass
class World:
    ports: Ports
    sidecar: Sidecar
    client: Program

    def ask(self, method: str, listener: str = "main", **options: object) -> Answer:
        return self.client.ask("call", port=self.ports.listener[listener], method=method, **options)

    def value(self, method: str, listener: str = "main", **options: object) -> Any:
        return self.client.value("call", port=self.ports.listener[listener], method=method, **options)

    def parallel(self, calls: int) -> Any:
        return self.client.value("parallel", port=self.ports.listener["main"], threads=50, calls=calls)


@pytest.fixture(scope="module")
def sofa(start_java: StartJava, start_node: StartNode, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """`where` goes to the server in Java, everything else to the one in Node."""
    ports = Ports()
    start_node("sofa.js").value("serve", port=ports.server["main"], name="node")
    start_java("sofarpc", test_sofarpc.VERSION, "example.Sofa").value("serve", port=ports.server["gray"], name="java")
    config = ports.config("bolt", {"path": "/example.Example:1.0/where"}, idle_timeout="1.5s")
    with Sidecar(tmp_path_factory.mktemp("sidecar"), config) as sidecar:
        yield World(ports, sidecar, start_node("sofa.js"))


def test_sofa_calls(sofa: World) -> None:
    assert [sofa.value("echo", text=text) for text in TEXTS] == list(TEXTS)


def test_sofa_exception_of_the_service(sofa: World) -> None:
    answer = sofa.ask("fail", text="no luck")
    assert answer.error == "Error"
    assert answer.text.endswith("no luck")


def test_sofa_routes_by_a_method_that_only_the_content_says(sofa: World) -> None:
    assert sofa.value("where") == "java"


def test_sofa_heartbeats_keep_an_idle_connection(sofa: World) -> None:
    sofa.value("where")
    before = {name: sofa.sidecar.stat(f"rpc.main.downstream_{name}") for name in ("heartbeat", "cx_total")}
    time.sleep(2.5)  # longer than the listener's idle timeout
    assert sofa.value("where") == "java"
    assert sofa.sidecar.stat("rpc.main.downstream_heartbeat") > before["heartbeat"]
    assert sofa.sidecar.stat("rpc.main.downstream_cx_total") == before["cx_total"]


def test_sofa_callers_get_their_own_answers(sofa: World) -> None:
    assert sofa.parallel(40) == {"right": 2000, "wrong": 0, "failed": 0}


@pytest.mark.parametrize(("listener", "text"), MESSAGES)
def test_sofa_what_the_sidecar_says_itself(sofa: World, listener: str, text: str) -> None:
    for _ in range(2):
        answer = sofa.ask("echo", listener, text="x")
        assert answer.error
        assert text in answer.text.lower(), answer
        assert answer.ms < 1000
    assert sofa.sidecar.stat(f"rpc.{listener}.downstream_cx_destroy") == 0


def test_sofa_route_timeout(sofa: World) -> None:
    answer = sofa.ask("sleep", "slow", milliseconds=1200, text="late")
    assert answer.error
    assert answer.ms < 1000
    assert sofa.value("echo", "slow", text="again") == "again"
    assert sofa.sidecar.stat("rpc.slow.downstream_cx_destroy") == 0


@pytest.fixture(scope="module")
def dubbo(
    dubbo_servers: dict[str, Server], start_node: StartNode, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """`where` goes to a server of Dubbo 3, everything else to one of 2.7."""
    ports = Ports()
    ports.server.update(main=dubbo_servers["2.7.23"].port, gray=dubbo_servers["3.3.6"].port)
    config = ports.config("dubbo", {"path": "/example.Example/where"})
    with Sidecar(tmp_path_factory.mktemp("sidecar"), config) as sidecar:
        yield World(ports, sidecar, start_node("dubbo.js"))


def test_dubbo_calls(dubbo: World) -> None:
    assert [dubbo.value("echo", text=text) for text in TEXTS] == list(TEXTS)
    assert dubbo.value("add", a=-70000, b=1 << 33) == (1 << 33) - 70000
    assert dubbo.value("where") == "3.3.6"


def test_dubbo_exception_of_the_service(dubbo: World) -> None:
    through = dubbo.ask("fail", text="no luck")
    direct = dubbo.client.ask("call", port=dubbo.ports.server["main"], method="fail", text="no luck")
    assert through.error
    assert (through.error, through.text) == (direct.error, direct.text)  # dubbo2.js makes "[object Object]" of it


def test_dubbo_callers_get_their_own_answers(dubbo: World) -> None:
    assert dubbo.parallel(40) == {"right": 2000, "wrong": 0, "failed": 0}


@pytest.mark.parametrize(("listener", "text"), [*MESSAGES, ("slow", "timeout")])
def test_dubbo_what_the_sidecar_says_itself(dubbo: World, listener: str, text: str) -> None:
    for _ in range(2):
        answer = dubbo.ask("sleep", listener, milliseconds=800, text="late")
        assert answer.error
        assert text in answer.text.lower(), answer
        assert answer.ms < 700
    assert dubbo.sidecar.stat(f"rpc.{listener}.downstream_cx_destroy") == 0
    time.sleep(0.6)
    assert dubbo.value("echo", text="again") == "again"
