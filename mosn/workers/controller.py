"""The controller process: reads the configuration, resolves names, writes access logs, answers the admin.

It never sees a client's byte.  It may die at any moment: a new one is started with the last good snapshot, and traffic
does not notice.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import uvloop

from mosn._fastpath.shm.segment import Segment
from mosn.errors import ConfigError, Finding, MosnError
from mosn.model import Snapshot
from mosn.workers import event_log, messages
from mosn.workers.admin_view import AdminView
from mosn.workers.channel import Channel
from mosn.workers.configuration import ConfigurationLoader
from mosn.workers.controller_link import CHANNEL_FD
from mosn.workers.hosting import Loader, Service
from mosn.workers.memory_file import read_memory_file, write_memory_file
from mosn.workers.names import Names
from mosn.workers.options import StartOptions
from mosn.workers.services import all_services
from mosn.workers.watched_files import WatchedFiles
from mosn.workers.worker import IGNORED_SIGNALS, name_process

log = logging.getLogger("mosn.controller")

STOP_TIMEOUT = 4.0  # a little less than the master waits


class Candidate(NamedTuple):
    """A snapshot that was offered and is not running yet."""

    snapshot: Snapshot
    config: Any
    state: bytes


class Rebuild(NamedTuple):
    """A step of our own: DNS gave other addresses, or a file that the configuration names has changed."""


class Controller:
    """`attach` maps the shared memory; a seam for tests, as are the other arguments."""

    def __init__(
        self,
        channel: socket.socket,
        loader: Loader,
        services: Sequence[Service],
        attach: Callable[[int], Any] = Segment.attach,
    ) -> None:
        self._sock = channel
        self._loader = loader
        self._services = services
        self._attach = attach
        self._steps: asyncio.Queue[tuple[Any, list[int]]] = asyncio.Queue()
        self._ended = asyncio.Event()
        self._candidates: dict[int, Candidate] = {}
        self._changes = itertools.count(-1, -1)
        self._state = b""
        self._started = False
        self.failed = False
        self.view = AdminView(self._send)
        self._names = Names(self._rebuild_soon)
        self._files = WatchedFiles(self._rebuild_soon)

    async def run(self) -> None:
        """Until the master says so or is gone."""
        loop = asyncio.get_running_loop()
        self._channel = Channel(self._sock, loop, self._received, self._orphaned)
        self.view.add_numbers(self._names.counters, dict)
        tasks = [loop.create_task(self._take_steps()), loop.create_task(self._files.run())]
        await self._ended.wait()
        for task in tasks:
            task.cancel()
        try:
            async with asyncio.timeout(STOP_TIMEOUT):
                for service in reversed(self._services):
                    await service.stop()
                await self._names.close()
        except TimeoutError:
            log.error("stopping took too long")
        self._channel.close()

    # ---- messages

    def _received(self, message: messages.Message, fds: list[int]) -> None:
        """Answers and notices at once; what changes the configuration one after the other."""
        if isinstance(message, messages.Answer):
            self.view.answered(message)
        elif isinstance(message, messages.Notice):
            self._noticed(message)
        else:
            self._steps.put_nowait((message, fds))

    def _orphaned(self, reason: str) -> None:
        if not self._ended.is_set():
            log.warning("the master is gone (%s)", reason)
        self._ended.set()

    def _noticed(self, message: messages.Notice) -> None:
        body = message.body
        if message.kind == "stopping":
            self._ended.set()
        elif message.kind == "draining":
            self.view.draining = True
            self.view.changed("drain", f"draining for up to {body['seconds']:g} s")
        elif message.kind == "level":
            event_log.set_level(body["name"], body["level"])
        elif message.kind == "worker":
            self.view.changed("worker", body["text"])
        elif message.kind == "modules":
            self._send(messages.Modules(sorted(sys.modules)))
        elif message.kind == "reopen_logs":
            self._reopening = asyncio.ensure_future(self._reopen_logs())

    async def _take_steps(self) -> None:
        steps: dict[Any, Callable[[Any, list[int]], Any]] = {
            messages.Hello: self._hello,
            messages.Load: self._load,
            messages.Applied: self._applied,
            messages.Serve: self._serve,
            Rebuild: self._rebuild,
        }
        while True:
            message, fds = await self._steps.get()
            try:
                await steps[type(message)](message, fds)
            except Exception:
                # Start over with what is known to be good, rather than go on half configured.
                log.exception("%s failed", type(message).__name__)
                self.failed = True
                self._ended.set()
                return

    def _send(self, message: messages.Message, fds: Sequence[int] = ()) -> None:
        self._channel.send(message, fds)

    # ---- steps

    async def _hello(self, message: messages.Hello, fds: list[int]) -> None:
        if message.protocol != messages.PROTOCOL_VERSION:
            raise MosnError(f"the master speaks protocol {message.protocol}, not {messages.PROTOCOL_VERSION}")
        options = StartOptions(**message.options)
        event_log.configure("controller", options.log_level)
        segment, wake_fds = self._attach(fds[0]), fds[1 : 1 + message.workers]
        self.view.open(message, options, segment, wake_fds)
        for service in self._services:
            await service.open(self.view)
        if message.resume:
            await self._resume(fds[-2], fds[-1])
        else:
            await self._load(messages.Load(0), [])
        for service in self._services:
            service.warm()

    async def _resume(self, snapshot_fd: int, state_fd: int) -> None:
        self._state = read_memory_file(state_fd)
        self.view.snapshot = messages.unpack(read_memory_file(snapshot_fd))
        os.close(snapshot_fd)
        os.close(state_fd)
        self.view.loaded_config = await asyncio.to_thread(self._loader.resume, self.view.options, self._state)
        self._keep_names()
        for service in self._services:
            await service.prepare(self.view.snapshot)
        log.info("going on with configuration %s", self.view.snapshot["version"])

    async def _load(self, message: messages.Load, fds: list[int]) -> None:
        load = await asyncio.to_thread(self._loader.load, self.view.options)
        if load.config is None:
            self._refuse(message.request, load.findings)
            return
        await self._names.add(self._loader.dns_targets(load.config))
        try:
            await self._offer(message.request, load.config, load.state)
        except ConfigError as error:
            self._refuse(message.request, error.findings)
            self._keep_names()
            return
        for finding in load.findings:
            log.warning("%s", finding)

    async def _offer(self, request: int, config: Any, state: bytes) -> None:
        """Build a snapshot and send it to the master.  Raises ConfigError."""
        build = self._loader.build
        snapshot = await asyncio.to_thread(build, config, self.view.snapshot, self._names.resolved)
        if request < 0 and snapshot == self.view.snapshot:
            return  # it had these addresses already
        problems = [problem for service in self._services for problem in await service.prepare(snapshot)]
        if problems:
            file = self.view.options.config
            raise ConfigError([Finding("MC0001", "error", file, 0, 0, "", problem) for problem in problems])
        self._candidates[request] = Candidate(snapshot, config, state)
        snapshot_fd = write_memory_file("mosn-snapshot", messages.pack(snapshot))
        state_fd = write_memory_file("mosn-state", state)
        bindings = [list(binding) for binding in bindings_of(snapshot)]
        try:
            self._send(
                messages.Loaded(request, True, snapshot["version"], bindings, snapshot["admin_address"], [], ""),
                [snapshot_fd, state_fd],
            )
        finally:
            os.close(snapshot_fd)
            os.close(state_fd)

    def _refuse(self, request: int, findings: Sequence[Finding]) -> None:
        text = "\n".join(map(str, findings))
        self._send(messages.Loaded(request, False, "", [], "", [item.as_dict() for item in findings], text))
        if request:
            self.view.changed("reload", text.partition("\n")[0], ok=False)

    async def _applied(self, message: messages.Applied, fds: list[int]) -> None:
        candidate = self._candidates.pop(message.request, None)
        if candidate is None:
            self._catch_up(message)
            return
        kind = "start" if message.request == 0 else "reload" if message.request > 0 else "dns"
        if message.error:
            self.view.changed(kind, f"configuration {message.version} was not taken: {message.error}", ok=False)
            self._keep_names()
            return
        self.view.snapshot, self.view.loaded_config = candidate.snapshot, candidate.config
        self._state = candidate.state
        self._keep_names()
        if self._names.resolved:
            self._rebuild_soon()  # while it was on its way
        if kind != "dns":
            self.view.changed(kind, f"configuration {message.version} runs")
        if self._started:
            for service in self._services:
                await service.snapshot_changed(self.view)

    async def _serve(self, message: messages.Serve, fds: list[int]) -> None:
        self.view.admin_socket = socket.socket(fileno=fds[0]) if fds else None
        self.view.listener_addresses = dict(message.addresses)
        try:
            for service in self._services:
                await service.start(self.view)
        except (OSError, MosnError) as error:
            self._send(messages.Serving(False, str(error)))
            return
        self._started = True
        self._send(messages.Serving(True, ""))

    def _catch_up(self, message: messages.Applied) -> None:
        """The controller before this one offered that snapshot."""
        running = self.view.snapshot["version"] if self.view.snapshot else ""
        if not message.error and message.version != running:
            raise MosnError(f"configuration {message.version} runs, and this process only knows {running}")

    # ---- changes of its own

    def _rebuild_soon(self) -> None:
        self._steps.put_nowait((Rebuild(), []))

    async def _rebuild(self, message: Rebuild, fds: list[int]) -> None:
        """What the running configuration refers to is another: it makes another snapshot."""
        if self.view.loaded_config is None:
            return
        try:
            await self._offer(next(self._changes), self.view.loaded_config, self._state)
        except ConfigError as error:
            log.error("new addresses or files were not taken: %s", error)

    def _keep_names(self) -> None:
        """Forget names and files that the running configuration does not use."""
        if self.view.loaded_config is not None:
            self._names.keep(self._loader.dns_targets(self.view.loaded_config))
        if self.view.snapshot is not None:
            self._files.keep(self.view.snapshot.get("watched_files", ()))

    async def _reopen_logs(self) -> None:
        for service in self._services:
            await service.reopen_logs()


def bindings_of(snapshot: Snapshot) -> list[messages.Binding]:
    """What the master must bind."""
    names = messages.Binding._fields
    return [
        messages.Binding(**{name: listener[name] for name in names})  # type: ignore[literal-required]
        for listener in snapshot["listeners"]
        if listener["bind_to_port"]
    ]


def host_controller(loader: Loader, services: Sequence[Service], **seams: Any) -> None:
    """The whole life of a controller process."""
    for number in IGNORED_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    name_process("mosn:controller")
    event_log.configure("controller", "info")
    channel = socket.socket(fileno=CHANNEL_FD)
    channel.set_inheritable(False)
    controller = Controller(channel, loader, services, **seams)
    uvloop.run(controller.run())
    sys.exit(int(controller.failed))


def main() -> None:
    host_controller(ConfigurationLoader(), all_services())
