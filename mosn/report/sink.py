"""A destination of log lines: a queue of bounded bytes in front of a thread that writes.

The event loop only ever puts into the queue, so a full disk or a reader that has stopped costs memory up to
QUEUE_BYTES and then lines, never time.  A write that fails is tried again from the byte at which it failed: what has
been queued comes out whole and in order as soon as the destination takes it.
"""

from __future__ import annotations

import errno
import logging
import threading
import time
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, fields
from typing import Any, NamedTuple, Protocol

log = logging.getLogger(__name__)

QUEUE_BYTES = 16 << 20
"""Most bytes that wait for one destination; lines that would exceed it are dropped and counted."""

FLUSH_BYTES = 64 << 10
"""A write begins when this much waits, or when the oldest line has waited for the target's flush_seconds."""

WRITE_BYTES = 1 << 20
"""About the most that one write is asked to take."""

RETRY_SECONDS = 1.0
WARNING_SECONDS = 60.0

STUCK = OSError(errno.EAGAIN, "nobody reads it")


class Target(Protocol):
    """Where the bytes go.  Called by the sink's thread only; every method raises OSError."""

    path: str
    flush_seconds: float

    def open(self) -> None:
        """Open, or open again by name; a failure leaves what was open as it is."""

    def write(self, data: memoryview) -> int:
        """Write some of `data` and return how much; 0 when nothing could be written for a moment.  Never blocks for
        longer than about 0.2 s."""

    def close(self) -> None: ...


@dataclass
class Numbers:
    """Envoy's `filesystem.*` statistics, and the two that it lacks.  Each has one writing thread, or the lock."""

    write_buffered: int = 0  # batches taken into a queue
    write_completed: int = 0  # writes that the destination took
    write_failed: int = 0
    flushed_by_timer: int = 0
    reopen_failed: int = 0
    lines_written: int = 0
    lines_dropped: int = 0

    def add(self, other: Numbers) -> None:
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))


class Batch(NamedTuple):
    data: bytes  # whole lines
    lines: int


class Reopen(NamedTuple):
    """Stands in the queue behind the lines that belong into the file that is open now."""

    done: Future[OSError | None]


def promise() -> Future[Any]:
    """A future that whoever waits for it cannot cancel, so that the thread may always set it."""
    future: Future[Any] = Future()
    future.set_running_or_notify_cancel()
    return future


