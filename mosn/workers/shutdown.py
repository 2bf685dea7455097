"""Draining and stopping."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from mosn.workers import messages
from mosn.workers.reply import NOT_DONE, Reply

if TYPE_CHECKING:
    from mosn.workers.master import Master

log = logging.getLogger("mosn.master")

PATIENCE = 3.0  # seconds that workers get beyond the drain's own


class Shutdown:
    """Workers take no new connections, end the open ones politely within the time given, and exit; then the
    controller flushes its logs and exits; then the master.  A second request to stop ends it at once."""

    def __init__(self, master: Master) -> None:
        self._master = master
        self._replies: list[Reply] = []
        self.stays = False  # the master and the admin live on when all connections are gone

    def begin(self, seconds: float, why: str, reply: Reply | None = None, *, stay: bool = False) -> None:
        master = self._master
        if reply is not None:
            self._replies.append(reply)
        if master.state in ("draining", "stopping"):
            self._again(seconds, why, stay=stay)
            return
        if master.state == "drained":
            self.stays = stay
            if stay:
                self.drained()
            else:
                self._stop()
            return
        if master.pool.publication is None:
            master.abort(NOT_DONE, f"stopped by {why} before the configuration was loaded")
            return
        log.info("%s: draining for up to %g s", why, seconds)
        self.stays = stay
        master.state = "draining"
        master.service_manager.stopping(f"draining for up to {seconds:g} s")
        master.controller.send(messages.Notice("draining", {"seconds": seconds}))
        master.pool.drain(seconds, self._stopped_accepting)
        master.loop.call_later(seconds + PATIENCE, self._too_late)

    def drained(self) -> None:
        """All connections are gone and we stay."""
        self._master.state = "drained"
        log.info("drained; waiting to be stopped")
        self._answer()

    def ended(self) -> None:
        """The last step before the process goes."""
        self._answer()

    def _answer(self) -> None:
        for reply in self._replies:
            reply.done()
        self._replies.clear()

    def _again(self, seconds: float, why: str, *, stay: bool) -> None:
        master = self._master
        if stay or master.state == "stopping":
            return
        self.stays = False
        if seconds <= master.options.stop_seconds:
            log.info("%s again: stopping now", why)
            master.pool.end()
            master.loop.call_later(1.0, master.pool.kill)

    def _stopped_accepting(self, errors: list[str]) -> None:
        for error in errors:
            log.error("draining: %s", error)
        self._master.listeners.close()

    def _too_late(self) -> None:
        if self._master.state == "draining":
            log.error("some workers did not end in time: killing them")
            self._master.pool.kill()

    def _stop(self) -> None:
        self._master.state = "stopping"
        self._master.controller.end()
