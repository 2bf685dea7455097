"""Who is let in, and where the admin listens."""

from __future__ import annotations

import asyncio
import socket
import stat
from pathlib import Path

import aiohttp
import pytest

from mosn.admin import start
from mosn.admin.guard import Guard
from tests.admin.box import Box, Served, raw_request
from tests.admin.conftest import Client


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1:9901", "LOCALHOST:80", "[::1]:9901", "127.8.9.1", "10.1.2.3:9901"]
)
def test_local_hosts_are_let_in(admin: Client, host: str) -> None:
    assert admin.get("/ready", Host=host).status == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:9901", "127.0.0.1.evil.example", "localhost.evil.example", "[x", ""]
)
def test_a_name_that_was_made_to_resolve_to_us_is_not(box: Box, admin: Client, host: str) -> None:
    for method, path in [("GET", "/config_dump"), ("GET", "/"), ("POST", "/quitquitquit"), ("GET", "/nope")]:
        answer = admin.ask(method, path, {"Host": host})
        assert answer.status == 403, answer
    assert not box.commands


def test_without_a_host_header_it_is_no_browser(admin: Client) -> None:
    assert raw_request(admin.address, "GET /ready HTTP/1.0\r\n\r\n").endswith(b"\r\n\r\nLIVE\n")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://127.0.0.1:9901", "Host": "127.0.0.1:9901"},
        {"Origin": "http://127.0.0.1:8000", "Host": "127.0.0.1:9901"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_pages_of_other_sites_change_nothing(box: Box, admin: Client, headers: dict[str, str]) -> None:
    assert admin.ask("POST", "/quitquitquit", headers).status == 403
    assert not box.commands


@pytest.mark.parametrize(
    "headers",
    [{}, {"Origin": "http://127.0.0.1:9901", "Host": "127.0.0.1:9901"}, {"Sec-Fetch-Site": "same-origin"}],
)
def test_programs_and_the_console_do(box: Box, admin: Client, headers: dict[str, str]) -> None:
    assert admin.ask("POST", "/quitquitquit", headers).status == 200
    assert box.commands


def test_an_admin_for_the_network_is_reached_by_the_boxs_own_name() -> None:
    outside, name = Guard("0.0.0.0"), socket.gethostname()
    assert outside.fault("GET", {"Host": f"{name}:9901"}) is None
    assert Guard("192.0.2.7").fault("GET", {"Host": "192.0.2.7:9901"}) is None
    assert outside.fault("GET", {"Host": "evil.example"})
    if name != "localhost":
        assert Guard("127.0.0.1").fault("GET", {"Host": name})


async def ready_through(path: str) -> str:
    connector = aiohttp.UnixConnector(path=path)
    async with aiohttp.ClientSession(connector=connector) as session, session.get("http://any.name/ready") as answer:
        return await answer.text()


def test_unix_socket(box: Box, tmp_path: Path) -> None:
    path = tmp_path / "admin.sock"

    async def test() -> None:
        async with Served(box, f"unix:{path}") as address:
            assert address == f"unix:{path}"
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert await ready_through(str(path)) == "LIVE\n"
        assert not path.exists()

    asyncio.run(test())


def test_a_stale_unix_socket_is_replaced_and_a_live_one_is_not(box: Box, tmp_path: Path) -> None:
    path = tmp_path / "admin.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))

    async def test() -> None:
        async with Served(box, f"unix:{path}"):
            with pytest.raises(OSError, match="Address already in use"):
                await start(box, f"unix:{path}")
            assert await ready_through(str(path)) == "LIVE\n"

    asyncio.run(test())


def test_a_socket_that_listens_already(box: Box) -> None:
    """The master's: it survives this process."""
    listening = socket.create_server(("127.0.0.1", 0))
    copy = listening.dup()

    async def test() -> None:
        server = await start(box, listening)
        host, port = copy.getsockname()
        assert server.address == f"{host}:{port}"
        async with aiohttp.ClientSession() as session, session.get(f"http://{server.address}/ready") as answer:
            assert answer.status == 200
        await server.close()
        socket.create_connection((host, port)).close()  # still listens

    asyncio.run(test())
    copy.close()


def test_an_address_without_a_host_is_loopback(box: Box) -> None:
    async def test() -> None:
        async with Served(box, ":0") as address:
            assert address.startswith("127.0.0.1:")

    asyncio.run(test())


def test_an_address_that_cannot_be_had_is_named(box: Box) -> None:
    async def test() -> None:
        async with Served(box) as address:
            with pytest.raises(OSError, match=f"admin address {address}: Address already in use"):
                await start(box, address)
        with pytest.raises(ValueError, match="no port"):
            await start(box, "localhost")

    asyncio.run(test())


def test_a_body_is_not_waited_for(admin: Client) -> None:
    host, _, port = admin.address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as sock:
        sock.sendall(b"POST /reset_counters HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4000000000\r\n\r\n")
        assert sock.recv(12) == b"HTTP/1.1 200"
