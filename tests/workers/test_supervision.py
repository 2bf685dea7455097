"""What happens when processes die."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil

from tests.project.source import ROOT
from tests.workers.instance import Client, Instance, eventually

Make = Callable[..., Instance]


def test_a_killed_worker_is_replaced_and_nobody_else_notices(instance: Instance) -> None:
    doomed, others = instance.client_of(0), [instance.client_of(1) for _ in range(3)]
    os.kill(doomed.pid, signal.SIGKILL)
    replacement = eventually(lambda: _other(instance, 0, doomed.pid))
    assert doomed.file.read() == b""
    assert all(other.echo() for other in others)
    assert replacement["restarts"] == 1 and "signal 9" in replacement["last_end"]
    assert instance.client_of(0).pid == replacement["pid"]


def test_connections_in_the_queue_of_a_dead_worker_are_served(make_instance: Make) -> None:
    """Nobody who connects while workers die is reset or left hanging."""
    instance = make_instance(workers=1).start()
    for _ in range(5):
        os.kill(instance.worker_pid(0), signal.SIGKILL)
        clients = [Client(instance.port) for _ in range(10)]
        assert all(client.echo() for client in clients)
        for client in clients:
            client.close()
        eventually(lambda: instance.workers()[0]["state"] == "ready")


def test_a_crash_loop_backs_off_and_its_sockets_are_lent(instance: Instance) -> None:
    instance.configure("crash-0")
    assert instance.call("reload").code == 1  # the worker dies of it, and it is undone
    # A worker that dies again and again for no fault of the configuration:
    for _ in range(7):
        eventually(lambda: instance.workers()[0]["state"] in ("starting", "ready"))
        pid = instance.worker_pid(0)
        if pid:
            os.kill(pid, signal.SIGKILL)
            eventually(lambda pid=pid: instance.worker_pid(0) != pid)  # type: ignore[misc]
    eventually(lambda: instance.workers()[1]["accepts_for"] == [1, 0], "lent")
    clients = [Client(instance.port) for _ in range(20)]
    assert {client.worker for client in clients} == {1}
    assert all(client.echo() for client in clients)
    eventually(lambda: instance.workers()[0]["state"] == "ready")
    eventually(lambda: instance.workers()[1]["accepts_for"] == [1], "taken back")
    assert all(client.echo() for client in clients)
    instance.client_of(0).close()
    instance.client_of(1).close()


def test_workers_that_cannot_start_end_the_start(make_instance: Make) -> None:
    instance = make_instance()
    instance.configure("crash-all")
    instance.spawn()
    assert instance.wait() == 1
    assert "was killed by signal 9" in instance.log()


def test_a_configuration_that_the_engine_refuses_ends_the_start(make_instance: Make) -> None:
    instance = make_instance()
    instance.configure("refuse-1")
    instance.spawn()
    assert instance.wait() == 2
    assert "worker 1 cannot compile refuse-1" in instance.log()


def test_a_killed_controller_changes_nothing_for_traffic(instance: Instance) -> None:
    client = Client(instance.port)
    instance.config_file.write_text("{ this must not be read")
    pid = instance.status()["controller"]["pid"]
    os.kill(pid, signal.SIGKILL)
    assert client.echo()
    assert Client(instance.port).version == "v1"
    instance.next_controller(pid)
    assert instance.status()["controller"]["restarts"] == 1
    assert (instance.run_dir / "scribe").read_text().splitlines()[-1] == "start v1"
    instance.configure("v2")
    assert instance.call("reload").code == 0
    assert client.echo() and Client(instance.port).version == "v2"


def test_a_controller_that_dies_during_a_reload(instance: Instance) -> None:
    pid = instance.status()["controller"]["pid"]
    os.kill(pid, signal.SIGSTOP)
    begun = threading.Event()
    with ThreadPoolExecutor() as pool:
        reload = pool.submit(instance.call, "reload", lambda text: begun.set())
        assert begun.wait(30)
        os.kill(pid, signal.SIGKILL)
        result = reload.result()
    assert result.code == 1 and "controller" in result.error
    instance.next_controller(pid)
    assert Client(instance.port).version == "v1"


def test_a_stuck_controller_is_replaced(instance: Instance) -> None:
    pid = instance.status()["controller"]["pid"]
    os.kill(pid, signal.SIGSTOP)
    result = instance.call("reload")
    assert result.code == 1 and "controller died" in result.error
    instance.next_controller(pid)
    assert instance.call("reload").code == 0


def test_without_the_master_workers_drain(make_instance: Make) -> None:
    instance = make_instance().start()
    client = Client(instance.port)
    family = psutil.Process(instance.process.pid).children(recursive=True)
    instance.signal(signal.SIGKILL)
    instance.wait()
    assert client.echo()
    client.close()
    assert psutil.wait_procs(family, timeout=30)[1] == []
    # Another start in the same place finds the port free and the lock gone.
    instance.start()


def test_workers_ignore_signals_that_are_for_the_master(instance: Instance) -> None:
    pid = instance.worker_pid(0)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGQUIT):
        os.kill(pid, number)
        os.kill(instance.status()["controller"]["pid"], number)
    assert Client(instance.port).echo()
    assert instance.worker_pid(0) == pid
    assert instance.status()["controller"]["restarts"] == 0


def _other(instance: Instance, index: int, pid: int) -> dict[str, object] | None:
    worker = instance.workers()[index]
    return worker if worker["state"] == "ready" and worker["pid"] != pid else None


def test_a_controller_that_cannot_start_ends_the_start(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from mosn.workers.master import Master\n"
        "from mosn.workers.options import StartOptions\n"
        "from tests.workers.fake_plane import FakeFastPath\n"
        "controller = [sys.executable, '-c', 'raise SystemExit(7)']\n"
        f"sys.exit(Master(StartOptions('none', {str(tmp_path)!r}, 1), FakeFastPath(), controller).run())\n"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "ended with code 7" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_start_without_standard_descriptors(make_instance: Make) -> None:
    instance = make_instance()
    options = json.dumps(instance.options._asdict())
    command = f"exec {sys.executable} -m tests.workers.fake_start '{options}' <&- >&- 2>&-"
    instance.process = subprocess.Popen(command, shell=True, cwd=ROOT, text=True)
    eventually(lambda: instance.status()["state"] == "running")
    assert Client(instance.port).echo()
    assert instance.call("reload").code == 0
