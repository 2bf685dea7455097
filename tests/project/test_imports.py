"""What is loaded when: a command starts quickly, and a worker has nothing of the control plane in it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.project.source import ROOT

# What a worker process never has (CONTRIBUTING.md): reachable parsers, and memory that N workers would pay for.
FORBIDDEN_IN_WORKERS = ("google.protobuf", "grpc", "yaml", "aiohttp", "envoy", "mosn.admin", "mosn.xds", "mosn.config")

HEAVY = ("google.protobuf", "grpc", "yaml", "aiohttp", "envoy", "asyncio", "uvloop", "ssl")


def modules_after(statement: str) -> set[str]:
    """Names in sys.modules after a statement, in a fresh interpreter."""
    program = f"import sys\nbefore = set(sys.modules)\n{statement}\nprint(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def of(names: set[str], packages: tuple[str, ...]) -> list[str]:
    return sorted(name for name in names if any(name == top or name.startswith(f"{top}.") for top in packages))


def test_importing_the_package_loads_nothing() -> None:
    assert len(modules_after("import mosn")) <= 3


def test_a_command_line_loads_little() -> None:
    loaded = modules_after("import mosn.__main__")
    assert of(loaded, HEAVY) == []
    assert len(loaded) <= 120


@pytest.mark.parametrize("module", ["mosn.workers.worker", "mosn.workers.master"])
def test_workers_and_their_parent_stay_thin(module: str) -> None:
    assert of(modules_after(f"import {module}"), FORBIDDEN_IN_WORKERS) == []


def test_errors_are_light() -> None:
    """Every layer imports these; they import nothing of ours but each other."""
    assert of(modules_after("import mosn.model"), HEAVY) == []
