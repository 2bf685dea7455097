"""The demo and the soak, as a newcomer and the nightly run start them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.project.source import ROOT

SESSION = [sys.executable, "tools/demo_session.py"]


def running_proxies() -> set[int]:
    """Process ids of proxies that a demo started."""
    found = set()
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                words = (process / "cmdline").read_bytes()
            except OSError:
                continue
            if b"mosn-demo-" in words:
                found.add(int(process.name))
    return found


def test_once_sends_one_request_and_leaves_nothing() -> None:
    done = subprocess.run([*SESSION, "--once"], cwd=ROOT, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "HTTP/1.1 200 OK" in done.stdout
    assert "hello from v1" in done.stdout
    assert not running_proxies()


def test_it_says_what_to_try_and_stops_on_interrupt(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("wb") as output:
        demo = subprocess.Popen(SESSION, cwd=ROOT, stdout=output, stderr=output)
    try:
        wait_for(log, "Ctrl-C stops", demo)
        shown = log.read_text()
        assert shown.count("  curl ") == 2
        assert "admin  http://127.0.0.1:" in shown
        demo.send_signal(signal.SIGINT)
        assert demo.wait(60) == 0, log.read_text()
    finally:
        demo.kill()
        demo.wait()
    assert not running_proxies()


def wait_for(log: Path, words: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while words not in log.read_text():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


@pytest.mark.slow
def test_a_short_soak_is_flat(tmp_path: Path) -> None:
    """The machinery of the long one: half a minute says nothing about leaks, but much about faults."""
    command = [sys.executable, "-m", "endurance", "--minutes", "0.7", "--seed", "1"]
    environment = {**os.environ, "PYTHONPATH": "tools"}
    log = tmp_path / "log"
    with log.open("wb") as output:
        soak = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    try:
        assert soak.wait(240) == 0, log.read_text()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(soak.pid, signal.SIGKILL)
