"""What the processes are made of: modules, descriptors, names, limits."""

from __future__ import annotations

import os
import resource
import socket
from pathlib import Path

from tests.project.test_imports import FORBIDDEN_IN_WORKERS, of
from tests.workers.instance import Instance


def test_workers_and_master_have_nothing_of_the_control_plane(instance: Instance) -> None:
    modules = instance.call("modules").body
    assert set(modules) == {"master", "controller", "worker-0", "worker-1"}
    for process in ("master", "worker-0", "worker-1"):
        assert len(modules[process]) > 50
        assert of(set(modules[process]), FORBIDDEN_IN_WORKERS) == []


def test_the_master_has_one_thread_and_no_network_but_listening_sockets(instance: Instance) -> None:
    pid = instance.process.pid
    assert len(os.listdir(f"/proc/{pid}/task")) == 1


def test_a_worker_has_only_what_it_needs(instance: Instance) -> None:
    """No control socket, no pid file, no channel of another process."""
    pid = instance.worker_pid(0)
    links = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
    files = [link for link in links if link.startswith("/") and not link.startswith(("/dev/", "/memfd:"))]
    assert {Path(file) for file in files} <= {instance.log_file}
    unix = Path(f"/proc/{pid}/net/unix").read_text()
    inodes = [link.removeprefix("socket:[").removesuffix("]") for link in links if link.startswith("socket:")]
    # The channel to the master and uvloop's own wake-up pair.
    assert sum(inode in unix for inode in inodes) <= 3


def test_processes_have_names(instance: Instance) -> None:
    status = instance.status()
    assert _name(status["controller"]["pid"]) == "mosn:controller"
    assert [_name(worker["pid"]) for worker in status["workers"]] == ["mosn:worker-0", "mosn:worker-1"]


def test_every_process_may_open_as_many_files_as_the_hard_limit_allows(instance: Instance) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    assert {worker["descriptor_limit"] for worker in instance.workers()} == {hard}


def test_sockets_have_no_delay_and_a_queue_each(instance: Instance) -> None:
    assert instance.status()["listeners"] == [
        {"name": "main", "address": f"127.0.0.1:{instance.port}", "sockets": 2},
    ]


def test_a_client_that_says_nothing_does_not_disturb_the_control_socket(instance: Instance) -> None:
    with socket.socket(socket.AF_UNIX) as silent, socket.socket(socket.AF_UNIX) as rude:
        for sock in (silent, rude):
            sock.connect(str(instance.run_dir / "control.sock"))
        rude.sendall(b"x" * 100_000)
        assert instance.status()["state"] == "running"
        assert rude.recv(100) == b""


def _name(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text().strip()
