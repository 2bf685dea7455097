"""What systemd is told, word for word, and the sockets that it may open for us."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.project.source import ROOT
from tests.workers.instance import Client, Instance, eventually

Make = Callable[..., Instance]


class Manager:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(str(path))
        self.sock.settimeout(30)

    def next(self) -> dict[str, str]:
        return dict(line.split("=", 1) for line in self.sock.recv(4096).decode().splitlines())


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    made = Manager(tmp_path / "notify")
    yield made
    made.sock.close()


def test_the_transcript(make_instance: Make, manager: Manager) -> None:
    instance = make_instance()
    instance.environment = {"NOTIFY_SOCKET": str(manager.path)}
    instance.spawn()
    ready = manager.next()
    assert ready == {
        "READY": "1",
        "MAINPID": str(instance.process.pid),
        "STATUS": "2 workers, 1 listeners, configuration v1",
    }
    assert Client(instance.port).echo()  # ready means ready

    instance.configure("v2")
    instance.signal(signal.SIGHUP)
    reloading = manager.next()
    assert reloading["RELOADING"] == "1" and int(reloading["MONOTONIC_USEC"]) > 0
    assert manager.next()["STATUS"] == "2 workers, 1 listeners, configuration v2"

    instance.config_file.write_text("{ no")
    instance.signal(signal.SIGHUP)
    assert manager.next()["RELOADING"] == "1"
    after = manager.next()
    assert after["READY"] == "1" and "v2" in after["STATUS"]

    instance.signal(signal.SIGTERM)
    assert manager.next()["STOPPING"] == "1"
    assert instance.wait() == 0


def test_the_watchdog_is_fed(make_instance: Make, manager: Manager) -> None:
    instance = make_instance()
    instance.environment = {"NOTIFY_SOCKET": str(manager.path), "WATCHDOG_USEC": "200000"}
    instance.spawn()
    assert manager.next()["READY"] == "1"
    assert [manager.next() for _ in range(3)] == [{"WATCHDOG": "1"}] * 3


def test_a_socket_of_the_service_manager_is_used(make_instance: Make) -> None:
    """One queue for all workers; it stays open when we end."""
    instance = make_instance()
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    instance.configure("v1", {"main": port})
    instance.port = port
    _spawn_with_socket(instance, listening)
    eventually(lambda: instance.status()["state"] == "running")
    assert instance.status()["listeners"][0]["sockets"] == 1
    for worker in (0, 1):
        instance.client_of(worker).close()
    instance.call("stop")
    os.waitpid(instance.process.pid, 0)
    socket.create_connection(("127.0.0.1", port)).close()
    listening.close()


def _spawn_with_socket(instance: Instance, listening: socket.socket) -> None:
    """As systemd does: descriptor 3, and LISTEN_PID is the pid of the program."""
    import json
    import subprocess

    starter = (
        "import os, sys\n"
        "os.dup2(int(sys.argv[1]), 3)\n"
        "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1')\n"
        "os.execv(sys.executable, [sys.executable, '-m', 'tests.workers.fake_start', sys.argv[2]])\n"
    )
    options = json.dumps(instance.options._asdict())
    with instance.log_file.open("a") as log:
        instance.process = subprocess.Popen(
            [sys.executable, "-c", starter, str(listening.fileno()), options],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            pass_fds=[listening.fileno()],
        )
