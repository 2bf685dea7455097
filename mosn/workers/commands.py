"""The control commands: each a method, looked up in one table, whether it came by socket, by the admin or by signal."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mosn.workers import event_log, messages
from mosn.workers.reply import BAD, NOT_DONE, Reply
from mosn.workers.slot import Slot
from mosn.workers.version import VERSION

if TYPE_CHECKING:
    from mosn.workers.master import Master

log = logging.getLogger("mosn.master")

REPORT_TIMEOUT = 1.0


class Commands:
    def __init__(self, master: Master) -> None:
        self._master = master
        self._table: dict[str, Callable[..., None]] = {
            "status": self._status,
            "workers": self._workers,
            "reload": self._reload,
            "drain": self._drain,
            "drain_listeners": self._drain_listeners,
            "stop": self._stop,
            "quit": self._quit,
            "reopen_logs": self._reopen_logs,
            "logging": self._logging,
            "modules": self._modules,
            "upgrade": self._upgrade,
        }

    def handle(self, name: str, args: dict[str, Any], reply: Reply) -> None:
        method = self._table.get(name)
        if method is None:
            reply.failed(BAD, f"no command {name!r}; there are {', '.join(sorted(self._table))}")
            return
        try:
            method(reply, **args)
        except TypeError as error:
            log.debug("command %s", name, exc_info=True)
            reply.failed(BAD, f"{name}: {error}")
        except Exception as error:
            log.exception("command %s failed", name)
            reply.failed(NOT_DONE, f"{name}: {error!r}")

    def summary(self) -> list[str]:
        """What `mosn start` prints once it is ready."""
        master = self._master
        listeners = ", ".join(f"{name} {', '.join(shown)}" for name, shown in master.listeners.addresses().items())
        return [
            f"mosn {VERSION} is ready (pid {os.getpid()})",
            f"  configuration  {master.options.config}, version {master.running.version}",
            f"  listeners      {listeners or 'none'}",
            f"  workers        {len(master.pool.slots)}",
            f"  admin          {master.admin_address or 'none'}",
            f"  run directory  {master.run_dir.path}",
        ]

    def one_line(self) -> str:
        master = self._master
        ready = sum(slot.state == "ready" for slot in master.pool.slots)
        return f"{ready} workers, {len(master.listeners.table)} listeners, configuration {master.running.version}"

    # ---- looking

    def _status(self, reply: Reply) -> None:
        self._ask_workers(False, lambda reports: reply.done(**self._describe(reports)))

    def _workers(self, reply: Reply) -> None:
        self._ask_workers(False, lambda reports: reply.done(workers=self._rows(reports)))

    def _modules(self, reply: Reply) -> None:
        """Which modules each process has imported."""

        def with_workers(reports: dict[int, messages.Report]) -> None:
            body = {f"worker-{index}": report.modules for index, report in reports.items()}
            self._master.controller.modules(
                lambda names: reply.done(master=sorted(sys.modules), controller=names, **body)
            )

        self._ask_workers(True, with_workers)

    def _ask_workers(self, modules: bool, done: Callable[[dict[int, messages.Report]], None]) -> None:
        reports: dict[int, messages.Report] = {}
        waiting = {slot.index for slot in self._master.pool.slots if slot.alive}
        timer = self._master.loop.call_later(REPORT_TIMEOUT, lambda: finish())
        finished = False

        def finish() -> None:
            nonlocal finished
            if not finished:
                finished = True
                timer.cancel()
                done(reports)

        def reported(index: int, report: messages.Report | None) -> None:
            waiting.discard(index)
            if report is not None:
                reports[index] = report
            if not waiting:
                finish()

        for slot in self._master.pool.slots:
            if slot.alive:
                slot.query(modules, lambda report, index=slot.index: reported(index, report))  # type: ignore[misc]
        if not waiting:
            finish()

    def _describe(self, reports: dict[int, messages.Report]) -> dict[str, Any]:
        master, controller = self._master, self._master.controller
        publication = master.pool.publication
        return {
            "program": VERSION,
            "state": master.state,
            "pid": os.getpid(),
            "started": controller.started_at,
            "uptime": time.time() - controller.started_at,
            "config": {"path": master.options.config, "version": publication.version if publication else ""},
            "listeners": [
                {"name": name, "address": port.shown, "sockets": len(port.sockets)}
                for name, port in master.listeners.table.items()
            ],
            "workers": self._rows(reports),
            "controller": {"pid": controller.pid, "state": controller.state, "restarts": controller.restarts},
            "admin": master.admin_address,
            "run_dir": str(master.run_dir.path),
        }

    def _rows(self, reports: dict[int, messages.Report]) -> list[dict[str, Any]]:
        return [_row(slot, reports.get(slot.index)) for slot in self._master.pool.slots]

    # ---- doing

    def _reload(self, reply: Reply) -> None:
        self._master.reload(reply)

    def _drain(self, reply: Reply, seconds: float | None = None) -> None:
        """Drain, then end."""
        options = self._master.options
        self._master.shutdown.begin(options.drain_seconds if seconds is None else seconds, "drain", reply)

    def _drain_listeners(self, reply: Reply, graceful: bool = True, inbound_only: bool = False) -> None:
        """Drain and stay; answered at once.  Always gracefully and all listeners, whatever was asked."""
        self._master.shutdown.begin(self._master.options.drain_seconds, "drain_listeners", stay=True)
        reply.done()

    def _stop(self, reply: Reply, seconds: float | None = None) -> None:
        options = self._master.options
        self._master.shutdown.begin(options.stop_seconds if seconds is None else seconds, "stop", reply)

    def _quit(self, reply: Reply) -> None:
        """As stop, but answered at once."""
        reply.done()
        self._master.shutdown.begin(self._master.options.stop_seconds, "quit")

    def _reopen_logs(self, reply: Reply) -> None:
        self._master.controller.send(messages.Notice("reopen_logs", {}))
        log.info("reopening logs")
        reply.done()

    def _logging(self, reply: Reply, level: str, name: str = "") -> None:
        try:
            event_log.set_level(name, level)
        except ValueError as error:
            reply.failed(BAD, str(error))
            return
        if not name:
            self._master.pool.log_level = level
        for slot in self._master.pool.slots:
            slot.level(name, level)
        self._master.controller.send(messages.Notice("level", {"name": name, "level": level}))
        reply.done()

    def _upgrade(self, reply: Reply) -> None:
        text = "this version cannot be replaced in place yet; restart it instead"
        log.error("upgrade: %s", text)
        reply.failed(NOT_DONE, text)


def _row(slot: Slot, report: messages.Report | None) -> dict[str, Any]:
    return {
        "index": slot.index,
        "pid": slot.pid,
        "state": slot.state,
        "started": slot.started,
        "restarts": slot.restarts,
        "last_end": slot.last_end,
        "connections": report.connections if report else 0,
        "answers": report is not None,
        "version": report.version if report else "",
        "accepts_for": list(slot.serving) if slot.alive else [],
        "descriptor_limit": report.descriptor_limit if report else 0,
    }
