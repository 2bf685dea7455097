"""Discovery for STRICT_DNS and LOGICAL_DNS clusters.

Every target is asked again after its refresh time.  A failure keeps the last good addresses and is tried again after
a growing pause.  The listener is told only when a set of addresses has changed, with everything known, so that a lost
call cannot leave it with half.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, fields

from mosn.upstream.lookup import Lookup, Lookups, system_lookup
from mosn.upstream.targets import DnsTarget, Key, OnChange, Resolved, endpoint, key_of

log = logging.getLogger(__name__)

LOOKUP_SECONDS = 15.0
"""A look-up that takes longer counts as failed (resolv.conf's default gives up after 10 s for one server)."""

GATHER_SECONDS = 0.02
"""Answers that arrive together are told together."""

MAX_BACK_OFF = 10
"""Envoy: `dns_failure_refresh_rate.max_interval` is ten times the base interval unless it is set."""


@dataclass
class Updates:
    """Envoy's cluster update statistics, for one cluster."""

    update_attempt: int = 0
    update_success: int = 0
    update_failure: int = 0
    update_no_rebuild: int = 0


class Resolver:
    """Keeps the addresses of all targets fresh.  Belongs to one event loop."""

    def __init__(
        self,
        on_change: OnChange,
        *,
        lookup: Lookup = system_lookup,
        concurrency: int = 4,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._on_change = on_change
        self._lookups = Lookups(lookup, concurrency)
        self._sleep = sleep
        self._targets: dict[Key, DnsTarget] = {}
        self._tasks: dict[Key, asyncio.Task[None]] = {}
        self._first_try: dict[Key, asyncio.Event] = {}
        self._resolved: dict[Key, tuple[str, ...]] = {}
        self._updates: dict[str, Updates] = {}
        self._telling: asyncio.TimerHandle | None = None

    @property
    def resolved(self) -> Resolved:
        return dict(self._resolved)

    def counters(self) -> dict[str, int]:
        """By Envoy's dotted name, e.g. "cluster.a.update_attempt"."""
        return {
            f"cluster.{cluster.replace(':', '_')}.{field.name}": getattr(updates, field.name)
            for cluster, updates in self._updates.items()
            for field in fields(updates)
        }

    def update(self, targets: Sequence[DnsTarget]) -> None:
        """Replace the targets.  Those that were there keep their addresses and their schedule unless their settings
        changed; on_change is not called for a target that is gone."""
        wanted = {key_of(target): target for target in targets}
        for key in [key for key in self._targets if key not in wanted]:
            self._forget(key)
        for key, target in wanted.items():
            if _settings(target) != _settings(self._targets.get(key)):
                self._begin(key, target)

    async def first_answers(self, seconds: float) -> bool:
        """Wait until every target has been tried once, or `seconds` have passed; True when all were."""
        waiting = [event.wait() for event in self._first_try.values()]
        try:
            async with asyncio.timeout(seconds):
                await asyncio.gather(*waiting)
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        """Stop every refresh.  The addresses stay readable."""
        if self._telling:
            self._telling.cancel()
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks.clear()
        self._lookups.close()

    def _begin(self, key: Key, target: DnsTarget) -> None:
        if running := self._tasks.get(key):
            running.cancel()
        self._targets[key] = target
        self._first_try.setdefault(key, asyncio.Event())
        self._updates.setdefault(target.cluster, Updates())
        self._tasks[key] = asyncio.create_task(self._refresh(key, target), name=f"dns refresh {target.hostname}")

    def _forget(self, key: Key) -> None:
        self._tasks.pop(key).cancel()
        del self._targets[key]
        del self._first_try[key]
        self._resolved.pop(key, None)

    async def _refresh(self, key: Key, target: DnsTarget) -> None:
        failures = 0
        while True:
            failures = 0 if await self._try(key, target, failures) else failures + 1
            self._first_try[key].set()
            await self._sleep(pause_seconds(target.refresh_ms, failures))

    async def _try(self, key: Key, target: DnsTarget, failures: int) -> bool:
        updates = self._updates[target.cluster]
        updates.update_attempt += 1
        try:
            found = await self._lookups.addresses(target.hostname, target.family.lower(), LOOKUP_SECONDS)
        except (OSError, UnicodeError) as error:  # TimeoutError is an OSError; UnicodeError: not a name (IDNA)
            updates.update_failure += 1
            self._log_failure(key, target, error, failures)
            return False
        updates.update_success += 1
        if failures:
            log.info("cluster %s: %s resolves again", target.cluster, target.hostname)
        self._keep(key, self._choose(key, target, found), updates)
        return True

    def _choose(self, key: Key, target: DnsTarget, found: list[str]) -> tuple[str, ...]:
        """What the answer means: every address in a stable order, or for LOGICAL_DNS one, and the one in use for as
        long as the name still has it, so that a rotating answer does not make a new snapshot each time."""
        endpoints = [endpoint(address, target.port) for address in found]
        if target.kind.lower() != "logical_dns":
            return tuple(sorted(endpoints))
        present = self._resolved.get(key, ())
        return present if present and present[0] in endpoints else (endpoints[0],)

    def _keep(self, key: Key, endpoints: tuple[str, ...], updates: Updates) -> None:
        if self._resolved.get(key) == endpoints:
            updates.update_no_rebuild += 1
            return
        self._resolved[key] = endpoints
        if self._telling is None:
            self._telling = asyncio.get_running_loop().call_later(GATHER_SECONDS, self._tell)

    def _tell(self) -> None:
        self._telling = None
        self._on_change(self.resolved)

    def _log_failure(self, key: Key, target: DnsTarget, error: Exception, failures: int) -> None:
        kept = ", ".join(self._resolved.get(key, ()))
        outcome = f"keeping {kept}" if kept else "it has no address yet"
        level = logging.DEBUG if failures else logging.WARNING  # say it once, not at every try
        why = str(error) or "timed out"
        log.log(level, "cluster %s: cannot resolve %s: %s; %s", target.cluster, target.hostname, why, outcome)


def pause_seconds(refresh_ms: int, failures: int) -> float:
    """Until the next try: the refresh time, or after failures a random part (half to all) of a doubling one."""
    base = refresh_ms / 1000
    if not failures:
        return base
    growth = min(1 << min(failures - 1, 16), MAX_BACK_OFF)
    return base * growth * random.uniform(0.5, 1.0)


def _settings(target: DnsTarget | None) -> tuple[object, ...] | None:
    return (target.refresh_ms, target.family, target.kind) if target else None
