"""Addresses and listening sockets, without processes."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from mosn.workers.listening import BindError, Listeners, format_address, open_single, parse_address
from mosn.workers.messages import Binding


@pytest.fixture
def listeners() -> Iterator[Listeners]:
    made = Listeners(workers=3)
    yield made
    made.close()


def run(listeners: Listeners, *bindings: Binding) -> None:
    listeners.commit(listeners.prepare(list(bindings)))


@pytest.mark.parametrize(
    ("text", "family", "sockaddr"),
    [
        ("1.2.3.4:80", socket.AF_INET, ("1.2.3.4", 80)),
        ("[::1]:80", socket.AF_INET6, ("::1", 80)),
        ("unix:/run/x", socket.AF_UNIX, "/run/x"),
        ("unix:@x", socket.AF_UNIX, "\0x"),
    ],
)
def test_addresses(text: str, family: int, sockaddr: object) -> None:
    assert parse_address(text) == (family, sockaddr)


@pytest.mark.parametrize("text", ["", "80", "localhost", "1.2.3.4:", "1.2.3.4:http"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match="not an address"):
        parse_address(text)


def test_one_socket_per_worker_on_a_port_that_the_kernel_chose(listeners: Listeners) -> None:
    run(listeners, Binding("a", "127.0.0.1:0"))
    port = listeners.table["a"]
    assert len(port.sockets) == 3
    assert {format_address(sock) for sock in port.sockets} == {port.shown}
    for sock in port.sockets:
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    run(listeners, Binding("b", "127.0.0.1:0"))
    assert listeners.table["b"] is port


@pytest.mark.parametrize(("compat", "only"), [(True, 0), (False, 1)])
def test_ipv4_compat(listeners: Listeners, compat: bool, only: int) -> None:
    run(listeners, Binding("a", "[::]:0", ipv4_compat=compat))
    sock = listeners.table["a"].sockets[0]
    assert sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) == only


def test_freebind_and_transparent(listeners: Listeners) -> None:
    run(listeners, Binding("a", "192.0.2.1:0", freebind=True, transparent=os.geteuid() == 0))
    sock = listeners.table["a"].sockets[0]
    assert sock.getsockopt(socket.IPPROTO_IP, 15)  # IP_FREEBIND
    assert sock.getsockopt(socket.IPPROTO_IP, socket.IP_TRANSPARENT) == int(os.geteuid() == 0)


def test_an_address_that_no_interface_has(listeners: Listeners) -> None:
    with pytest.raises(BindError, match=r"listener a: cannot listen on 192\.0\.2\.1:0: .*freebind"):
        listeners.prepare([Binding("a", "192.0.2.1:0")])


def test_nothing_stays_open_when_one_cannot_be_had(listeners: Listeners, tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with pytest.raises(BindError):
        listeners.prepare([Binding("a", f"unix:{path}"), Binding("b", "192.0.2.1:0")])
    assert not path.exists()


def test_unix_sockets_are_shared_and_removed(listeners: Listeners, tmp_path: Path) -> None:
    path = tmp_path / "socket"
    run(listeners, Binding("a", f"unix:{path}", mode=0o620))
    assert len(listeners.table["a"].sockets) == 1
    assert listeners.table["a"].of_worker(2) is listeners.table["a"].of_worker(0)
    assert stat.S_IMODE(path.stat().st_mode) == 0o620
    run(listeners)
    assert not path.exists()


def test_a_stale_unix_socket_is_replaced_and_a_live_one_is_not(listeners: Listeners, tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))
        sock.listen()
        with pytest.raises(BindError, match="Address already in use"):
            listeners.prepare([Binding("a", f"unix:{path}")])
    run(listeners, Binding("a", f"unix:{path}"))


def test_a_file_is_never_replaced(listeners: Listeners, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("precious")
    with pytest.raises(BindError, match="not a socket"):
        listeners.prepare([Binding("a", f"unix:{path}")])
    assert path.read_text() == "precious"


def test_abstract_sockets(listeners: Listeners) -> None:
    run(listeners, Binding("a", f"unix:@mosn-test-{os.getpid()}"))
    assert listeners.table["a"].shown == f"unix:@mosn-test-{os.getpid()}"


def test_two_addresses_with_one_port(listeners: Listeners) -> None:
    run(listeners, Binding("a", "0.0.0.0:0"))
    number = listeners.table["a"].sockets[0].getsockname()[1]
    run(listeners, Binding("a", f"0.0.0.0:{number}"), Binding("b", f"127.0.0.1:{number}"))
    assert set(listeners.table) == {"a", "b"}


def test_the_admin_socket_is_private(tmp_path: Path) -> None:
    path = tmp_path / "admin"
    sock = open_single("admin", f"unix:{path}")
    assert sock is not None and stat.S_IMODE(path.stat().st_mode) == 0o600
    sock.close()
    assert open_single("admin", "") is None
    with pytest.raises(BindError, match="admin: cannot listen on nowhere"):
        open_single("admin", "nowhere")
