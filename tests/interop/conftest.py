from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.interop import golang
from tests.interop.dubbo_java import OPTIONS, VERSIONS, Server
from tests.interop.java import Unavailable, class_path, java
from tests.interop.node import node
from tests.interop.program import Program
from tests.proxy.sidecar import free_port

StartJava = Callable[..., Program]
StartNode = Callable[[str], Program]
StartGo = Callable[[], Program]
ServeDubbo = Callable[..., Server]


@pytest.fixture(scope="package")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ExitStack, Path]]:
    """What runs until the tests here are over, not the whole suite, and where it writes."""
    with ExitStack() as running:
        yield running, tmp_path_factory.mktemp("programs")


@pytest.fixture(scope="package")
def start_java(programs: tuple[ExitStack, Path]) -> StartJava:
    """Starts class `main` of the programs for one version of a framework; it ends with the last test here."""
    running, home = programs
    paths: dict[tuple[str, str], str] = {}

    def start(framework: str, version: str, main: str, *options: str) -> Program:
        if (framework, version) not in paths:
            try:
                paths[framework, version] = class_path(framework, version)
            except Unavailable as why:
                pytest.skip(str(why))
        directory = home / f"{main}-{len(list(home.iterdir()))}"
        directory.mkdir()
        command = java(paths[framework, version], main, directory, *options)
        return running.enter_context(Program(command, directory / "log"))

    return start


@pytest.fixture(scope="package")
def serve_dubbo(start_java: StartJava) -> ServeDubbo:
    """Starts a server of Dubbo Java."""

    def serve(version: str, name: str, port: int = 0) -> Server:
        server = Server(name, port or free_port(), start_java("dubbo", version, "example.Dubbo", *OPTIONS))
        server.program.value("serve", port=server.port, name=name)
        return server

    return serve


@pytest.fixture(scope="package")
def dubbo_servers(serve_dubbo: ServeDubbo) -> dict[str, Server]:
    """By version, which is its name too."""
    return {version: serve_dubbo(version, version) for version in VERSIONS}


@pytest.fixture(scope="package")
def dubbo_clients(start_java: StartJava) -> dict[str, Program]:
    """By version."""
    return {version: start_java("dubbo", version, "example.Dubbo", *OPTIONS) for version in VERSIONS}


@pytest.fixture(scope="package")
def start_node(programs: tuple[ExitStack, Path]) -> StartNode:
    """Starts a program of node/; it ends with the last test here."""
    running, home = programs

    def start(program: str) -> Program:
        try:
            command, env = node(program)
        except Unavailable as why:
            pytest.skip(str(why))
        return running.enter_context(Program(command, home / f"{program}-{len(list(home.iterdir()))}.log", env))

    return start


@pytest.fixture(scope="package")
def start_go(programs: tuple[ExitStack, Path]) -> StartGo:
    """Starts the program of go/; it ends with the last test here."""
    running, home = programs

    def start() -> Program:
        try:
            command = [str(golang.program())]
        except Unavailable as why:
            pytest.skip(str(why))
        return running.enter_context(Program(command, home / f"go-{len(list(home.iterdir()))}.log"))

    return start
