"""The workers: forked, watched, replaced.

A worker that died is replaced at once; one that keeps dying waits longer each time.  Its listening sockets stay open
here, so whoever connects meanwhile waits in their queues.  If the replacement takes longer than LEND_AFTER, another
worker accepts from those queues until it is there.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

from mosn.workers import messages
from mosn.workers.channel import Channel
from mosn.workers.fast_path import FastPath
from mosn.workers.listening import Port
from mosn.workers.loop import Loop
from mosn.workers.publication import Answers, Publication
from mosn.workers.slot import Slot

log = logging.getLogger("mosn.master")

LEND_AFTER = 0.3
START_TIMEOUT = 20.0
FIRST_START_ATTEMPTS = 3


def nothing(error: str = "") -> None:
    """For answers that nobody waits for."""


class WorkerPool:
    """`tell(text)` of every birth and death; `on_ready()` after a birth; `on_failed(reason, refused)` when workers
    cannot be started for the first time (`refused`: the engine refuses the configuration); `on_gone()` when the last
    has ended after drain() or end()."""

    def __init__(
        self,
        loop: Loop,
        fast_path: FastPath,
        segment: Any,
        wake_fds: list[int],
        *,
        log_level: str,
        tell: Callable[[str], None],
        on_ready: Callable[[], None],
        on_failed: Callable[[str, bool], None],
        on_gone: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._fast_path = fast_path
        self._segment = segment
        self._wake_fds = wake_fds
        self.log_level = log_level
        self._tell = tell
        self._on_ready = on_ready
        self._on_failed = on_failed
        self._on_gone = on_gone
        self.slots = [Slot(index) for index in range(len(wake_fds))]
        self.publication: Publication | None = None
        self.table: dict[str, Port] = {}
        self.ending = False
        self._was_ready = False

    def start(self, publication: Publication, table: dict[str, Port]) -> None:
        self.publication, self.table = publication, table
        for slot in self.slots:
            self._spawn(slot)

    @property
    def all_ready(self) -> bool:
        return all(slot.state == "ready" for slot in self.slots)

    def adopt(self, publication: Publication, table: dict[str, Port], answers: Answers) -> None:
        """This is what runs from now on: bring every worker there that is not there yet."""
        self.publication, self.table = publication, table
        for slot in self.slots:
            if slot.alive:
                self.update(slot, publication, table, answers)

    def update(self, slot: Slot, publication: Publication, table: dict[str, Port], answers: Answers) -> None:
        if self.ending:
            return
        slot.give(table, lambda: answers.expect(slot.name))
        if slot.publication is not publication:
            slot.install(publication, answers.expect(slot.name))

    def drain(self, seconds: float, drained: Callable[[list[str]], None]) -> None:
        """All workers say goodbye; `drained` when all have stopped accepting, on_gone when all have ended."""
        self.ending = True
        answers = Answers(self._loop, 2.0, drained)
        for slot in self.slots:
            self._cancel_timers(slot)
            if slot.alive:
                slot.drain(seconds, answers.expect(slot.name))
            else:
                slot.state = "stopped"
        answers.seal()
        self._check_gone()

    def end(self) -> None:
        """All workers end now."""
        self.ending = True
        for slot in self.slots:
            self._cancel_timers(slot)
            slot.end()

    def kill(self) -> None:
        self.ending = True
        for slot in self.slots:
            self._cancel_timers(slot)
            slot.kill()

    # ---- birth

    def _spawn(self, slot: Slot) -> None:
        if self.ending:
            return
        slot.born(*self._fork(slot))
        self._loop.add_reader(slot.pidfd, self._reap, slot)
        slot.start_timer = self._loop.call_later(START_TIMEOUT, self._start_timed_out, slot)
        assert self.publication is not None
        slot.give(self.table, lambda: nothing)
        slot.install(self.publication, lambda error: self._installed(slot, error))

    def _fork(self, slot: Slot) -> tuple[int, Channel]:
        # Imported by then (preload), but not by a command line that only wants this module's names.
        from mosn.workers.worker import Birth, worker_process

        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            birth = Birth(slot.index, theirs, self._segment, self._wake_fds[slot.index], self.log_level)
            worker_process(birth, self._fast_path, {self._segment.fd})
        theirs.close()
        return pid, Channel(ours, self._loop, lambda *args: self._received(slot, *args), nothing)

    def _received(self, slot: Slot, message: messages.Message, fds: list[int]) -> None:
        if isinstance(message, messages.Done):
            slot.answered(message)
        elif isinstance(message, messages.Report):
            slot.reported(message)

    def _installed(self, slot: Slot, error: str) -> None:
        if slot.state != "starting" or not slot.alive:
            return
        if error:
            log.error("worker %d refuses configuration: %s", slot.index, error)
            if not self._was_ready:
                self._on_failed(error, True)
            slot.kill()
            return
        slot.state, slot.ready_at = "ready", time.monotonic()
        self._cancel_timers(slot)
        self._was_ready = self._was_ready or self.all_ready
        log.info("worker %d is ready (pid %d)", slot.index, slot.pid)
        self._tell(f"worker {slot.index} is ready (pid {slot.pid})")
        slot.lent = False
        self._lend()
        self._on_ready()

    def _start_timed_out(self, slot: Slot) -> None:
        log.error("worker %d is not ready after %g s: killing it", slot.index, START_TIMEOUT)
        slot.kill()

    # ---- death

    def _reap(self, slot: Slot) -> None:
        status = os.waitpid(slot.pid, 0)[1]
        self._loop.remove_reader(slot.pidfd)
        slot.last_end = describe_end(status)
        lived = time.monotonic() - slot.ready_at if slot.ready_at else 0.0
        pid = slot.pid
        self._fast_path.clear_worker(self._segment, slot.index)
        slot.buried()
        if slot.start_timer is not None:
            slot.start_timer.cancel()
        if self.ending:
            slot.state = "stopped"
            self._check_gone()
            return
        self._restart(slot, pid, slot.backoff.after(lived))

    def _restart(self, slot: Slot, pid: int, delay: float) -> None:
        log.error("worker %d (pid %d) %s; starting another in %g s", slot.index, pid, slot.last_end, delay)
        self._tell(f"worker {slot.index} (pid {pid}) {slot.last_end}")
        if not self._was_ready and slot.backoff.failures >= FIRST_START_ATTEMPTS:
            self._on_failed(f"worker {slot.index} {slot.last_end}", False)
            return
        slot.restarts += 1
        self._lend()  # it may have been the one that another's sockets were lent to
        if slot.lend_timer is None and not slot.lent:
            slot.lend_timer = self._loop.call_later(LEND_AFTER, self._begin_lending, slot)
        if delay:
            slot.start_timer = self._loop.call_later(delay, self._spawn, slot)
        else:
            self._spawn(slot)

    def _begin_lending(self, slot: Slot) -> None:
        slot.lent, slot.lend_timer = True, None
        self._lend()

    def _lend(self) -> None:
        """Let ready workers accept from the sockets of those that are not."""
        ready = [slot for slot in self.slots if slot.state == "ready"]
        lent = [slot.index for slot in self.slots if slot.lent]
        for place, slot in enumerate(ready):
            serving = (slot.index, *(index for index in lent if index % len(ready) == place))
            if serving != slot.serving:
                log.info("worker %d accepts for %s", slot.index, ", ".join(map(str, serving)))
                slot.serving = serving
                slot.give(self.table, lambda: nothing)

    def _cancel_timers(self, slot: Slot) -> None:
        for timer in (slot.start_timer, slot.lend_timer):
            if timer is not None:
                timer.cancel()
        slot.start_timer = slot.lend_timer = None

    def _check_gone(self) -> None:
        if not any(slot.alive for slot in self.slots):
            self._on_gone()


def describe_end(status: int) -> str:
    """Of a wait status, for people."""
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        return f"was killed by signal {-code}"
    return f"ended with code {code}"
