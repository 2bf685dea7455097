"""The command line's side of the control socket."""

from __future__ import annotations

import json
import os
import select
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple


class NotRunning(Exception):
    """No instance answers in this run directory."""


class Result(NamedTuple):
    code: int
    body: dict[str, Any]
    error: str
    findings: list[dict[str, Any]]


class ControlClient:
    """One connection.  Raises NotRunning when nobody is there."""

    def __init__(self, run_dir: Path) -> None:
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            self._sock.connect(str(run_dir / "control.sock"))
        except PermissionError as error:
            raise NotRunning(f"{run_dir}: not allowed to use the control socket of another user") from error
        except OSError as error:
            raise NotRunning(f"mosn does not run in {run_dir}") from error
        self.pid: int = struct.unpack("3i", self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
        self._pidfd = os.pidfd_open(self.pid)

    def call(self, command: str, progress: Callable[[str], None] = lambda text: None, **args: Any) -> Result:
        """Wait for the result.  An instance that ends meanwhile gives code 1."""
        self._sock.sendall(json.dumps({"command": command, "args": args}).encode() + b"\n")
        with self._sock.makefile("rb") as lines:
            for line in lines:
                answer = json.loads(line)
                if "progress" in answer:
                    progress(answer["progress"])
                else:
                    return Result(answer["code"], answer["body"], answer["error"], answer["findings"])
        return Result(1, {}, "mosn ended before it answered", [])

    def wait_for_end(self, seconds: float) -> bool:
        """Whether the process ended within that time."""
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        return bool(poll.poll(seconds * 1000))

    def close(self) -> None:
        self._sock.close()
        os.close(self._pidfd)
