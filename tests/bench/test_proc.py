"""CPU time and memory of process trees."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from bench import proc

BUSY_CHILD = "import time\nend = time.process_time() + 0.2\nwhile time.process_time() < end: pass\n"
PARENT_OF_BUSY_CHILD = f"""
import subprocess, sys
subprocess.run([sys.executable, "-c", {BUSY_CHILD!r}])
print("done", flush=True)
sys.stdin.read()
"""


def test_cpu_time_includes_children_that_have_ended() -> None:
    command = [sys.executable, "-c", PARENT_OF_BUSY_CHILD]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout and parent.stdout.readline()
        assert proc.cpu_seconds(parent.pid) >= 0.19


def test_descendants_are_found_and_memory_adds_up() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        while not proc.names_of(child.pid).startswith("python"):
            time.sleep(0.01)
        assert child.pid in proc.descendants(os.getpid())
        sizes = proc.memory_by_process(child.pid)
        assert list(sizes) == [child.pid]
        assert 0 < sizes[child.pid].private_dirty <= sizes[child.pid].rss
        child.communicate(b"\n")
    assert proc.descendants(child.pid) == []
    assert proc.names_of(child.pid) == ""


def test_a_core_is_busy_no_longer_than_the_clock() -> None:
    begun, before = time.monotonic(), proc.core_busy_seconds(0)
    time.sleep(0.05)
    # /proc/stat counts whole ticks.
    assert 0 <= proc.core_busy_seconds(0) - before <= time.monotonic() - begun + 0.03


def test_pinning_reaches_every_thread() -> None:
    code = "import threading; threading.Thread(target=input).start(); print(flush=True)"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout and child.stdout.readline()
        core = min(os.sched_getaffinity(0))
        proc.pin(child.pid, core)
        threads = [int(thread) for thread in os.listdir(f"/proc/{child.pid}/task")]
        assert len(threads) == 2
        assert all(os.sched_getaffinity(thread) == {core} for thread in threads)
        child.communicate(b"\n")
