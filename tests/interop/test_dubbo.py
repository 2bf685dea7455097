"""Dubbo Java through the sidecar: what its clients report, and what its servers saw.

Every client has a server of its own version, and behind an attachment one of the other.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.interop.conftest import ServeDubbo
from tests.interop.dubbo_java import VERSIONS, Server
from tests.interop.program import Answer, Program
from tests.interop.sidecar import Ports, marked
from tests.proxy.sidecar import Sidecar

RPC = "org.apache.dubbo.rpc.RpcException"
REMOTING = "org.apache.dubbo.remoting."  # what futures get
NETWORK = 1  # RpcException's code
KINDS = ("sync", "future", "callback")


@dataclass
class World:
    version: str
    serialization: str
    ports: Ports
    sidecar: Sidecar
    client: Program

    def options(self, listener: str, options: dict[str, object]) -> dict[str, object]:
        port = self.ports.listener[listener]
        return {"port": port, "serialization": self.serialization, "heartbeat": 500, **options}

    def send(self, method: str, listener: str = "main", **options: object) -> None:
        self.client.send("call", method=method, **self.options(listener, options))

    def ask(self, method: str, listener: str = "main", **options: object) -> Answer:
        self.send(method, listener, **options)
        return self.client.result()

    def value(self, method: str, listener: str = "main", **options: object) -> Any:
        return self.client.value("call", method=method, **self.options(listener, options))


@pytest.fixture(
    scope="module", params=[("2.7.23", "hessian2"), ("3.3.6", "hessian2"), ("3.3.6", "fastjson2")], ids="-".join
)
def world(
    request: pytest.FixtureRequest,
    dubbo_servers: dict[str, Server],
    dubbo_clients: dict[str, Program],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[World]:
    version, serialization = request.param
    other = next(name for name in VERSIONS if name != version)
    ports = Ports()
    ports.server.update(main=dubbo_servers[version].port, gray=dubbo_servers[other].port)
    config = ports.config("dubbo", marked("gray"), idle_timeout="1.5s", upstream_heartbeat={"interval": "0.3s"})
    with Sidecar(tmp_path_factory.mktemp("sidecar"), config) as sidecar:
        yield World(version, serialization, ports, sidecar, dubbo_clients[version])


@pytest.mark.parametrize("kind", KINDS)
def test_calls(world: World, kind: str) -> None:
    for text in ("hello", "", "\u4f60\u597d \U0001f600", "x" * 70000):
        assert world.value("echo", text=text, invoke=kind) == text
    if world.serialization == "hessian2":  # fastjson2 refuses the class, without a sidecar too
        assert world.value("older", text="Zo\u00eb", years=1, invoke=kind) == {
            "name": "Zo\u00eb", "age": 42, "height": 1.75, "alive": True, "friend": None,
        }  # fmt: skip
    assert world.value("nothing", invoke=kind) is None


def test_generic_call(world: World) -> None:
    assert world.value("echo", text="generic", invoke="generic") == "generic"


def test_oneway(world: World) -> None:
    lines = [f"{world.version} {world.serialization} {number}" for number in range(20)]
    for line in lines:
        world.value("log", text=line)
    deadline = time.monotonic() + 5
    while (missing := set(lines) - set(world.value("logged"))) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not missing
    world.sidecar.wait_stat("rpc.main.downstream_rq_oneway", 20)


def test_a_mebibyte_each_way(world: World) -> None:
    assert world.value("bytes", size=1 << 20) == 1 << 20
    assert world.value("bytes", size=0) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_an_exception_of_the_service(world: World, kind: str) -> None:
    answer = world.ask("fail", text="no luck", invoke=kind)
    assert (answer.error, answer.text) == ("example.Example$Trouble", "no luck")


def test_an_exception_of_a_generic_call(world: World) -> None:
    answer = world.ask("fail", text="no luck", invoke="generic")
    assert answer.error.endswith("GenericException")
    assert "no luck" in answer.text


def test_threads_get_their_own_answers(world: World) -> None:
    options = world.options("main", {})
    counts = world.client.value("parallel", threads=32, calls=200, **options)
    assert counts == {"right": 6400, "wrong": 0, "failed": 0}
    assert world.sidecar.stat("cluster.main.upstream_cx_active") == 1


def test_an_attachment_chooses_the_server(world: World) -> None:
    other = next(name for name in VERSIONS if name != world.version)
    assert world.value("where") == world.version
    assert world.value("where", with__gray="no") == world.version
    assert world.value("attachment", text="city", with__city="\u5317\u4eac") == "\u5317\u4eac"
    if world.serialization == "hessian2":
        assert world.value("where", with__gray="yes") == other
        assert world.value("older", text="Ann", years=2, with__gray="yes")["age"] == 43
    else:  # which Dubbo 2.7 cannot read
        assert world.ask("where", with__gray="yes").error == RPC
        world.sidecar.wait_stat("cluster.gray.upstream_rq_total", 1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("listener", "text"), [("unrouted", "route_not_found"), ("hostless", "no healthy"), ("refused", "connection")]
)
def test_what_the_sidecar_says_itself(world: World, listener: str, text: str, kind: str) -> None:
    for _ in range(2):
        answer = world.ask("echo", listener, text="x", invoke=kind)
        if kind == "sync":
            assert (answer.error, answer.code) == (RPC, NETWORK), answer
        else:  # Dubbo 2.7 wraps what came before its future was given out
            assert answer.error in (RPC, REMOTING + "RemotingException")
        assert text in answer.text.lower(), answer
        assert answer.ms < 1000
    assert world.sidecar.stat(f"rpc.{listener}.downstream_cx_destroy") == 0


@pytest.mark.parametrize("kind", KINDS)
def test_the_routes_timeout_is_like_the_clients_own(world: World, kind: str) -> None:
    answer = world.ask("sleep", "slow", milliseconds=1200, text="late", invoke=kind)
    own = world.ask("sleep", milliseconds=1200, text="late", invoke=kind, timeout=300)
    assert (answer.error, answer.code) == (own.error, own.code), (answer, own)
    assert own.error == (RPC if kind == "sync" else REMOTING + "TimeoutException")
    assert max(answer.ms, own.ms) < 1000
    assert world.value("where", "slow", invoke=kind) == world.version
    assert world.value("where", invoke=kind, timeout=300) == world.version
    assert world.sidecar.stat("rpc.slow.downstream_cx_destroy") == 0


def test_heartbeats_keep_an_idle_connection(world: World) -> None:
    world.value("where")
    before = {name: world.sidecar.stat(f"rpc.main.downstream_{name}") for name in ("heartbeat", "cx_total")}
    time.sleep(2.5)  # longer than the listener's idle timeout
    assert world.value("where") == world.version
    assert world.sidecar.stat("rpc.main.downstream_heartbeat") > before["heartbeat"] + 1
    assert world.sidecar.stat("rpc.main.downstream_cx_total") == before["cx_total"]
    assert world.sidecar.stat("cluster.main.upstream_cx_active") == 1


def test_a_server_that_is_killed_and_comes_back(world: World, serve_dubbo: ServeDubbo) -> None:
    port = world.ports.server["crash"]
    server = serve_dubbo(world.version, "first", port)
    assert world.value("where", "crash") == "first"
    world.send("sleep", "crash", milliseconds=2500, text="never")
    time.sleep(0.5)
    server.program.kill()
    answer = world.client.result()
    assert (answer.error, answer.code) == (RPC, NETWORK), answer
    assert answer.ms < 1500
    assert world.ask("where", "crash").code == NETWORK
    serve_dubbo(world.version, "second", port)
    assert world.value("where", "crash") == "second"
