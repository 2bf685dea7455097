"""Run one step of an installation, politely, and say what failed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


class InstallFailure(Exception):
    """A peer could not be installed; the text says what to do next."""


def run(command: list[str], cwd: Path | None = None, **environment: str) -> str:
    """Run a command at low priority; its standard output, or InstallFailure with the end of its errors."""
    done = subprocess.run(
        ["nice", "-n", "19", *command],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        end = "\n    ".join(done.stderr.strip().splitlines()[-8:])
        raise InstallFailure(f"`{' '.join(command)}` failed with {done.returncode}; run it to see more:\n    {end}")
    return done.stdout
