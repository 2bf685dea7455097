"""A short run of every fuzz target on sanitized extensions (tools/nightly runs them for longer)."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

RUN = Path(__file__).parent / "run"
SECONDS = os.environ.get("MOSN_FUZZ_SECONDS", "8")
MISSING = 77


def targets() -> list[str]:
    return subprocess.run([RUN, "--list"], capture_output=True, text=True, check=True).stdout.split()


@pytest.mark.fuzz
@pytest.mark.slow
@pytest.mark.parametrize("target", targets())
def test_finds_nothing(target: str) -> None:
    done = subprocess.run([RUN, target, SECONDS], capture_output=True, text=True, check=False)
    if done.returncode == MISSING:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]


def test_targets_say_what_they_need() -> None:
    assert targets()
    unknown = subprocess.run([RUN, "no_such_target", "1"], capture_output=True, text=True, check=False)
    assert unknown.returncode == 2
