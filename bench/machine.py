"""What a result depends on besides the programs: for the head of the report."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from pathlib import Path

from bench.cache import CHECKOUT


def machine() -> dict[str, str]:
    """Processor, kernel and the settings of it that move every figure, and the state of the checkout."""
    return {
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "revision": revision(),
        "processor": processor(),
        "cores": str(os.cpu_count()),
        "kernel": platform.release(),
        "congestion control": setting("net/ipv4/tcp_congestion_control"),
        "python": platform.python_version(),
    }


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def setting(name: str) -> str:
    try:
        return (Path("/proc/sys") / name).read_text().strip()
    except OSError:
        return "unknown"


def revision() -> str:
    """The commit that is measured, marked when tracked files differ from it."""
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    return described.stdout.strip() or "not a git checkout"
