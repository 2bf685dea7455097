"""Access logs from real rings into real files: nothing lost, nothing blocked, everything counted."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mosn._fastpath.shm.ring import RingReader
from mosn._fastpath.shm.segment import Segment
from mosn.model import LogSink
from mosn.report import LogWriter, sink, stream
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


def test_every_line_of_every_worker_arrives_in_order(box: Box, tmp_path: Path) -> None:
    path, each = tmp_path / "access.log", 50_000

    async def test(writer: LogWriter) -> None:
        await asyncio.gather(*(log_all(worker, numbered(i, each)) for i, worker in enumerate(box.workers)))
        await writer.close()
        counters = writer.counters()
        assert counters["filesystem.lines_written"] == 2 * each
        assert counters["filesystem.lines_dropped"] == 0
        assert counters["filesystem.write_completed"] < 2000, "written in batches"
        assert writer.gauges()["filesystem.write_total_buffered"] == 0

    box.run(test, str(path))
    text = path.read_bytes()
    assert text.endswith(b"\n")
    assert [numbers_in(text, worker) for worker in (0, 1)] == [list(range(each))] * 2


def test_a_lonely_line_arrives_without_polling(box: Box, tmp_path: Path) -> None:
    path = tmp_path / "access.log"

    async def test(writer: LogWriter) -> None:
        await asyncio.sleep(0.05)  # the reader goes to sleep
        box.workers[1].log(b"hello\n")
        await until(lambda: path.exists() and path.read_bytes() == b"hello\n")
        assert writer.counters()["filesystem.flushed_by_timer"] == 1
        await writer.close()

    box.run(test, str(path))
    assert path.stat().st_mode & 0o777 == 0o644 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_an_existing_file_is_appended_to(box: Box, tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_bytes(b"before\n")

    async def test(writer: LogWriter) -> None:
        box.workers[0].log(b"after\n")
        await writer.close()

    box.run(test, str(path))
    assert path.read_bytes() == b"before\nafter\n"


def test_reopen_in_the_middle_loses_nothing(box: Box, tmp_path: Path) -> None:
    path, each = tmp_path / "access.log", 10_000
    moved = [tmp_path / f"access.log.{number}" for number in range(4)]

    async def test(writer: LogWriter) -> None:
        lines = list(numbered(0, each * len(moved)))
        for part, old in enumerate(moved):
            busy = asyncio.create_task(log_all(box.workers[0], iter(lines[part * each : (part + 1) * each])))
            await until(lambda: path.exists() and path.stat().st_size > 100_000)
            path.rename(old)
            assert await writer.reopen() == []
            assert path.exists()
            await busy
        await writer.close()

    box.run(test, str(path))
    texts = [old.read_bytes() for old in [*moved, path]]
    assert numbers_in(b"".join(texts), 0) == list(range(each * len(moved)))
    assert all(text.endswith(b"\n") for text in texts if text), "no line is torn over two files"


def test_reopen_that_fails_keeps_the_old_file(box: Box, tmp_path: Path) -> None:
    directory = tmp_path / "logs"
    directory.mkdir()
    path, moved = directory / "access.log", tmp_path / "moved"

    async def test(writer: LogWriter) -> None:
        box.workers[0].log(b"one\n")
        await writer.reopen()
        directory.rename(moved)
        (problem,) = await writer.reopen()
        assert str(path) in problem and "No such file" in problem
        assert writer.counters()["filesystem.reopen_failed"] == 1
        box.workers[0].log(b"two\n")
        await writer.close()

    box.run(test, str(path))
    assert (moved / "access.log").read_bytes() == b"one\ntwo\n"


def test_sinks_follow_a_reload(box: Box, tmp_path: Path) -> None:
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))

    async def test(writer: LogWriter) -> None:
        box.workers[0].log(b"to first\n", sink=0)
        box.workers[0].log(b"to second\n", sink=1)
        box.workers[0].log(b"nowhere\n", sink=7)
        sinks = [LogSink(path=str(first)), LogSink(path=str(third)), LogSink(path=str(first))]
        assert await writer.prepare(sinks) == []
        writer.update_sinks(sinks)
        box.workers[0].log(b"to third\n", sink=1)
        box.workers[0].log(b"also to first\n", sink=2)
        before = writer.counters()
        await writer.close()
        assert writer.counters()["filesystem.lines_dropped"] == 1
        assert writer.counters()["filesystem.lines_written"] == 4
        assert all(value >= before[name] for name, value in writer.counters().items())

    box.run(test, str(first), str(second))
    assert first.read_bytes() == b"to first\nalso to first\n"
    assert second.read_bytes() == b"to second\n"
    assert third.read_bytes() == b"to third\n"


def test_prepare_names_what_cannot_be_opened(box: Box, tmp_path: Path) -> None:
    async def test(writer: LogWriter) -> None:
        sinks = [LogSink(path=f"{tmp_path}/none/access.log"), LogSink(path="relative"), LogSink(path=f"{tmp_path}/ok")]
        missing, relative = await writer.prepare(sinks)
        assert "none/access.log: No such file" in missing
        assert "'relative' is not absolute" in relative
        await writer.close()

    box.run(test)


@pytest.mark.usefixtures("quick")
def test_a_full_disk_delays_lines_and_loses_none_that_fit_the_queue(
    box: Box, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """RLIMIT_FSIZE is the disk's size: a write beyond it fails (EFBIG) or is cut short, as on a full disk."""
    path = tmp_path / "access.log"
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    async def test(writer: LogWriter) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_001, hard))
        try:
            await log_all(box.workers[0], numbered(0, 5000))
            await until(lambda: writer.counters()["filesystem.write_failed"] > 2)
            assert path.stat().st_size == 100_001, "filled to the last byte"
            assert writer.gauges()["filesystem.write_total_buffered"] > 0
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, hard))
        await until(lambda: writer.gauges()["filesystem.write_total_buffered"] == 0)
        await writer.close()
        assert writer.counters()["filesystem.lines_dropped"] == 0

    box.run(test, str(path))
    assert numbers_in(path.read_bytes(), 0) == list(range(5000))
    messages = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(messages) == 2, messages
    assert "File too large" in messages[0] and "written again; 0 lines" in messages[1]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a tmpfs")
