"""The controller's services, in the order in which they start.  A new one is a class with a line in `all_services`."""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
from typing import Any

from mosn._fastpath.shm.ring import RingReader
from mosn.model import Snapshot
from mosn.report import LogWriter
from mosn.workers.hosting import Host, Service
from mosn.workers.options import StartOptions

log = logging.getLogger("mosn.controller")


class AccessLogs(Service):
    """Writes what workers put into their record rings."""

    async def open(self, host: Host) -> None:
        readers = [RingReader(host.segment, index, fd) for index, fd in enumerate(host.wake_fds)]
        self._writer = LogWriter(readers)
        host.add_numbers(self._writer.counters, self._writer.gauges)

    async def prepare(self, snapshot: Snapshot) -> list[str]:
        problems = await self._writer.prepare(snapshot["log_sinks"])
        if not problems:
            # Before any worker can use them; those of the running snapshot are among them with the same numbers.
            self._writer.update_sinks(snapshot["log_sinks"])
        return problems

    async def reopen_logs(self) -> None:
        for failure in await self._writer.reopen():
            log.error("%s", failure)

    async def stop(self) -> None:
        await self._writer.close()


class Admin(Service):
    """The HTTP API and console."""

    _server: Any = None

    def warm(self) -> None:
        # Not at the top: reading the configuration need not wait for a web server's modules.
        importlib.import_module("mosn.admin")

    async def start(self, host: Host) -> None:
        if host.admin_socket is not None:
            admin = importlib.import_module("mosn.admin")
            self._server = await admin.start(host, host.admin_socket)

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.close()


class ConfigWatch(Service):
    """Reloads when the configuration file has changed (`mosn start --watch`)."""

    SECONDS = 1.0
    _task: asyncio.Task[None] | None = None

    async def start(self, host: Host) -> None:
        if host.options.watch:
            self._task = asyncio.create_task(self._watch(host))

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _watch(self, host: Host) -> None:
        seen = _fingerprint(host.options)
        while True:
            await asyncio.sleep(self.SECONDS)
            now = _fingerprint(host.options)
            if now != seen:
                seen = now
                await self._reload(host)

    async def _reload(self, host: Host) -> None:
        try:
            await host.command("reload")
        except Exception as error:
            log.error("the changed configuration was not taken: %s", error)


def _fingerprint(options: StartOptions) -> tuple[int, int, int]:
    try:
        info = os.stat(options.config)
    except OSError:
        return (0, 0, 0)
    return (info.st_ino, info.st_size, info.st_mtime_ns)


def all_services() -> list[Service]:
    return [AccessLogs(), Admin(), ConfigWatch()]
