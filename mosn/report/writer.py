"""Access logs: from the workers' rings to files, standard output and standard error."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import asdict

from mosn._fastpath.shm.ring import RingReader
from mosn.model import LogSink
from mosn.report.drain import RingDrain
from mosn.report.sink import Numbers, Sink
from mosn.report.sinks import target_for

log = logging.getLogger(__name__)

ACCESS_LOG = 1
"""Kind of a ring record that is a formatted line for a sink (LOG_RECORD in mosn/_fastpath/proxy/log.pyx)."""

RETIRE_SECONDS = 10.0
"""How long a sink that no configuration names any more goes on trying to write what it holds."""


class LogWriter:
    """Owns the destinations of all access logs.  Made and used in one event loop, which it never blocks.

    The numbers of sinks (`LogSink` positions in a snapshot) keep their meaning over a reload; a number whose path
    changes all the same takes effect for records that are read from then on.  No ring is read before the first
    `update_sinks`, so that nothing that waits there is lost.
    """

    def __init__(self, readers: Iterable[RingReader] = ()) -> None:
        self._by_path: dict[str, Sink] = {}
        self._by_number: list[Sink] = []
        self._retired = Numbers()  # of sinks that are closed, so that sums never go back
        self._retiring: set[Sink] = set()
        self._homeless = 0  # lines for a number that no snapshot has
        self._drain = RingDrain({ACCESS_LOG: self._put})
        for reader in readers:
            self._drain.add(reader)

    # -- what it reads

    def add_reader(self, reader: RingReader) -> None:
        """Read another worker's ring, or the same worker's by a new reader."""
        self._drain.add(reader)

    def remove_reader(self, worker: int) -> None:
        self._drain.remove(worker)

    # -- where it writes

    async def prepare(self, sinks: Sequence[LogSink]) -> list[str]:
        """Open what these sinks name and is not open yet; returns what is wrong, a sentence each.

        Nothing changes for sinks in use, so a configuration can be refused for its logs before it is applied.
        """
        problems = []
        for path in dict.fromkeys(sink["path"] for sink in sinks):
            if path not in self._by_path and (problem := await self._open(path)):
                problems.append(problem)
        return problems

    async def _open(self, path: str) -> str | None:
        try:
            sink = Sink(target_for(path))
        except ValueError as error:
            return str(error)
        failure = await asyncio.wrap_future(sink.reopen())
        if failure is None:
            self._by_path[path] = sink
            return None
        sink.close(0)
        return f"cannot open access log {path}: {failure.strerror}"

    def update_sinks(self, sinks: Sequence[LogSink]) -> None:
        """Use these from now on.  Those that are named no more write what they hold and are closed.

        A path that cannot be opened is tried again and again, as one that fails later is; see `prepare`.
        Raises ValueError for a path that no kind of sink takes, and then changes nothing.
        """
        self._drain.take_all()  # by the old numbers
        used = {path: self._by_path.get(path) or Sink(target_for(path)) for path in (sink["path"] for sink in sinks)}
        for path, sink in self._by_path.items():
            if path not in used:
                self._retire(sink)
        self._by_path = used
        self._by_number = [used[sink["path"]] for sink in sinks]
        self._drain.start()

    def _retire(self, sink: Sink) -> None:
        self._retiring.add(sink)
        ended = asyncio.wrap_future(sink.close(RETIRE_SECONDS))
        ended.add_done_callback(lambda _: self._bury(sink))

    def _bury(self, sink: Sink) -> None:
        self._retiring.discard(sink)
        self._retired.add(sink.numbers)

    async def reopen(self) -> list[str]:
        """Open every file again by its name, once what was logged before is written; returns the failures, whose old
        files stay in use."""
        self._drain.take_all()
        sinks = list(self._by_path.values())
        results = await asyncio.gather(*(asyncio.wrap_future(sink.reopen()) for sink in sinks))
        failed = [(sink, error) for sink, error in zip(sinks, results, strict=True) if error]
        return [f"cannot reopen access log {sink.path}: {error.strerror}" for sink, error in failed]

    async def close(self, seconds: float = 5.0) -> None:
        """Write everything that is in the rings, trying for `seconds` at most."""
        self._drain.close()
        sinks = [*self._by_path.values(), *self._retiring]
        ends: list[Future[None]] = [sink.close(seconds) for sink in sinks]
        await asyncio.gather(*map(asyncio.wrap_future, ends))
        for sink in self._by_path.values():
            self._retired.add(sink.numbers)
        self._by_path, self._by_number = {}, []

    def _put(self, number: int, lines: list[bytes]) -> None:
        if number < len(self._by_number):
            self._by_number[number].put(b"".join(lines), len(lines))
        else:
            self._homeless += len(lines)

    # -- numbers

    def counters(self) -> dict[str, int]:
        """`filesystem.*`, by Envoy's dotted name."""
        total = Numbers()
        for numbers in (self._retired, *(sink.numbers for sink in self._sinks())):
            total.add(numbers)
        total.lines_dropped += self._homeless
        return {f"filesystem.{name}": value for name, value in asdict(total).items()}

    def gauges(self) -> dict[str, int]:
        return {"filesystem.write_total_buffered": sum(sink.waiting_bytes for sink in self._sinks())}

    def _sinks(self) -> list[Sink]:
        return [*self._by_path.values(), *self._retiring]
