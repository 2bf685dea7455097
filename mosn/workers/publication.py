"""A configuration on its way to the workers, and the sum of their answers."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NamedTuple

from mosn.workers.loop import Loop
from mosn.workers.messages import Binding, Loaded, ProtocolError


class Publication(NamedTuple):
    """A snapshot as the master holds it: sealed memory files that it never reads.

    `state` is the controller's own; a new controller gets it back.
    """

    version: str
    snapshot_fd: int
    state_fd: int
    bindings: list[Binding]
    admin_address: str

    def close(self) -> None:
        os.close(self.snapshot_fd)
        os.close(self.state_fd)


def publication_of(message: Loaded, fds: list[int]) -> Publication:
    """Takes the descriptors out of `fds`."""
    if len(fds) != 2:
        raise ProtocolError(f"Loaded comes with two descriptors, not {len(fds)}")
    bindings = [Binding(*fields) for fields in message.bindings]
    state, snapshot = fds.pop(), fds.pop()
    return Publication(message.version, snapshot, state, bindings, message.admin_address)


class Answers:
    """Waits for several answers: `done(errors)` is called once, when the last has come or time is over."""

    def __init__(self, loop: Loop, seconds: float, done: Callable[[list[str]], None]) -> None:
        self._done = done
        self._open: dict[int, str] = {}
        self._errors: list[str] = []
        self._sealed = False
        self._timer = loop.call_later(seconds, self._expire)

    def expect(self, who: str) -> Callable[[str], None]:
        """A callback for one answer; it takes the error, "" for none."""
        number = len(self._open) + 1
        while number in self._open:
            number += 1
        self._open[number] = who
        return lambda error: self._answered(number, error)

    def seal(self) -> None:
        """No more expectations follow."""
        self._sealed = True
        self._finish()

    def _answered(self, number: int, error: str) -> None:
        who = self._open.pop(number, None)
        if who is None:
            return
        if error:
            self._errors.append(f"{who}: {error}")
        self._finish()

    def _expire(self) -> None:
        self._errors += [f"{who}: no answer in time" for who in self._open.values()]
        self._open.clear()
        self._finish()

    def _finish(self) -> None:
        if self._sealed and not self._open:
            self._sealed = False
            self._timer.cancel()
            self._done(self._errors)
