"""Start a program pinned to a core, and end it and whatever it started."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from bench.cache import CHECKOUT

PR_SET_PDEATHSIG = 1
SECONDS_TO_STOP = 5.0
LIBC = ctypes.CDLL(None)


def bound_to(*cores: int) -> Callable[[], None]:
    """What a child does before it becomes the program: take its cores, and die with this process."""

    def prepare() -> None:
        os.sched_setaffinity(0, cores)
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)

    return prepare


def as_cores(cores: int | tuple[int, ...]) -> tuple[int, ...]:
    """One core or several, as several."""
    return (cores,) if isinstance(cores, int) else cores


@contextmanager
def running(
    command: list[str],
    cores: int | tuple[int, ...],
    log: Path | None = None,
    environment: dict[str, str] | None = None,
    stop_signal: signal.Signals = signal.SIGTERM,
) -> Iterator[subprocess.Popen[str]]:
    """The program while the block runs. With a log its output goes there; without one it can be read and written."""
    with contextlib.ExitStack() as stack:
        output: IO[str] | int = stack.enter_context(log.open("a")) if log else subprocess.PIPE
        child = subprocess.Popen(
            command,
            cwd=CHECKOUT,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL if log else subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT if log else None,
            text=True,
            start_new_session=True,
            preexec_fn=bound_to(*as_cores(cores)),  # safe: this process has one thread
        )
        try:
            yield child
        finally:
            stop(child, stop_signal)


def stop(child: subprocess.Popen[str], stop_signal: signal.Signals) -> None:
    """Ask, wait, then end the session that was made for this child."""
    if child.stdin:
        with contextlib.suppress(OSError):
            child.stdin.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.send_signal(stop_signal)
        child.wait(SECONDS_TO_STOP)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    if child.stdout:
        child.stdout.close()
