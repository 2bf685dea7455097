"""Dubbo's argument callbacks: a server calls the objects that its clients handed to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.interop.dubbo_java import VERSIONS, Server
from tests.interop.program import Program
from tests.interop.sidecar import Ports, marked
from tests.proxy.sidecar import Sidecar


@dataclass
class World:
    sidecar: Sidecar
    ports: Ports
    server: Server
    clients: dict[str, Program]


@pytest.fixture(params=VERSIONS)
def world(
    request: pytest.FixtureRequest,
    dubbo_servers: dict[str, Server],
    dubbo_clients: dict[str, Program],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[World]:
    """A server of one version, clients of both."""
    ports = Ports()
    server = dubbo_servers[request.param]
    ports.server["main"] = server.port
    with Sidecar(tmp_path_factory.mktemp("sidecar"), ports.config("dubbo", marked("gray"))) as sidecar:
        yield World(sidecar, ports, server, dubbo_clients)


def test_each_client_is_called_back(world: World) -> None:
    for version, client in world.clients.items():
        port, topic = world.ports.listener["main"], f"news for {version} of {world.server.name}"
        client.value("subscribe", port=port, topic=topic, name=version)
    for number in range(20):
        for version in world.clients:
            text = f"{world.server.name} says {number} to {version}"
            topic = f"news for {version} of {world.server.name}"
            assert world.server.program.value("publish", topic=topic, text=text) == [f"{version} heard {text}"]
    for version, client in world.clients.items():
        heard = [text for text in client.value("heard") if text.startswith(f"{world.server.name} says")]
        assert heard == [f"{world.server.name} says {number} to {version}" for number in range(20)]
        # The same connection goes on calling the other way.
        assert client.value("call", port=world.ports.listener["main"], method="where") == world.server.name


@pytest.mark.parametrize("world", ["3.3.6"], indirect=True)  # Dubbo 2.7 has no fastjson2
def test_a_callback_in_fastjson2(world: World) -> None:
    client, port = world.clients["3.3.6"], world.ports.listener["main"]
    client.value("subscribe", port=port, topic="fastjson2", name="client", serialization="fastjson2")
    assert world.server.program.value("publish", topic="fastjson2", text="news") == ["client heard news"]
