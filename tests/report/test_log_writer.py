"""Access logs from real rings into real files: nothing lost, nothing blocked, everything counted."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

from mosn.model import LogSink
from mosn.report import LogWriter
from tests.report.conftest import Box, log_all, numbered, numbers_in, until

DEADLINE = 20.0


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
