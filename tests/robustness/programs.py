"""Other programs as tests run them: upstreams in processes of their own, load tools."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


SANITIZED = "ASAN_OPTIONS" in os.environ
"""Sanitized builds keep freed memory for a while and are slow: what they use says nothing."""


@contextmanager
def running(module: str, *arguments: str) -> Iterator[int]:
    """The port of an upstream that is a module of this package; ended with the block."""
    command = [sys.executable, "-m", f"tests.robustness.{module}", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def tool(name: str) -> str:
    """Skips the test when a program is absent; ./tools/setup --test installs all of them."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def output(*command: str, seconds: float = 120, fails: bool = False) -> str:
    """What a program prints; it has to succeed unless `fails`."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds)
    assert fails or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr
