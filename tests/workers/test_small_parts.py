"""Back-off, loop, run directory, event log, version."""

from __future__ import annotations

import logging
import os
import signal
import tomllib
from pathlib import Path

import pytest

from mosn.workers import event_log
from mosn.workers.backoff import Backoff
from mosn.workers.loop import Loop
from mosn.workers.publication import Answers
from mosn.workers.run_directory import RunDirectory, RunDirectoryError, default_run_directory
from mosn.workers.version import VERSION
from tests.project.source import ROOT


def test_back_off() -> None:
    backoff = Backoff()
    waits = [backoff.after(lived=0.0) for _ in range(10)]
    assert waits == [0.0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]
    assert backoff.after(lived=4.9) == 10.0
    assert backoff.after(lived=30.0) == 0.0
    assert backoff.after(lived=1.0) == 0.1
    assert [backoff.after(lived=5.0) for _ in range(5)] == [0.1] * 5
    assert backoff.after(lived=10.0) == 0.0


def test_timers_in_order_and_cancelled() -> None:
    loop, called = Loop(), list[str]()
    loop.call_later(0.02, called.append, "second")
    loop.call_later(0.01, called.append, "first")
    loop.call_later(0.0, called.append, "never").cancel()
    loop.call_later(0.03, loop.stop)
    loop.run()
    assert called == ["first", "second"]


def test_a_step_that_fails_does_not_end_the_loop(caplog: pytest.LogCaptureFixture) -> None:
    loop = Loop()
    loop.call_later(0.0, lambda: 1 / 0)
    loop.call_later(0.01, loop.stop)
    loop.run()
    assert "division by zero" in caplog.text


def test_signals_reach_the_loop() -> None:
    loop, before = Loop(), signal.getsignal(signal.SIGUSR1)
    try:
        loop.add_signal_handler(signal.SIGUSR1, lambda number: loop.stop())
        os.kill(os.getpid(), signal.SIGUSR1)
        loop.run()
    finally:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGUSR1, before)


def test_readers_and_writers_of_one_descriptor() -> None:
    loop, (read, write) = Loop(), os.pipe()
    seen = []
    loop.add_reader(read, lambda: seen.append(os.read(read, 10)) or loop.stop())  # type: ignore[func-returns-value]
    loop.add_writer(write, lambda: os.write(write, b"x") and loop.remove_writer(write))
    loop.run()
    assert seen == [b"x"]
    assert loop.remove_reader(read) and not loop.remove_reader(read)
    os.close(read)
    os.close(write)


def test_answers() -> None:
    loop, done = Loop(), list[list[str]]()
    answers = Answers(loop, 10, done.append)
    first, second = answers.expect("a"), answers.expect("b")
    first("")
    first("twice does not count")
    answers.seal()
    assert done == []
    second("broken")
    assert done == [["b: broken"]]


def test_answers_that_do_not_come() -> None:
    loop, done = Loop(), list[list[str]]()
    answers = Answers(loop, 0.01, lambda errors: done.append(errors) or loop.stop())  # type: ignore[func-returns-value]
    answers.expect("a")
    answers.seal()
    loop.run()
    assert done == [["a: no answer in time"]]


def test_no_answers_are_expected() -> None:
    done: list[list[str]] = []
    Answers(Loop(), 10, done.append).seal()
    assert done == [[]]


def test_run_directory(tmp_path: Path) -> None:
    directory = RunDirectory(tmp_path / "deep" / "run")
    assert not directory.is_locked() and directory.written_pid() == 0
    directory.take()
    assert directory.is_locked() and directory.written_pid() == os.getpid()
    with pytest.raises(RunDirectoryError, match="already running"):
        RunDirectory(directory.path).take()
    directory.leave()
    assert list(directory.path.iterdir()) == []


def test_a_directory_that_others_can_change_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(RunDirectoryError, match="another user"):
        RunDirectory(tmp_path).take()


def test_default_run_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert default_run_directory() == Path("/run/mosn")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1000")
    assert default_run_directory() == Path("/run/user/1000/mosn")
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert default_run_directory() == Path("/tmp/mosn-1000")


def test_the_form_of_a_log_line() -> None:
    record = logging.LogRecord("mosn.worker", logging.WARNING, "", 0, "hello %s", ("world",), None)
    line = event_log._Form("worker-1").format(record)
    assert line.endswith(f" warning worker-1[{os.getpid()}] mosn.worker: hello world")
    assert line[4] == "-" and line[19] == "."


def test_levels() -> None:
    with pytest.raises(ValueError, match="one of trace, debug"):
        event_log.set_level("", "loud")
    event_log.set_level("mosn.test_levels", "debug")
    assert event_log.levels()["mosn.test_levels"] == "debug"


def test_the_version_is_that_of_the_package() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == VERSION
