"""Destinations that take no lines: full disks, readers that stop; bounded memory, counted loss, nobody blocked."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import resource
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from mosn.report import LogWriter, sink, stream
from tests.report.conftest import DEADLINE, Box, log_all, numbered, numbers_in, until


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
