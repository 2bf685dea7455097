"""What every page of the admin works with."""

from __future__ import annotations

import asyncio
import urllib.parse
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from aiohttp import web

from mosn.admin.collect import Collector, Statistics
from mosn.admin.computed import State, server_state
from mosn.admin.context import AdminContext, WorkerRow
from mosn.model import Snapshot

Result = TypeVar("Result")

WORKERS_SECONDS = 2.0

NO_SNAPSHOT = "no configuration is running yet\n"


class Desk:
    """The admin's view of the controller, and the few things it remembers itself."""

    def __init__(self, context: AdminContext) -> None:
        self.context = context
        self.collector = Collector(context)
        self._thread = ThreadPoolExecutor(1, "admin")

    async def work(self, function: Callable[..., Result], *args: Any) -> Result:
        """Do something long beside the loop, which has access logs to write.  One at a time, so that many requests
        cost no more than one processor's share."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *args)

    async def statistics(self) -> Statistics:
        context = self.context
        own = dict(context.counters()), dict(context.gauges())
        return await self.work(self.collector.collect, await self.live_workers(), *own)

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    def snapshot(self) -> Snapshot:
        """Raises HTTPServiceUnavailable before the first."""
        snapshot = self.context.snapshot
        if snapshot is None:
            raise web.HTTPServiceUnavailable(text=NO_SNAPSHOT)
        return snapshot

    async def live_workers(self) -> list[WorkerRow]:
        """From shared memory when workers report there, which waits for nobody; else by asking the master."""
        segment = self.context.segment
        found = [segment.status(index) for index in range(segment.regions_in_use)]
        if not any(status.pid for status in found):
            return await self.workers()
        return [
            {
                "index": index,
                "pid": status.pid,
                "state": status.state,
                "started": status.started_us / 1e6,
                "restarts": 0,
                "connections": status.connections,
            }
            for index, status in enumerate(found)
            if status.pid
        ]

    async def workers(self) -> list[WorkerRow]:
        """As the master knows them; none when it does not answer."""
        try:
            async with asyncio.timeout(WORKERS_SECONDS):
                return await self.context.workers()
        except TimeoutError:
            return []

    async def state(self) -> State:
        return server_state(self.context, await self.live_workers())


DESK: web.AppKey[Desk] = web.AppKey("desk", Desk)


def desk_of(request: web.Request) -> Desk:
    return request.app[DESK]


def parameters(request: web.Request) -> dict[str, str]:
    """The query as Envoy reads it: "+" is itself (it stands in regular expressions), a name alone has the value ""."""
    found: dict[str, str] = {}
    for part in request.rel_url.raw_query_string.split("&"):
        name, _, value = part.partition("=")
        if name:
            found.setdefault(urllib.parse.unquote(name), urllib.parse.unquote(value))
    return found


def bad_request(text: str) -> web.HTTPBadRequest:
    return web.HTTPBadRequest(text=text)
