"""What services and the admin see of the controller (`Host`, `mosn.admin.AdminContext`)."""

from __future__ import annotations

import asyncio
import itertools
import logging
import socket
import time
from collections import ChainMap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mosn.model import Snapshot
from mosn.workers import event_log, messages
from mosn.workers.options import StartOptions
from mosn.workers.reply import BAD, DONE
from mosn.workers.version import VERSION

if TYPE_CHECKING:
    from mosn.admin import Change, WorkerRow

log = logging.getLogger("mosn.controller")

CHANGES_KEPT = 100
_OWN_COMMANDS = {"healthcheck_fail": True, "healthcheck_ok": False}

Numbers = Callable[[], Mapping[str, int]]


class AdminView:
    def __init__(self, send: Callable[[messages.Message], None]) -> None:
        self._send = send
        self._requests = itertools.count(1)
        self._answers: dict[int, asyncio.Future[messages.Answer]] = {}
        self._numbers: list[tuple[Numbers, Numbers]] = []
        self.snapshot: Snapshot | None = None
        self.loaded_config: Any = None
        self.segment: Any = None
        self.wake_fds: list[int] = []
        self.admin_socket: socket.socket | None = None
        self.healthcheck_failed = False
        self.draining = False
        self.started_at = 0.0
        self.epoch = 0
        self.version = VERSION
        self.changes: list[Change] = []
        self.listener_addresses: dict[str, list[str]] = {}

    def open(self, hello: messages.Hello, options: StartOptions, segment: Any, wake_fds: list[int]) -> None:
        self.options = options
        self.segment = segment
        self.wake_fds = wake_fds
        self.started_at = hello.started_at
        self.healthcheck_failed = hello.memory.get("healthcheck_failed", False)
        self.changes = list(hello.memory.get("changes", []))

    @property
    def run_dir(self) -> Path:
        return Path(self.options.run_dir)

    @property
    def log_levels(self) -> Mapping[str, str]:
        return event_log.levels()

    def add_numbers(self, counters: Numbers, gauges: Numbers) -> None:
        self._numbers.append((counters, gauges))

    def counters(self) -> Mapping[str, int]:
        return ChainMap(*(dict(counters()) for counters, _ in self._numbers))

    def gauges(self) -> Mapping[str, int]:
        return ChainMap(*(dict(gauges()) for _, gauges in self._numbers))

    def changed(self, kind: str, text: str, *, ok: bool = True) -> None:
        """Add a line to the list of changes."""
        self.changes.append({"time": time.time(), "kind": kind, "text": text, "ok": ok})
        del self.changes[:-CHANGES_KEPT]
        self._remember()

    async def workers(self) -> list[WorkerRow]:
        rows: list[dict[str, Any]] = (await self.command("workers"))["workers"]
        return [worker_row(row) for row in rows]

    async def command(self, what: str, /, **args: Any) -> dict[str, Any]:
        """Raises CommandFailed."""
        if what in _OWN_COMMANDS:
            self.healthcheck_failed = _OWN_COMMANDS[what]
            self.changed("healthcheck", what.replace("_", " "))
            return {}
        request = next(self._requests)
        answer = self._answers[request] = asyncio.get_running_loop().create_future()
        self._send(messages.Command(request, what, args))
        result = await answer
        if result.code != DONE:
            from mosn.admin import CommandFailed  # late: a web server's modules come with it

            raise CommandFailed(result.error, result.findings, caller=result.code == BAD)
        body: dict[str, Any] = result.body
        return body

    def answered(self, message: messages.Answer) -> None:
        waiting = self._answers.pop(message.request, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(message)

    def _remember(self) -> None:
        memory = {"healthcheck_failed": self.healthcheck_failed, "changes": self.changes}
        self._send(messages.Remember(memory))


def worker_row(row: dict[str, Any]) -> WorkerRow:
    return {
        "index": row["index"],
        "pid": row["pid"],
        "state": "starting" if row["state"] == "waiting" else row["state"],
        "started": row["started"],
        "restarts": row["restarts"],
        "connections": row["connections"],
    }
