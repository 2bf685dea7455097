"""The two programs that are compared, behind one face: admin(), log file, end."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Protocol

from bench.peers.install.envoy import find_program
from tests.proxy.sidecar import Sidecar, address, free_port

ABSENT = "Envoy is not installed; run ./tools/setup --peers, or python -m bench.peers.install --only envoy"


class Program(Protocol):
    """A running proxy."""

    def admin(self, path: str) -> str: ...

    def __enter__(self) -> Program: ...

    def __exit__(self, *error: object) -> None: ...


class Envoy:
    """Context manager: Envoy with a bootstrap, one worker thread, logs flushed at once."""

    def __init__(self, directory: Path, config: dict[str, Any]) -> None:
        self.directory = directory
        self.admin_port = free_port()
        self.config = {"admin": {"address": address(self.admin_port)}, **config}

    def __enter__(self) -> Envoy:
        file = self.directory / "envoy.json"
        file.write_text(json.dumps(self.config))
        self.log = (self.directory / "envoy.log").open("w+")
        options = ["--concurrency", "1", "--disable-hot-restart", "-l", "error", "--file-flush-interval-msec", "20"]
        command = [str(find_program()), "-c", str(file), *options]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _wait(self) -> None:
        deadline = time.monotonic() + 30
        while True:
            try:
                self.admin("/ready")
                return
            except (urllib.error.URLError, OSError):
                if self.process.poll() is not None or time.monotonic() > deadline:
                    log = (self.directory / "envoy.log").read_text()
                    raise RuntimeError(f"Envoy did not get ready:\n{log}") from None
                time.sleep(0.02)

    def admin(self, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.admin_port}{path}", timeout=10) as answer:
            text: str = answer.read().decode()
            return text

    def __exit__(self, *error: object) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()


def start(name: str, directory: Path, config: dict[str, Any]) -> Program:
    """`name` is "envoy" or "mosn"; the caller enters the context."""
    program: Program = Envoy(directory, config) if name == "envoy" else Sidecar(directory, config)
    return program
