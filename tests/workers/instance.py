"""A running program under test: real processes, a fake data plane, and the control socket to look inside."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mosn.workers.control_client import ControlClient, NotRunning, Result
from mosn.workers.options import StartOptions
from tests.project.source import ROOT

DEADLINE = 30.0


def eventually(check: Callable[[], Any], what: str = "") -> Any:
    """The first true value of `check`, tried until the deadline; OSErrors count as false."""
    end = time.monotonic() + DEADLINE
    while True:
        try:
            if value := check():
                return value
        except (OSError, NotRunning):
            pass
        assert time.monotonic() < end, f"did not happen: {what or check}"
        time.sleep(0.01)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Client:
    """A connection to the fake data plane."""

    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE)
        self.file = self.sock.makefile("rb")
        worker, pid, *version = self.file.readline().decode().split()
        self.worker, self.pid, self.version = int(worker), int(pid), "".join(version)

    def echo(self) -> bool:
        self.sock.sendall(b"hello\n")
        return self.file.readline() == b"hello\n"

    def close(self) -> None:
        self.file.close()
        self.sock.close()


class Instance:
    def __init__(self, directory: Path, workers: int = 2, **options: Any) -> None:
        self.directory = directory
        self.config_file = directory / "config.json"
        self.run_dir = directory / "run"
        self.log_file = directory / "log"
        self.port = free_port()
        self.environment: dict[str, str] = {}
        self.options = StartOptions(str(self.config_file), str(self.run_dir), workers, **options)
        self.configure("v1")

    def configure(self, version: str, ports: dict[str, int] | None = None, **more: Any) -> None:
        ports = {"main": self.port} if ports is None else ports
        listeners = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
        new = self.config_file.with_suffix(".new")
        new.write_text(json.dumps({"version": version, "listeners": listeners, **more}))
        new.rename(self.config_file)

    def spawn(self) -> subprocess.Popen[str]:
        log = self.log_file.open("a")
        command = [sys.executable, "-m", "tests.workers.fake_start", json.dumps(self.options._asdict())]
        environment = {**os.environ, **self.environment}
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True
        )
        log.close()
        return self.process

    def start(self) -> Instance:
        self.spawn()
        eventually(lambda: self.process.poll() is not None or self.status()["state"] == "running", "ready")
        assert self.process.poll() is None, self.log()
        return self

    def log(self) -> str:
        return self.log_file.read_text()

    def call(self, command: str, progress: Callable[[str], None] = lambda text: None, **args: Any) -> Result:
        client = ControlClient(self.run_dir)
        try:
            return client.call(command, progress, **args)
        finally:
            client.close()

    def status(self) -> dict[str, Any]:
        return self.call("status").body

    def workers(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.call("workers").body["workers"]
        return rows

    def worker_pid(self, index: int) -> int:
        return int(self.workers()[index]["pid"])

    def kill_controller(self) -> int:
        """Kill it and wait for the next one, whose pid is returned."""
        pid = self.status()["controller"]["pid"]
        os.kill(pid, signal.SIGKILL)
        return self.next_controller(pid)

    def next_controller(self, pid: int) -> int:
        """Once another one than `pid` serves."""

        def other() -> int:
            now = self.status()["controller"]
            return int(now["pid"]) if now["state"] == "serving" and now["pid"] != pid else 0

        return int(eventually(other, "another controller"))

    def client_of(self, worker: int, port: int = 0) -> Client:
        """A connection that this worker has."""
        for _ in range(200):
            client = Client(port or self.port)
            if client.worker == worker:
                return client
            client.close()
        raise AssertionError(f"worker {worker} accepts nothing")

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def wait(self) -> int:
        return self.process.wait(DEADLINE)

    def end(self) -> None:
        """Whatever state it is in: leave nothing behind.  Never asserts."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.signal(signal.SIGKILL)
                self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()
