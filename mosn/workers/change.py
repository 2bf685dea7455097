"""One change of what runs: all workers take it or all keep what they had.

open sockets that are missing -> every worker: new listeners' sockets, then the snapshot -> wait
  all took it:  every worker lets go of sockets of listeners that are gone -> wait -> close them here
  one did not:  every worker gets the old snapshot and sockets back; what was opened is closed
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from mosn.workers.listening import BindError, Listeners, Plan
from mosn.workers.loop import Loop
from mosn.workers.pool import WorkerPool
from mosn.workers.publication import Answers, Publication
from mosn.workers.reply import BAD, DONE, NOT_DONE

log = logging.getLogger("mosn.master")

INSTALL_TIMEOUT = 30.0
SETTLE_TIMEOUT = 10.0

Ended = Callable[[int, str], None]


class Change:
    """`ended(code, error)` is called once; afterwards `publication` belongs to the pool (code DONE) or is closed."""

    def __init__(
        self, loop: Loop, pool: WorkerPool, listeners: Listeners, publication: Publication, ended: Ended
    ) -> None:
        self._loop = loop
        self._pool = pool
        self._listeners = listeners
        self._new = publication
        self._ended = ended
        self._plan: Plan | None = None

    def begin(self) -> None:
        try:
            plan = self._plan = self._listeners.prepare(self._new.bindings)
        except BindError as error:
            self._new.close()
            self._ended(BAD, str(error))
            return
        added = {name: port for name, port in plan.table.items() if name not in self._pool.table}
        answers = Answers(self._loop, INSTALL_TIMEOUT, self._installed)
        for slot in self._pool.slots:
            if slot.alive:
                self._pool.update(slot, self._new, self._pool.table | added, answers)
        answers.seal()

    def _installed(self, errors: list[str]) -> None:
        if errors:
            self._roll_back(errors)
            return
        assert self._plan is not None
        self._old = self._pool.publication
        answers = Answers(self._loop, SETTLE_TIMEOUT, self._settled)
        self._pool.adopt(self._new, self._plan.table, answers)
        answers.seal()

    def _settled(self, errors: list[str]) -> None:
        assert self._plan is not None
        for error in errors:
            log.error("configuration %s runs, but %s", self._new.version, error)
        try:
            self._listeners.commit(self._plan)
        except BindError as error:
            log.error("configuration %s runs, but %s", self._new.version, error)
        if self._old is not None:
            self._old.close()
        self._ended(DONE, "")

    def _roll_back(self, errors: list[str]) -> None:
        reason = "; ".join(sorted(set(errors)))
        log.error("configuration %s was not taken: %s", self._new.version, reason)
        old = self._pool.publication
        assert old is not None
        answers = Answers(self._loop, SETTLE_TIMEOUT, lambda undone: self._undone(reason, undone))
        self._pool.adopt(old, self._pool.table, answers)
        answers.seal()

    def _undone(self, reason: str, errors: list[str]) -> None:
        assert self._plan is not None
        for error in errors:
            log.error("going back: %s", error)
        self._listeners.abandon(self._plan)
        self._new.close()
        self._ended(NOT_DONE, reason)
