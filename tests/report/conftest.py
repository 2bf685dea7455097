"""Workers with rings, and a LogWriter in a loop of its own."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator

import pytest

from mosn._fastpath.shm.ring import RingReader
from mosn._fastpath.shm.segment import Segment
from mosn.model import LogSink
from mosn.report import LogWriter, sink
from tests.report.worker_side import WorkerSide

DEADLINE = 20.0


class Box:
    """Workers with rings, and a LogWriter in a loop of its own."""

    def __init__(self, workers: int = 1) -> None:
        self.segment = Segment.create(workers)
        self.wake_fds = [os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC) for _ in range(workers)]
        self.workers = [WorkerSide(self.segment, number, fd) for number, fd in enumerate(self.wake_fds)]

    def readers(self) -> list[RingReader]:
        return [RingReader(self.segment, number, fd) for number, fd in enumerate(self.wake_fds)]

    def run(self, test: Callable[[LogWriter], object], *sinks: str) -> None:
        async def main() -> None:
            writer = LogWriter(self.readers())
            writer.update_sinks([LogSink(path=path) for path in sinks])
            async with asyncio.timeout(DEADLINE):
                await test(writer)  # type: ignore[misc]

        asyncio.run(main())

    def close(self) -> None:
        for fd in self.wake_fds:
            os.close(fd)
        self.segment.close()


@pytest.fixture
def box() -> Iterator[Box]:
    box = Box(2)
    yield box
    box.close()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries without the wait."""
    monkeypatch.setattr(sink, "RETRY_SECONDS", 0.02)


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - threads and files set no event
        await asyncio.sleep(0.005)


async def log_all(worker: WorkerSide, lines: Iterator[bytes]) -> None:
    """As a busy worker does, but waits instead of dropping when the ring is full."""
    for line in lines:
        await until(lambda line=line: worker.log(line))


def numbered(worker: int, count: int, pad: int = 80) -> Iterator[bytes]:
    return (f"worker {worker} line {number} {'x' * pad}\n".encode() for number in range(count))


def numbers_in(text: bytes, worker: int) -> list[int]:
    return [int(line.split()[3]) for line in text.splitlines() if line.split()[1] == str(worker).encode()]
