"""Host name to addresses, through the system's resolver and under a bound.

getaddrinfo blocks a thread and cannot be cancelled, so a look-up keeps its place until it has really ended, and
whoever asks for the same name meanwhile waits for the same one.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable

Lookup = Callable[[str, int], Awaitable[list[str]]]
"""(hostname, AF_INET or AF_INET6) to addresses; raises OSError (socket.gaierror) when there is no answer."""

# Which families to ask for, in order; the first that has an address wins (DnsLookupFamily in Envoy's cluster.proto).
FAMILIES: dict[str, tuple[int, ...]] = {
    "auto": (socket.AF_INET6, socket.AF_INET),
    "v4_only": (socket.AF_INET,),
    "v6_only": (socket.AF_INET6,),
    "v4_preferred": (socket.AF_INET, socket.AF_INET6),
    "all": (socket.AF_INET, socket.AF_INET6),
}


async def system_lookup(hostname: str, family: int) -> list[str]:
    """Ask getaddrinfo, in a thread of the loop's."""
    loop = asyncio.get_running_loop()
    answers = await loop.getaddrinfo(hostname, None, family=family, type=socket.SOCK_STREAM)
    return [str(answer[4][0]) for answer in answers]


class Lookups:
    """At most `concurrency` look-ups at once, and one for each question."""

    def __init__(self, lookup: Lookup = system_lookup, concurrency: int = 4) -> None:
        self._lookup = lookup
        self._places = asyncio.Semaphore(concurrency)
        self._running: dict[tuple[str, int], asyncio.Task[list[str]]] = {}

    async def addresses(self, hostname: str, family: str, seconds: float) -> list[str]:
        """Addresses in the order of the answer, without repeats.

        Raises OSError when no family has one, TimeoutError after `seconds`.
        """
        async with asyncio.timeout(seconds):
            if literal := literal_address(hostname):
                return _wanted(literal, FAMILIES[family])
            return await self._by_family(hostname, family)

    async def _by_family(self, hostname: str, family: str) -> list[str]:
        found: dict[str, None] = {}
        failure: OSError | None = None
        for one in FAMILIES[family]:
            try:
                found.update(dict.fromkeys(await self._ask(hostname, one)))
            except OSError as error:
                failure = error
            if found and family != "all":
                break
        if not found:
            raise failure or socket.gaierror(socket.EAI_NONAME, f"{hostname} has no address")
        return list(found)

    async def _ask(self, hostname: str, family: int) -> list[str]:
        question = hostname, family
        task = self._running.get(question)
        if task is None:
            task = asyncio.create_task(self._in_turn(hostname, family), name=f"dns {hostname}")
            self._running[question] = task
            task.add_done_callback(lambda done: self._ended(question, done))
        return await asyncio.shield(task)

    async def _in_turn(self, hostname: str, family: int) -> list[str]:
        async with self._places:
            return await self._lookup(hostname, family)

    def _ended(self, question: tuple[str, int], task: asyncio.Task[list[str]]) -> None:
        self._running.pop(question, None)
        if not task.cancelled():
            task.exception()  # nobody may have waited for it any more

    def close(self) -> None:
        for task in self._running.values():
            task.cancel()


def literal_address(hostname: str) -> str | None:
    """The address in its canonical text when `hostname` is one."""
    try:
        return str(ipaddress.ip_address(hostname))
    except ValueError:
        return None


def _wanted(address: str, families: tuple[int, ...]) -> list[str]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    if family not in families:
        raise socket.gaierror(socket.EAI_NONAME, f"{address} is not of the family that dns_lookup_family allows")
    return [address]
