"""The master: starts and watches the other processes, owns what must outlive them, does what it is told.

It owns the listening sockets, the shared memory and the last good snapshot (never decoded here).  It has no network
input, no threads and none of the libraries that could get in a fork's way.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import signal
import socket
import sys
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mosn.workers import event_log, messages
from mosn.workers.change import Change, Ended
from mosn.workers.commands import Commands
from mosn.workers.control_server import ControlServer
from mosn.workers.controller_link import ControllerLink
from mosn.workers.descriptors import open_standard_descriptors, raise_descriptor_limit
from mosn.workers.fast_path import CompiledFastPath, FastPath
from mosn.workers.listening import BindError, Listeners, activated_sockets, format_address, open_single
from mosn.workers.loop import Loop
from mosn.workers.options import StartOptions
from mosn.workers.pool import WorkerPool
from mosn.workers.publication import Publication, publication_of
from mosn.workers.reply import BAD, DONE, NOT_DONE, Reply
from mosn.workers.run_directory import RunDirectory, RunDirectoryError
from mosn.workers.service_manager import ServiceManager
from mosn.workers.shutdown import Shutdown

log = logging.getLogger("mosn.master")

_CONTROLLER = """
import json, sys
sys.path[:] = json.loads(sys.argv.pop(1))
from mosn.workers.controller import main
main()
"""


def controller_command() -> list[str]:
    """The controller finds its modules where this process found them, whatever the current directory is."""
    return [sys.executable, "-c", _CONTROLLER, json.dumps(sys.path)]


class Master:
    """`run()` is the whole life.  The other arguments are seams for tests."""

    def __init__(
        self,
        options: StartOptions,
        fast_path: FastPath | None = None,
        controller: list[str] | None = None,
        environment: Mapping[str, str] = os.environ,
        announce: Callable[[str], None] = print,
    ) -> None:
        open_standard_descriptors()
        self.options = options
        self.run_dir = RunDirectory(Path(options.run_dir))
        self.service_manager = ServiceManager(environment)
        self.state = "starting"  # running, draining, drained, stopping
        self.code = 0
        self.loop = Loop()
        self.listeners = Listeners(options.workers, activated_sockets(environment, os.getpid()))
        self.admin: socket.socket | None = None
        self.admin_address = ""
        self._fast_path = fast_path or CompiledFastPath()
        self._controller_command = controller or controller_command()
        self._announce = announce
        self._changes: deque[tuple[Publication, Ended, bool]] = deque()
        self._changing = False
        self._controller_serving = False
        self._control: ControlServer | None = None

    def run(self) -> int:
        """Until the end; the exit code."""
        event_log.configure("master", self.options.log_level)
        try:
            self._prepare()
        except (RunDirectoryError, OSError) as error:
            log.error("cannot start: %s", error)
            return NOT_DONE
        self.controller.start()
        try:
            self._fast_path.preload()
        except (ImportError, ValueError) as error:  # ValueError: modules of different builds
            self.abort(NOT_DONE, f"the compiled modules cannot be used (run ./tools/setup): {error}")
        gc.collect()
        gc.freeze()
        self.loop.run()
        return self.code

    def _prepare(self) -> None:
        raise_descriptor_limit()
        self.run_dir.take()
        segment = self._fast_path.create_segment(self.options.workers)
        wake_fds = [os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC) for _ in range(self.options.workers)]
        self.controller = ControllerLink(
            self.loop,
            self._controller_command,
            self.options,
            [segment.fd, *wake_fds],
            on_restarted=self._serve,
            on_message=self._from_controller,
            on_failed=lambda reason: self.abort(NOT_DONE, reason),
            on_gone=self._finish,
        )
        self.pool = WorkerPool(
            self.loop,
            self._fast_path,
            segment,
            wake_fds,
            log_level=self.options.log_level,
            tell=lambda text: self.controller.send(messages.Notice("worker", {"text": text})),
            on_ready=self._check_up,
            on_failed=lambda reason, refused: self.abort(BAD if refused else NOT_DONE, reason),
            on_gone=self._workers_gone,
        )
        self.shutdown = Shutdown(self)
        self.commands = Commands(self)
        self._control = ControlServer(self.loop, self.run_dir.control_socket, self.commands.handle)
        self._watch_signals()

    # ---- start

    def _start_workers(self, message: messages.Loaded, fds: list[int]) -> None:
        if not message.ok:
            self.abort(BAD, message.text)
            return
        publication = publication_of(message, fds)
        try:
            plan = self.listeners.prepare(publication.bindings)
            self.listeners.commit(plan)
            self.admin = open_single("admin", publication.admin_address)
        except BindError as error:
            self.abort(BAD, str(error))
            return
        self.controller.resume = publication
        self.pool.start(publication, self.listeners.table)
        self._serve()

    def _serve(self) -> None:
        """Have the controller start its services."""
        self.admin_address = format_address(self.admin) if self.admin else ""
        fds = [self.admin.fileno()] if self.admin else []
        self.controller.send(messages.Serve(self.listeners.addresses(), self.admin_address), fds)

    def _check_up(self) -> None:
        if self.state != "starting" or not self._controller_serving or not self.pool.all_ready:
            return
        self.state = "running"
        publication = self.running
        self.controller.send(messages.Applied(0, publication.version, ""))
        self._say(self.commands.summary())
        self.service_manager.ready(self.commands.one_line())
        if self.service_manager.watchdog_seconds:
            self._feed_watchdog()

    def _say(self, lines: list[str]) -> None:
        try:
            for line in lines:
                self._announce(line)
            sys.stdout.flush()
        except OSError:
            pass  # nobody reads our output; that is no reason not to serve

    @property
    def running(self) -> Publication:
        """What workers run.  Only after the first workers were started."""
        assert self.pool.publication is not None
        return self.pool.publication

    # ---- changes

    def change(self, publication: Publication, ended: Ended, *, replaceable: bool = False) -> None:
        """Make this configuration the running one, after the changes that wait already.  A `replaceable` one gives
        way to a newer one that comes before its turn."""
        if replaceable and self._changes and self._changes[-1][2]:
            older, older_ended, _ = self._changes.pop()
            older.close()
            older_ended(NOT_DONE, "a newer one came")
        self._changes.append((publication, ended, replaceable))
        self._next_change()

    def _next_change(self) -> None:
        if self._changing or not self._changes:
            return
        publication, ended, _ = self._changes.popleft()
        if self.state != "running":
            publication.close()
            ended(NOT_DONE, f"mosn is {self.state}")
            self._next_change()
            return
        self._changing = True
        Change(self.loop, self.pool, self.listeners, publication, lambda *end: self._changed(ended, *end)).begin()

    def _changed(self, ended: Ended, code: int, error: str) -> None:
        self._changing = False
        self.controller.resume = self.running
        ended(code, error)
        self._next_change()

    def reload(self, reply: Reply) -> None:
        if self.state != "running":
            log.error("no reload: mosn is %s", self.state)
            reply.failed(NOT_DONE, f"mosn is {self.state}")
            return
        self.service_manager.reloading()
        reply.progress(f"reading {self.options.config}")
        self.controller.load(lambda message, fds: self._reloaded(message, fds, reply))

    def _reloaded(self, message: messages.Loaded, fds: list[int], reply: Reply) -> None:
        if not message.ok:
            self._reload_failed(BAD if message.findings else NOT_DONE, message.text, reply, message.findings)
            return
        previous = self.running.version
        if message.admin_address != self.running.admin_address:
            log.warning("the admin stays at %s until the next start", self.admin_address or "no address")
        reply.progress(f"installing configuration {message.version}")

        def ended(code: int, error: str) -> None:
            self.controller.send(messages.Applied(message.request, message.version, error))
            if code != DONE:
                self._reload_failed(code, error, reply, [])
                return
            log.info("configuration %s replaces %s", message.version, previous)
            self.service_manager.ready(self.commands.one_line())
            reply.done(version=message.version, previous=previous)

        self.change(publication_of(message, fds), ended)

    def _reload_failed(self, code: int, error: str, reply: Reply, findings: list[dict[str, Any]]) -> None:
        log.error("reload failed, configuration %s goes on: %s", self.running.version, error)
        self.service_manager.ready(self.commands.one_line())
        reply.failed(code, error, findings)

    # ---- the controller

    def _from_controller(self, message: messages.Message, fds: list[int]) -> None:
        try:
            if isinstance(message, messages.Loaded):
                self._loaded(message, fds)
            elif isinstance(message, messages.Serving):
                self._controller_serves(message)
            elif isinstance(message, messages.Command):
                self.commands.handle(message.name, message.args, Reply(self._answer(message.request)))
        finally:
            for fd in fds:
                os.close(fd)

    def _loaded(self, message: messages.Loaded, fds: list[int]) -> None:
        if message.request == 0 and self.state == "starting":
            self._start_workers(message, fds)
        elif message.ok:
            request, version = message.request, message.version
            self.change(
                publication_of(message, fds),
                lambda code, error: self.controller.send(messages.Applied(request, version, error)),
                replaceable=True,
            )

    def _controller_serves(self, message: messages.Serving) -> None:
        if not message.ok and self.state == "starting":
            self.abort(NOT_DONE, message.error)
            return
        if not message.ok:
            log.error("the controller's services did not start: %s", message.error)
        self.controller.serving()
        self._controller_serving = True
        self._check_up()

    def _answer(self, request: int) -> Callable[[int, dict[str, Any], str, list[dict[str, Any]]], None]:
        return lambda *result: self.controller.send(messages.Answer(request, *result))

    # ---- signals

    def _watch_signals(self) -> None:
        add = self.loop.add_signal_handler
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        for number in (signal.SIGTERM, signal.SIGINT):
            add(number, lambda number: self.shutdown.begin(self.options.stop_seconds, signal.Signals(number).name))
        add(signal.SIGQUIT, lambda number: self.shutdown.begin(self.options.drain_seconds, "SIGQUIT"))
        add(signal.SIGHUP, lambda number: self.reload(Reply(_drop)))
        add(signal.SIGUSR1, lambda number: self.commands.handle("reopen_logs", {}, Reply(_drop)))
        add(signal.SIGUSR2, lambda number: self.commands.handle("upgrade", {}, Reply(_drop)))

    def _feed_watchdog(self) -> None:
        self.service_manager.alive()
        self.loop.call_later(self.service_manager.watchdog_seconds / 2, self._feed_watchdog)

    # ---- the end

    def abort(self, code: int, reason: str) -> None:
        """Give up a start: nothing is left running."""
        if self.state == "stopping":
            return
        sys.stderr.write(reason.rstrip() + "\n")
        self.state, self.code = "stopping", code
        self.pool.kill()
        self._workers_gone()

    def _workers_gone(self) -> None:
        if any(slot.alive for slot in self.pool.slots):
            return
        if self.state == "draining" and self.shutdown.stays:
            self.shutdown.drained()
            return
        self.state = "stopping"
        self.controller.end()

    def _finish(self) -> None:
        self.shutdown.ended()
        self.listeners.close()
        if self.admin is not None and self.admin_address.startswith("unix:/"):
            Path(self.admin_address.removeprefix("unix:")).unlink(missing_ok=True)
        if self._control is not None:
            self._control.close()
        self.run_dir.leave()
        self.loop.stop()


def _drop(code: int, body: dict[str, Any], error: str, findings: list[dict[str, Any]]) -> None:
    """For results that went to the log already."""
