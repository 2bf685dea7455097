"""One worker's place in the master: the process that fills it now, and what it has been told."""

from __future__ import annotations

import itertools
import os
import signal
import time
from collections.abc import Callable

from mosn.workers import messages
from mosn.workers.backoff import Backoff
from mosn.workers.channel import Channel
from mosn.workers.listening import Port
from mosn.workers.loop import Timer
from mosn.workers.publication import Publication

_sequences = itertools.count(1)


class Slot:
    """States: waiting (to be started), starting, ready, draining, stopped."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.state = "waiting"
        self.pid = 0
        self.pidfd = -1
        self.channel: Channel | None = None
        self.started = 0.0  # seconds since 1970
        self.ready_at = 0.0  # monotonic; 0 while it never was
        self.restarts = 0
        self.last_end = ""
        self.backoff = Backoff()
        self.start_timer: Timer | None = None
        self.lend_timer: Timer | None = None
        self.lent = False
        self.serving: tuple[int, ...] = (index,)  # whose sockets this worker accepts from
        self.publication: Publication | None = None  # the last that was sent
        self._given: dict[str, tuple[int, tuple[int, ...]]] = {}
        self._waiting: dict[int, Callable[[str], None]] = {}
        self._reports: dict[int, Callable[[messages.Report | None], None]] = {}

    @property
    def alive(self) -> bool:
        return self.channel is not None

    @property
    def name(self) -> str:
        return f"worker {self.index}"

    def born(self, pid: int, channel: Channel) -> None:
        self.pid, self.channel = pid, channel
        self.pidfd = os.pidfd_open(pid)
        self.state, self.started, self.ready_at = "starting", time.time(), 0.0
        self.serving, self.publication, self._given = (self.index,), None, {}

    def buried(self) -> None:
        """The process is reaped: whoever waits for it hears of it."""
        if self.channel is not None:
            self.channel.close()
        os.close(self.pidfd)
        self.pid, self.pidfd, self.channel, self.state = 0, -1, None, "waiting"
        waiting, self._waiting = self._waiting, {}
        reports, self._reports = self._reports, {}
        for answered in waiting.values():
            answered("it died")
        for reported in reports.values():
            reported(None)

    def kill(self) -> None:
        if self.pidfd >= 0:
            signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)

    def install(self, publication: Publication, answered: Callable[[str], None]) -> None:
        self.publication = publication
        sequence = self._ask(answered)
        self._send(messages.Install(sequence, publication.version), [publication.snapshot_fd])

    def give(self, table: dict[str, Port], answered: Callable[[], Callable[[str], None]]) -> None:
        """Make the worker accept for exactly the table's listeners.  `answered` is called for a callback per step."""
        for listener in self._given.keys() - table.keys():
            del self._given[listener]
            self._send(messages.Sockets(self._ask(answered()), listener), [])
        for listener, port in table.items():
            wanted = (id(port), self.serving)
            if self._given.get(listener) != wanted:
                self._given[listener] = wanted
                fds = sorted({port.of_worker(index).fileno() for index in self.serving})
                self._send(messages.Sockets(self._ask(answered()), listener), fds)

    def drain(self, seconds: float, answered: Callable[[str], None]) -> None:
        self.state = "draining"
        self._send(messages.Drain(self._ask(answered), int(seconds * 1000)), [])

    def end(self) -> None:
        self._send(messages.Stop(), [])

    def level(self, name: str, level: str) -> None:
        self._send(messages.Level(name, level), [])

    def query(self, modules: bool, reported: Callable[[messages.Report | None], None]) -> None:
        sequence = next(_sequences)
        self._reports[sequence] = reported
        self._send(messages.Query(sequence, modules), [])

    def answered(self, message: messages.Done) -> None:
        callback = self._waiting.pop(message.sequence, None)
        if callback is not None:
            callback(message.error)

    def reported(self, message: messages.Report) -> None:
        callback = self._reports.pop(message.sequence, None)
        if callback is not None:
            callback(message)

    def _ask(self, answered: Callable[[str], None]) -> int:
        sequence = next(_sequences)
        self._waiting[sequence] = answered
        return sequence

    def _send(self, message: messages.Message, fds: list[int]) -> None:
        if self.channel is not None:
            self.channel.send(message, fds)
