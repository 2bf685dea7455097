"""DNS names of the running configuration, and of one that is about to run."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from mosn.upstream import DnsTarget, Resolved, Resolver

log = logging.getLogger("mosn.controller")

FIRST_ANSWERS = 2.0
"""Seconds that a new configuration waits for its names; those that answer later are added then."""


class Names:
    """`changed()` is called when addresses of names that were known before are other ones."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._resolver: Resolver | None = None
        self._targets: list[DnsTarget] = []
        self._adding = False

    @property
    def resolved(self) -> Resolved:
        return self._resolver.resolved if self._resolver else {}

    async def add(self, targets: Sequence[DnsTarget]) -> None:
        """Resolve these too; waits for the first answers, but not long."""
        if not targets:
            return
        if self._resolver is None:
            self._resolver = Resolver(self._told)
        self._adding = True
        self._resolver.update([*self._targets, *targets])
        if not await self._resolver.first_answers(FIRST_ANSWERS):
            log.warning("some names are not resolved yet; their clusters get hosts as soon as they are")
        self._adding = False

    def keep(self, targets: Sequence[DnsTarget]) -> None:
        """Resolve exactly these."""
        self._targets = list(targets)
        if self._resolver is None and targets:
            self._resolver = Resolver(self._told)
        if self._resolver is not None:
            self._resolver.update(targets)

    def counters(self) -> dict[str, int]:
        return self._resolver.counters() if self._resolver else {}

    async def close(self) -> None:
        if self._resolver is not None:
            await self._resolver.close()

    def _told(self, resolved: Resolved) -> None:
        # While names are being added the snapshot that is built next has the answers anyway.
        if not self._adding:
            self._changed()
