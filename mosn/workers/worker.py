"""A worker process: one engine thread that never takes the GIL, and this main thread for control messages.

It is forked by the master, talks to nobody else, and ignores the terminal's signals: the master is in charge.  When
the master is gone (its channel closes) the worker takes no new connections, lets the open ones end and exits.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import socket
import sys
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

import uvloop

from mosn.workers import event_log, messages
from mosn.workers.channel import Channel
from mosn.workers.descriptors import close_others, descriptor_limit
from mosn.workers.fast_path import DataPlane, FastPath
from mosn.workers.memory_file import read_memory_file

log = logging.getLogger("mosn.worker")

IGNORED_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
ORPHAN_DRAIN_SECONDS = 30.0


class Birth(NamedTuple):
    """What a worker gets from the fork."""

    number: int
    channel: socket.socket
    segment: Any
    wake_fd: int
    log_level: str
    orphan_drain_seconds: float = ORPHAN_DRAIN_SECONDS


def worker_process(birth: Birth, fast_path: FastPath, keep: set[int]) -> None:
    """The child's side of the fork.  Never returns.  `keep`: descriptors that the segment needs."""
    code = 1
    try:
        # Objects of the master stay as they are: collecting one here would close a number that is ours by now.
        gc.freeze()
        signal.set_wakeup_fd(-1)
        for number in IGNORED_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        close_others({birth.channel.fileno(), birth.wake_fd, *keep})
        name_process(f"mosn:worker-{birth.number}")
        event_log.configure(f"worker-{birth.number}", birth.log_level)
        code = Worker(birth, fast_path.data_plane(birth.number, birth.segment, birth.wake_fd)).run()
    except BaseException:
        log.exception("the worker failed")
    finally:
        logging.shutdown()
        os._exit(code)


def name_process(name: str) -> None:
    """What ps -o comm and top show (15 characters)."""
    try:
        with open("/proc/self/comm", "w") as file:
            file.write(name[:15])
    except OSError:
        pass


class Worker:
    def __init__(self, birth: Birth, data_plane: DataPlane) -> None:
        self._birth = birth
        self._plane = data_plane
        self._loop = uvloop.new_event_loop()
        self._channel = Channel(birth.channel, self._loop, self._received, self._orphaned)
        self._installing: deque[tuple[int, str]] = deque()
        self._listeners: set[str] = set()
        self._version = ""
        self._ending = False
        self._code = 0
        self._handlers: dict[Any, Callable[[Any, list[int]], None]] = {
            messages.Install: self._install,
            messages.Sockets: self._sockets,
            messages.Drain: self._drain,
            messages.Stop: self._stop,
            messages.Query: self._query,
            messages.Level: self._level,
        }

    def run(self) -> int:
        """Until the engine has ended; the process's exit code."""
        self._loop.add_reader(self._plane.event_fd, self._take_events)
        engine = threading.Thread(target=self._run_engine, name="engine", daemon=True)
        engine.start()
        self._loop.run_forever()
        engine.join(timeout=1.0)
        return self._code

    def _run_engine(self) -> None:
        failed = True
        try:
            self._plane.run()
            failed = False
        except Exception:
            log.exception("the engine failed")
        self._loop.call_soon_threadsafe(self._engine_ended, failed)

    def _engine_ended(self, failed: bool) -> None:
        self._take_events()
        if failed or not self._ending:
            log.error("the engine ended by itself")
            self._code = 1
        self._loop.stop()

    def _received(self, message: messages.Message, fds: list[int]) -> None:
        # Handlers take the descriptors that they keep out of the list.
        try:
            self._handlers[type(message)](message, fds)
        finally:
            for fd in fds:
                os.close(fd)

    def _install(self, message: messages.Install, fds: list[int]) -> None:
        try:
            snapshot = messages.unpack(read_memory_file(fds[0]))
            self._installing.append((message.sequence, message.version))
            self._plane.install(snapshot)
        except Exception as error:
            # A snapshot that cannot be compiled is refused; the one that runs goes on running.
            self._installing = deque(item for item in self._installing if item[0] != message.sequence)
            if not isinstance(error, ValueError):
                log.exception("installing configuration %s failed", message.version)
            self._channel.send(messages.Done(message.sequence, str(error) or repr(error)))

    def _sockets(self, message: messages.Sockets, fds: list[int]) -> None:
        if message.listener in self._listeners:
            self._plane.remove_sockets(message.listener)
            self._listeners.discard(message.listener)
        while fds:
            self._plane.add_socket(message.listener, fds.pop(0))
            self._listeners.add(message.listener)
        self._channel.send(messages.Done(message.sequence, ""))

    def _drain(self, message: messages.Drain, fds: list[int]) -> None:
        self._begin_drain(message.milliseconds / 1000)
        self._channel.send(messages.Done(message.sequence, ""))

    def _begin_drain(self, seconds: float) -> None:
        self._ending = True
        self._plane.drain(seconds)

    def _stop(self, message: messages.Stop, fds: list[int]) -> None:
        self._ending = True
        self._plane.stop()

    def _query(self, message: messages.Query, fds: list[int]) -> None:
        modules = sorted(sys.modules) if message.modules else []
        report = messages.Report(
            message.sequence, self._plane.connections(), self._version, descriptor_limit(), modules
        )
        self._channel.send(report)

    def _level(self, message: messages.Level, fds: list[int]) -> None:
        event_log.set_level(message.name, message.level)

    def _take_events(self) -> None:
        for kind, value in self._plane.take_events():
            if kind == "installed":
                self._installed(str(value))
            elif kind == "drained":
                self._channel.send(messages.Drained())

    def _installed(self, version: str) -> None:
        """The engine runs `version`; it may have skipped older ones that came just before."""
        self._version = version
        if version not in (item[1] for item in self._installing):
            return
        while self._installing:
            sequence, installed = self._installing.popleft()
            self._channel.send(messages.Done(sequence, ""))
            if installed == version:
                return

    def _orphaned(self, reason: str) -> None:
        if self._ending:
            return
        log.warning("the master is gone (%s): draining for up to %g s", reason, self._birth.orphan_drain_seconds)
        self._begin_drain(self._birth.orphan_drain_seconds)