@pytest.mark.usefixtures("quick")
def test_a_full_file_system(box: Box, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk], check=False, capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"cannot mount a tmpfs here: {mounted.stderr.strip()}")
    ballast, path = disk / "ballast", disk / "access.log"
    try:
        ballast.write_bytes(b"\0" * (200 << 10))

        async def test(writer: LogWriter) -> None:
            await log_all(box.workers[0], numbered(0, 2000, pad=30))
            await until(lambda: writer.counters()["filesystem.write_failed"] > 2)
            ballast.unlink()
            await writer.close()
            assert writer.counters()["filesystem.lines_dropped"] == 0

        box.run(test, str(path))
        assert numbers_in(path.read_bytes(), 0) == list(range(2000))
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.usefixtures("quick")
def test_a_disk_that_stays_full_costs_bounded_memory_and_counted_lines(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sink, "QUEUE_BYTES", 200_000)

    async def test(writer: LogWriter) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        await log_all(box.workers[0], numbered(0, 20_000))
        writer._drain.take_all()
        assert writer.gauges()["filesystem.write_total_buffered"] <= 200_000
        assert writer.counters()["filesystem.lines_dropped"] > 10_000
        await writer.close(seconds=0.1)
        assert loop.time() - began < 10, "closing does not wait for the disk"
        counters = writer.counters()
        assert counters["filesystem.lines_dropped"] == 20_000
        assert counters["filesystem.lines_written"] == 0

    box.run(test, "/dev/full")


def test_a_reader_that_stops_holds_up_nobody_else(box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sink, "QUEUE_BYTES", 2_000_000)
    fifo, path = tmp_path / "fifo", tmp_path / "access.log"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)

    async def test(writer: LogWriter) -> None:
        for long, short in zip(numbered(0, 10_000, pad=400), numbered(1, 10_000, pad=10), strict=True):
            await until(lambda line=long: box.workers[0].log(line, sink=0))
            await until(lambda line=short: box.workers[1].log(line, sink=1))
        writer._drain.take_all()
        await until(lambda: path.exists() and path.read_bytes().count(b"\n") == 10_000)
        buffered = writer.gauges()["filesystem.write_total_buffered"]
        dropped = writer.counters()["filesystem.lines_dropped"]
        assert 0 < buffered <= 2_000_000 and dropped > 0
        received = threading.Thread(target=read_to_end, args=(reader, texts := []))
        received.start()
        await writer.close()
        received.join(DEADLINE)
        lines = b"".join(texts).splitlines(keepends=True)
        assert len(lines) == 10_000 - dropped
        assert all(line.startswith(b"worker 0 line ") and line.endswith(b"x\n") for line in lines), "no line is torn"

    box.run(test, str(fifo), str(path))
    os.close(reader)


