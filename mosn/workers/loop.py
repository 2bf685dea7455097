"""The master's event loop: readiness, timers and signals, nothing else.

No threads and no asyncio, so that the process can fork at any moment.  Method names and meanings are asyncio's, so
that `Channel` works on either.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import os
import selectors
import signal
import time
from collections.abc import Callable
from typing import Any

log = logging.getLogger("mosn.master")

Callback = Callable[..., Any]


class Timer:
    __slots__ = ("args", "callback", "cancelled")

    def __init__(self, callback: Callback, args: tuple[Any, ...]) -> None:
        self.callback = callback
        self.args = args
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Loop:
    def __init__(self) -> None:
        self._selector = selectors.EpollSelector()
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self._signals: dict[int, Callback] = {}
        self._wake_read = -1
        self._stopped = False

    def add_reader(self, fd: int, callback: Callback, *args: Any) -> None:
        self._watch(fd, selectors.EVENT_READ, (callback, args))

    def remove_reader(self, fd: int) -> bool:
        return self._unwatch(fd, selectors.EVENT_READ)

    def add_writer(self, fd: int, callback: Callback, *args: Any) -> None:
        self._watch(fd, selectors.EVENT_WRITE, (callback, args))

    def remove_writer(self, fd: int) -> bool:
        return self._unwatch(fd, selectors.EVENT_WRITE)

    def call_later(self, seconds: float, callback: Callback, *args: Any) -> Timer:
        timer = Timer(callback, args)
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._order), timer))
        return timer

    def add_signal_handler(self, number: int, callback: Callback) -> None:
        """Call `callback(number)` from the loop when the signal comes; replaces what was there."""
        if self._wake_read < 0:
            self._open_wake_pipe()
        self._signals[number] = callback
        signal.signal(number, _nothing)

    def run(self) -> None:
        """Run until stop()."""
        while not self._stopped:
            self._turn()

    def stop(self) -> None:
        self._stopped = True

    def _turn(self) -> None:
        for key, events in self._selector.select(self._patience()):
            for event in (selectors.EVENT_READ, selectors.EVENT_WRITE):
                # A callback may have removed this or another descriptor.
                handler = key.data.get(event) if events & event else None
                if handler is not None:
                    _call(*handler)
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            timer = heapq.heappop(self._timers)[2]
            if not timer.cancelled:
                _call(timer.callback, timer.args)

    def _patience(self) -> float | None:
        while self._timers and self._timers[0][2].cancelled:
            heapq.heappop(self._timers)
        return max(0.0, self._timers[0][0] - time.monotonic()) if self._timers else None

    def _watch(self, fd: int, event: int, handler: tuple[Callback, tuple[Any, ...]]) -> None:
        try:
            key = self._selector.get_key(fd)
        except KeyError:
            self._selector.register(fd, event, {event: handler})
            return
        key.data[event] = handler
        self._selector.modify(fd, key.events | event, key.data)

    def _unwatch(self, fd: int, event: int) -> bool:
        try:
            key = self._selector.get_key(fd)
        except KeyError:
            return False
        removed = key.data.pop(event, None) is not None
        if key.data:
            self._selector.modify(fd, key.events & ~event, key.data)
        else:
            self._selector.unregister(fd)
        return removed

    def _open_wake_pipe(self) -> None:
        self._wake_read, write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        self.add_reader(self._wake_read, self._read_signals)

    def _read_signals(self) -> None:
        for number in os.read(self._wake_read, 512):
            callback = self._signals.get(number)
            if callback is not None:
                callback(number)


def _nothing(number: int, frame: object) -> None:
    """The wake-up descriptor tells the loop; Python only needs some handler."""


def _call(callback: Callback, args: tuple[Any, ...]) -> None:
    try:
        callback(*args)
    except Exception:
        # The master outlives its own faults: traffic does not depend on the step that failed.
        log.exception("a step of the master failed")
