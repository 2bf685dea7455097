"""Starting, refusing to start, and stopping."""

from __future__ import annotations

import os
import signal
import socket
import stat
from collections.abc import Callable

import pytest

from mosn.workers.control_client import NotRunning
from tests.workers.instance import Client, Instance, eventually

Make = Callable[..., Instance]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_starts_serves_and_stops(instance: Instance, number: int) -> None:
    client = Client(instance.port)
    assert client.echo()
    client.close()
    instance.signal(number)
    assert instance.wait() == 0
    assert list(instance.run_dir.iterdir()) == [instance.run_dir / "scribe"]
    with pytest.raises(ConnectionRefusedError):
        Client(instance.port)


def test_says_in_a_few_lines_what_runs(instance: Instance) -> None:
    instance.call("stop")
    instance.wait()
    assert instance.process.stdout
    said = instance.process.stdout.read()
    for fact in (f"main 127.0.0.1:{instance.port}", "version v1", "workers        2", str(instance.run_dir)):
        assert fact in said
    assert len(said.splitlines()) <= 6


def test_a_bad_configuration_starts_nothing(make_instance: Make) -> None:
    instance = make_instance()
    instance.config_file.write_text("{ no")
    instance.spawn()
    assert instance.wait() == 2
    assert f"{instance.config_file}:1:1 MOSN0001" in instance.log()
    assert "ready" not in instance.log()
    assert list(instance.run_dir.iterdir()) == []


def test_a_port_in_use_is_named(make_instance: Make) -> None:
    instance = make_instance()
    with socket.create_server(("127.0.0.1", instance.port)):
        instance.spawn()
        assert instance.wait() == 2
    assert f"listener main: cannot listen on 127.0.0.1:{instance.port}: Address already in use" in instance.log()


def test_a_port_is_not_shared_with_another_program(make_instance: Make, instance: Instance) -> None:
    """SO_REUSEPORT alone would let two instances take turns."""
    second = make_instance()
    second.configure("v1", {"main": instance.port})
    second.spawn()
    assert second.wait() == 2
    assert Client(instance.port).pid in [worker["pid"] for worker in instance.workers()]


def test_a_second_start_is_refused(make_instance: Make, instance: Instance) -> None:
    second = make_instance()
    second.options = instance.options
    second.spawn()
    assert second.wait() == 1
    assert f"already running in {instance.run_dir} (pid {instance.process.pid})" in second.log()
    assert Client(instance.port).echo()


def test_a_stale_pid_file_and_socket_are_replaced(make_instance: Make) -> None:
    instance = make_instance()
    instance.run_dir.mkdir()
    (instance.run_dir / "mosn.pid").write_text("1\n")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(instance.run_dir / "control.sock"))
    instance.start()
    assert int((instance.run_dir / "mosn.pid").read_text()) == instance.process.pid


def test_only_the_owner_may_use_the_control_socket(instance: Instance) -> None:
    mode = os.stat(instance.run_dir / "control.sock").st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600


def test_unknown_commands_are_refused(instance: Instance) -> None:
    assert instance.call("dance").code == 2
    assert instance.call("reload", faster=True).code == 2
    assert instance.call("upgrade").code == 1


def test_drain_waits_for_connections(instance: Instance) -> None:
    client = Client(instance.port)
    instance.signal(signal.SIGQUIT)
    eventually(lambda: instance.status()["state"] == "draining")
    eventually(lambda: _refused(instance.port), "new connections are refused")
    assert client.echo()
    client.close()
    assert instance.wait() == 0


def test_drain_ends_when_its_time_is_over(make_instance: Make) -> None:
    instance = make_instance(drain_seconds=0.2).start()
    client = Client(instance.port)
    assert instance.call("drain").code == 0
    assert instance.wait() == 0
    assert client.file.read() == b""


def test_a_second_signal_stops_at_once(make_instance: Make) -> None:
    instance = make_instance(stop_seconds=600.0).start()
    client = Client(instance.port)
    instance.signal(signal.SIGTERM)
    eventually(lambda: instance.status()["state"] == "draining")
    instance.signal(signal.SIGTERM)
    assert instance.wait() == 0
    assert client.file.read() == b""


def test_drain_listeners_stays(instance: Instance) -> None:
    assert instance.call("drain_listeners").code == 0
    eventually(lambda: instance.status()["state"] == "drained")
    assert _refused(instance.port)
    assert instance.call("reload").code == 1
    assert instance.call("stop").code == 0
    assert instance.wait() == 0


def test_the_last_words_of_the_services_are_waited_for(instance: Instance) -> None:
    instance.call("stop")
    instance.wait()
    assert (instance.run_dir / "scribe").read_text().splitlines()[-1] == "stop"


def test_stop_before_ready(make_instance: Make) -> None:
    instance = make_instance()
    instance.configure("hang-0")
    instance.spawn()
    eventually(lambda: instance.status()["workers"][1]["state"] == "ready")
    instance.signal(signal.SIGTERM)
    assert instance.wait() in (0, 1)
    with pytest.raises(NotRunning):
        instance.status()


def _refused(port: int) -> bool:
    try:
        Client(port).close()
    except (ConnectionRefusedError, ConnectionResetError, ValueError):
        return True
    return False