def read_to_end(fd: int, into: list[bytes]) -> None:
    os.set_blocking(fd, True)
    while data := os.read(fd, 65536):
        into.append(data)


def test_standard_output_is_written_in_whole_lines(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    read_end, write_end = os.pipe()
    monkeypatch.setitem(stream.DESCRIPTORS, "/dev/stdout", write_end)
    texts: list[bytes] = []
    pieces = threading.Thread(target=read_to_end, args=(read_end, texts))
    pieces.start()

    async def test(writer: LogWriter) -> None:
        await log_all(box.workers[0], numbered(0, 3000, pad=300))
        await writer.close()

    box.run(test, "/dev/stdout")
    os.close(write_end)
    pieces.join(DEADLINE)
    os.close(read_end)
    assert numbers_in(b"".join(texts), 0) == list(range(3000))


def test_standard_output_that_nobody_reads_does_not_hold_the_end(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    read_end, write_end = os.pipe()
    monkeypatch.setitem(stream.DESCRIPTORS, "/dev/stdout", write_end)

    async def test(writer: LogWriter) -> None:
        await log_all(box.workers[0], numbered(0, 3000))
        await writer.close(seconds=0.3)
        counters = writer.counters()
        assert counters["filesystem.lines_written"] + counters["filesystem.lines_dropped"] == 3000
        assert counters["filesystem.lines_dropped"] > 0

    box.run(test, "/dev/stdout")
    os.close(write_end)
    os.close(read_end)


def test_a_cancelled_reopen_leaves_the_writer_working(box: Box, tmp_path: Path) -> None:
    path = tmp_path / "access.log"

    async def test(writer: LogWriter) -> None:
        for _ in range(20):
            task = asyncio.create_task(writer.reopen())
            await asyncio.sleep(0)
            task.cancel()
        box.workers[0].log(b"still here\n")
        await writer.close()

    box.run(test, str(path))
    assert path.read_bytes() == b"still here\n"


def test_a_new_reader_goes_on_where_a_dead_one_stopped(box: Box, tmp_path: Path) -> None:
    """The controller may die at any time: what it had taken from the ring was written or is lost with it, what it
    had not taken is read by the next one."""
    path = tmp_path / "access.log"
    program = (
        "import os, sys; from mosn._fastpath.shm.ring import RingReader;"
        "from mosn._fastpath.shm.segment import Segment;"
        "print(len(RingReader(Segment.attach(int(sys.argv[1])), 0).read(1000)), flush=True); os.kill(os.getpid(), 9)"
    )
    for line in numbered(0, 100):
        box.workers[0].log(line)
    fd = box.segment.fd
    died = subprocess.run([sys.executable, "-c", program, str(fd)], pass_fds=[fd], capture_output=True, text=True)
    taken = int(died.stdout)
    assert died.returncode == -signal.SIGKILL and 0 < taken < 100

    async def test(writer: LogWriter) -> None:
        await writer.close()

    box.run(test, str(path))
    assert numbers_in(path.read_bytes(), 0) == list(range(taken, 100))


def test_errors_are_named(caplog: pytest.LogCaptureFixture) -> None:
    caught = sink.Trouble("/var/log/a")
    owner = sink.Sink(sink_target())
    for _ in range(5):
        caught.met(OSError(errno.ENOSPC, "No space left on device"), owner)
    caught.over(owner)
    owner.close(0).result(DEADLINE)
    assert [record.getMessage() for record in caplog.records] == [
        "access log /var/log/a: No space left on device; 0 bytes wait, 0 lines dropped so far, trying again every 1 s",
        "access log /var/log/a: written again; 0 lines were dropped",
    ]


def sink_target() -> sink.Target:
    return stream.StreamTarget("/dev/stdout")
