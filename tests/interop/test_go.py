"""dubbo-go through the sidecar: its clients to servers of its own and of Dubbo Java."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.interop.conftest import StartGo
from tests.interop.dubbo_java import Server
from tests.interop.sidecar import Ports, marked
from tests.interop.test_node import MESSAGES, TEXTS, World
from tests.proxy.sidecar import Sidecar


@pytest.fixture(scope="module")
def world(
    dubbo_servers: dict[str, Server], start_go: StartGo, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """What is gray goes to a server of Dubbo 3 in Java, everything else to one in Go."""
    ports = Ports()
    start_go().value("serve", port=ports.server["main"], name="go")
    ports.server["gray"] = dubbo_servers["3.3.6"].port
    config = ports.config("dubbo", marked("gray"), idle_timeout="1.5s")
    with Sidecar(tmp_path_factory.mktemp("sidecar"), config) as sidecar:
        yield World(ports, sidecar, start_go())


def test_calls(world: World) -> None:
    assert [world.value("echo", text=text) for text in TEXTS] == list(TEXTS)
    assert world.value("where") == "go"


def test_an_attachment_chooses_the_server(world: World) -> None:
    assert world.value("where", with__gray="yes") == "3.3.6"
    assert world.value("where", with__gray="no") == "go"


def test_a_megabyte_each_way(world: World) -> None:
    assert world.value("bytes", size=1000000) == 1000000  # dubbo-go itself refuses more than 1,024,000


@pytest.mark.parametrize("gray", ["yes", "no"])
def test_an_exception_of_the_service(world: World, gray: str) -> None:
    assert "no luck" in world.ask("fail", text="no luck", with__gray=gray).text


def test_callers_get_their_own_answers(world: World) -> None:
    assert world.parallel(100) == {"right": 5000, "wrong": 0, "failed": 0}


@pytest.mark.parametrize(("listener", "text"), [*MESSAGES, ("slow", "timeout")])
def test_what_the_sidecar_says_itself(world: World, listener: str, text: str) -> None:
    for _ in range(2):
        answer = world.ask("sleep", listener, milliseconds=800, text="late")
        assert answer.error
        assert text in answer.text.lower(), answer
        assert answer.ms < 700
    assert world.sidecar.stat(f"rpc.{listener}.downstream_cx_destroy") == 0
