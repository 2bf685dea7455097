"""Empties the workers' record rings into whoever wants the records.

A worker wakes the controller (eventfd) only when the controller has said that it sleeps.  While records come, it does
not sleep but looks again after POLL_SECONDS, so that a busy worker makes no system call for its log.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Mapping
from contextlib import suppress

from mosn._fastpath.shm.ring import RingReader

log = logging.getLogger(__name__)

READ_BYTES = 256 << 10
"""Taken from one ring in one turn of the loop: about 1,000 records."""

POLL_SECONDS = 0.02
"""A ring of 4 MiB holds what comes in this time at 200 MB/s."""

Handler = Callable[[int, list[bytes]], None]
"""(sink number, records in the order in which one worker wrote them)."""


class RingDrain:
    """Reads every ring that was added, in the running loop."""

    def __init__(self, handlers: Mapping[int, Handler]) -> None:
        self._handlers = handlers
        self._readers: dict[int, RingReader] = {}
        self._timers: dict[int, asyncio.Handle] = {}
        self._loop = asyncio.get_running_loop()
        self._started = False
        self.unknown_records = 0

    def add(self, reader: RingReader) -> None:
        """Read from this worker's ring, from `start` on.  The caller keeps its eventfd open until `remove`."""
        self.remove(reader.worker)
        self._readers[reader.worker] = reader
        if self._started:
            self._begin(reader)

    def start(self) -> None:
        """The handlers are ready.  Nothing is taken before, so that nothing that waits in a ring is lost."""
        if not self._started:
            self._started = True
            for reader in self._readers.values():
                self._begin(reader)

    def _begin(self, reader: RingReader) -> None:
        if reader.wake_fd >= 0:
            self._loop.add_reader(reader.wake_fd, self._woken, reader)
        self._look(reader)

    def remove(self, worker: int) -> None:
        reader = self._readers.pop(worker, None)
        if timer := self._timers.pop(worker, None):
            timer.cancel()
        if reader and reader.wake_fd >= 0:
            self._loop.remove_reader(reader.wake_fd)

    def take_all(self) -> None:
        """Everything that is in the rings at this moment."""
        for reader in self._readers.values() if self._started else ():
            self._take(reader, reader.waiting_bytes)

    def close(self) -> None:
        """Take everything and stop."""
        self.take_all()
        for worker in list(self._readers):
            self.remove(worker)

    def _woken(self, reader: RingReader) -> None:
        with suppress(BlockingIOError):
            os.read(reader.wake_fd, 8)
        if reader.worker not in self._timers:
            self._look(reader)

    def _look(self, reader: RingReader) -> None:
        self._timers.pop(reader.worker, None)
        took = self._take(reader, READ_BYTES)
        if reader.waiting_bytes:
            self._timers[reader.worker] = self._loop.call_soon(self._look, reader)
        elif took or reader.wake_fd < 0 or not reader.sleep():
            self._timers[reader.worker] = self._loop.call_later(POLL_SECONDS, self._look, reader)

    def _take(self, reader: RingReader, size: int) -> bool:
        corrupt = reader.corrupt
        records = reader.read(size) if size else []
        if reader.corrupt != corrupt:
            log.error("worker %d left a record that cannot be read; what its ring held is lost", reader.worker)
        groups: dict[tuple[int, int], list[bytes]] = {}
        for kind, sink, data in records:
            groups.setdefault((kind, sink), []).append(data)
        for (kind, sink), batch in groups.items():
            self._hand_over(kind, sink, batch)
        return bool(records)

    def _hand_over(self, kind: int, sink: int, batch: list[bytes]) -> None:
        handler = self._handlers.get(kind)
        if handler is None:
            self.unknown_records += len(batch)
        else:
            handler(sink, batch)
