"""Install a Debian package unless its program is already there."""

from __future__ import annotations

import os
import shutil

from bench.peers.install.command import InstallFailure, run

# Debian puts daemons in sbin, which an ordinary user's PATH lacks.
SEARCH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])


def find_program(name: str) -> str | None:
    """Path of an installed program, or None."""
    return shutil.which(name, path=SEARCH)


def install(program: str, *packages: str) -> str:
    """Return the program's path, installing the packages first if it is not there."""
    found = find_program(program)
    if found:
        return found
    apt = shutil.which("apt-get")
    if not apt:
        raise InstallFailure(f"no apt-get here; install {program} with your system's package manager")
    privilege = [] if os.geteuid() == 0 else ["sudo", "-n"]
    # RUNLEVEL=1 keeps the packages from starting their own daemons.
    run([*privilege, "env", "RUNLEVEL=1", "DEBIAN_FRONTEND=noninteractive", apt, "install", "-y", *packages])
    found = find_program(program)
    if not found:
        raise InstallFailure(f"{' '.join(packages)} installed, but no program {program} is on PATH or in /usr/sbin")
    return found
