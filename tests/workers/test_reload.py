"""Changes of the configuration: all workers or none, and no connection is lost for it."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.workers.instance import Client, Instance, eventually, free_port

Make = Callable[..., Instance]


def test_reload(instance: Instance) -> None:
    client = Client(instance.port)
    instance.configure("v2")
    result = instance.call("reload")
    assert (result.code, result.body) == (0, {"version": "v2", "previous": "v1"})
    assert {worker["version"] for worker in instance.workers()} == {"v2"}
    assert client.echo()
    assert (instance.run_dir / "scribe").read_text().splitlines()[-1] == "changed v2"


def test_hup_reloads(instance: Instance) -> None:
    instance.configure("v2")
    instance.signal(signal.SIGHUP)
    eventually(lambda: instance.status()["config"]["version"] == "v2")


def test_watch_reloads(make_instance: Make) -> None:
    instance = make_instance(watch=True).start()
    instance.configure("v2")
    eventually(lambda: instance.status()["config"]["version"] == "v2")


def test_a_bad_configuration_changes_nothing(instance: Instance) -> None:
    instance.config_file.write_text("{ no")
    result = instance.call("reload")
    assert result.code == 2 and "MOSN0001" in result.error
    assert result.findings[0]["code"] == "MOSN0001"
    assert instance.status()["config"]["version"] == "v1"
    assert Client(instance.port).version == "v1"


@pytest.mark.parametrize("fault", ["refuse-1", "crash-1", "hang-1"])
def test_one_worker_that_does_not_take_it_brings_all_back(instance: Instance, fault: str) -> None:
    kept, port = instance.client_of(0), free_port()
    instance.configure(fault, {"main": instance.port, "more": port})
    result = instance.call("reload")
    assert result.code == 1 and "worker 1" in result.error
    eventually(lambda: {worker["version"] for worker in instance.workers()} == {"v1"})
    assert kept.echo()
    assert instance.client_of(0).version == instance.client_of(1).version == "v1"
    with pytest.raises(ConnectionRefusedError):
        Client(port)
    instance.configure("v2")
    assert instance.call("reload").code == 0


def test_listeners_are_added_and_removed(instance: Instance) -> None:
    second = free_port()
    instance.configure("v2", {"main": instance.port, "second": second})
    assert instance.call("reload").code == 0
    kept = Client(second)
    for worker in (0, 1):
        instance.client_of(worker, second).close()
    instance.configure("v3")
    assert instance.call("reload").code == 0
    with pytest.raises(ConnectionRefusedError):
        Client(second)
    assert kept.echo()  # an open connection outlives its listener
    assert Client(instance.port).version == "v3"


def test_a_listener_moves_and_another_takes_its_place(instance: Instance) -> None:
    second = free_port()
    instance.configure("v2", {"main": second, "other": instance.port})
    assert instance.call("reload").code == 0
    addresses = {listener["name"]: listener["address"] for listener in instance.status()["listeners"]}
    assert addresses == {"main": f"127.0.0.1:{second}", "other": f"127.0.0.1:{instance.port}"}
    for port in (second, instance.port):
        for worker in (0, 1):
            instance.client_of(worker, port).close()


def test_a_renamed_listener_keeps_its_sockets(instance: Instance) -> None:
    """Its queue must not be lost: fill it while no worker looks."""
    before = _socket_inodes(instance.process.pid)
    instance.configure("v2", {"renamed": instance.port})
    assert instance.call("reload").code == 0
    assert _socket_inodes(instance.process.pid) == before
    assert Client(instance.port).echo()


def test_a_port_in_use_fails_the_reload(instance: Instance) -> None:
    with socket.create_server(("127.0.0.1", 0)) as foreign:
        port = foreign.getsockname()[1]
        instance.configure("v2", {"main": instance.port, "second": port})
        result = instance.call("reload")
    assert result.code == 2 and f"listener second: cannot listen on 127.0.0.1:{port}" in result.error
    assert Client(instance.port).version == "v1"


def test_reloads_leak_no_descriptors(instance: Instance) -> None:
    second = free_port()

    def reload(number: int) -> None:
        ports = {"main": instance.port, **({"second": second} if number % 2 else {})}
        instance.configure(f"v{number}", ports, logs=[str(instance.directory / f"log-{number % 3}")])
        assert instance.call("reload").code == 0
        if number % 7 == 0:
            instance.config_file.write_text("{ no")
            assert instance.call("reload").code == 2

    for number in range(6):
        reload(number)
    eventually(lambda: len(os.listdir(f"/proc/{_controller(instance)}/fd")) < 100)
    before = _descriptors(instance)
    for number in range(50):
        reload(number)
    eventually(lambda: max(after - was for was, after in zip(before, _descriptors(instance), strict=True)) <= 1)


def test_many_reloads_at_once(instance: Instance) -> None:
    instance.configure("v2")
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: instance.call("reload"), range(8)))
    assert [result.code for result in results] == [0] * 8
    assert instance.status()["config"]["version"] == "v2"


def test_access_logs_that_cannot_be_opened_fail_the_reload(instance: Instance) -> None:
    instance.configure("v2", logs=[str(instance.directory / "missing" / "log")])
    result = instance.call("reload")
    assert result.code == 2 and "missing/log" in result.error
    assert instance.status()["config"]["version"] == "v1"


def test_usr1_reopens_logs(instance: Instance) -> None:
    instance.signal(signal.SIGUSR1)
    eventually(lambda: (instance.run_dir / "scribe").read_text().splitlines()[-1] == "reopen")


def test_usr2_says_that_it_cannot(instance: Instance) -> None:
    instance.signal(signal.SIGUSR2)
    eventually(lambda: "cannot be replaced in place yet" in instance.log())
    assert Client(instance.port).echo()


def _controller(instance: Instance) -> int:
    return int(instance.status()["controller"]["pid"])


def _descriptors(instance: Instance) -> list[int]:
    pids = [instance.process.pid, _controller(instance), *(worker["pid"] for worker in instance.workers())]
    return [len(os.listdir(f"/proc/{pid}/fd")) for pid in pids]


def _socket_inodes(pid: int) -> set[str]:
    """Listening TCP sockets that a process has."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening = {row[9] for row in rows if row[3] == "0A"}
    links = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
    return {link for link in links if link.removeprefix("socket:[").removesuffix("]") in listening}