class Sink:
    """One destination.  `put`, `reopen`, `close` are called by the event loop's thread and never block."""

    def __init__(self, target: Target) -> None:
        self.path = target.path
        self.numbers = Numbers()
        self._target = target
        self._changed = threading.Condition()
        self._queue: deque[Batch | Reopen] = deque()
        self._waiting = 0  # bytes in the queue and in the write under way
        self._oldest = 0.0  # when the queue's first entry came
        self._urgent = False
        self._opened = False
        self._give_up_at: float | None = None  # set by close
        self._trouble = Trouble(target.path)
        self._ended: Future[None] = promise()
        self._thread = threading.Thread(target=self._run, name=f"log {target.path}", daemon=True)
        self._thread.start()

    @property
    def waiting_bytes(self) -> int:
        return self._waiting

    def put(self, data: bytes, lines: int) -> None:
        """Queue whole lines, or drop and count them when QUEUE_BYTES wait already."""
        with self._changed:
            if self._waiting + len(data) > QUEUE_BYTES or self._give_up_at is not None:
                self.numbers.lines_dropped += lines
                return
            if not self._queue:
                self._oldest = time.monotonic()
                self._changed.notify()
            self._queue.append(Batch(data, lines))
            self.numbers.write_buffered += 1
            before, self._waiting = self._waiting, self._waiting + len(data)
            if before < FLUSH_BYTES <= self._waiting:
                self._changed.notify()

    def reopen(self) -> Future[OSError | None]:
        """Open the path again once everything queued so far is written; the result is the failure, if any, and then
        the old file stays in use.  Also opens a target for the first time."""
        order = Reopen(promise())
        with self._changed:
            if self._give_up_at is not None:
                order.done.set_result(None)
                return order.done
            self._queue.append(order)
            self._urgent = True
            self._changed.notify()
        return order.done

    def close(self, seconds: float) -> Future[None]:
        """Write what is queued, trying for `seconds` at most, close the target and end the thread."""
        with self._changed:
            self._give_up_at = time.monotonic() + seconds
            self._changed.notify()
        return self._ended

    # -- the thread

    def _run(self) -> None:
        try:
            while entries := self._take():
                self._handle(entries)
        finally:
            self._target.close()
            self._ended.set_result(None)

    def _handle(self, entries: list[Batch | Reopen]) -> None:
        batches = [entry for entry in entries if isinstance(entry, Batch)]
        if batches:
            self._write(b"".join(batch.data for batch in batches), sum(batch.lines for batch in batches))
        for entry in entries:
            if isinstance(entry, Reopen):
                entry.done.set_result(self._reopen())

    def _take(self) -> list[Batch | Reopen]:
        """The next entries to work on, in order: batches up to WRITE_BYTES, or up to and with the next Reopen.
        Waits for them; empty when the sink is closed and nothing is left."""
        with self._changed:
            while not self._due():
                if self._give_up_at is not None:
                    return []
                self._changed.wait(self._patience())
            return self._pop()

    def _due(self) -> bool:
        if not self._queue:
            return False
        if self._urgent or self._waiting >= FLUSH_BYTES or self._give_up_at is not None:
            return True
        if time.monotonic() - self._oldest < self._target.flush_seconds:
            return False
        self.numbers.flushed_by_timer += 1
        return True

    def _patience(self) -> float | None:
        if not self._queue:
            return None
        return max(0.0, self._oldest + self._target.flush_seconds - time.monotonic())

    def _pop(self) -> list[Batch | Reopen]:
        taken: list[Batch | Reopen] = []
        size = 0
        while self._queue and size < WRITE_BYTES:
            entry = self._queue.popleft()
            taken.append(entry)
            if isinstance(entry, Reopen):
                break
            size += len(entry.data)
        self._urgent = any(isinstance(entry, Reopen) for entry in self._queue)
        return taken

    def _reopen(self) -> OSError | None:
        try:
            self._target.open()
        except OSError as error:
            self.numbers.reopen_failed += 1
            self._trouble.met(error, self)
            return error
        self._opened = True
        return None

    def _write(self, data: bytes, lines: int) -> None:
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self._write_some(rest) :]
            except OSError as error:
                self.numbers.write_failed += 1
                self._trouble.met(error, self)
                self._pause()
            if rest and self._gave_up():
                break
        lost = bytes(rest).count(b"\n")
        with self._changed:
            self._waiting -= len(data)
            self.numbers.lines_dropped += lost
        self.numbers.write_completed += 1
        self.numbers.lines_written += lines - lost

    def _write_some(self, data: memoryview) -> int:
        if not self._opened:
            self._target.open()
            self._opened = True
        written = self._target.write(data)
        if written:
            self._trouble.over(self)
        elif self._waiting > QUEUE_BYTES // 2:
            self._trouble.met(STUCK, self)
        return written

    def _pause(self) -> None:
        """Until the next try; close() ends it early."""
        with self._changed:
            if self._give_up_at is None:
                self._changed.wait_for(lambda: self._give_up_at is not None, RETRY_SECONDS)
            else:
                self._changed.wait(0.05)

    def _gave_up(self) -> bool:
        return self._give_up_at is not None and time.monotonic() >= self._give_up_at


class Trouble:
    """Says once a minute that a destination does not take lines, and once that it does again."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._warned_at: float | None = None
        self._dropped_before = 0

    def met(self, error: OSError, sink: Sink) -> None:
        now = time.monotonic()
        if self._warned_at is not None and now - self._warned_at < WARNING_SECONDS:
            return
        if self._warned_at is None:
            self._dropped_before = sink.numbers.lines_dropped
        self._warned_at = now
        log.warning(
            "access log %s: %s; %d bytes wait, %d lines dropped so far, trying again every %g s",
            self._path, error.strerror or error, sink.waiting_bytes, self._dropped(sink), RETRY_SECONDS,
        )  # fmt: skip

    def over(self, sink: Sink) -> None:
        if self._warned_at is None:
            return
        self._warned_at = None
        log.warning("access log %s: written again; %d lines were dropped", self._path, self._dropped(sink))

    def _dropped(self, sink: Sink) -> int:
        return sink.numbers.lines_dropped - self._dropped_before
