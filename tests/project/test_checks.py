"""Style and types: what the linters and the type checker say, over the whole project."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("setup", "test", "demo", "nightly", "soak")
SHELL_SCRIPTS = ("tools/packages.sh", *(f"tools/{name}" for name in TOOLS), ".ci/run")


def check(*command: str) -> None:
    """Run a checker in the checkout; its findings are the failure's message."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.fail(f"{' '.join(command)}\n{done.stdout}{done.stderr}", pytrace=False)


def test_ruff() -> None:
    check(sys.executable, "-m", "ruff", "check", "--quiet", "--output-format=concise", ".")


def test_mypy_strict() -> None:
    check(sys.executable, "-m", "mypy")


def test_cython_lint() -> None:
    paths = (path.relative_to(ROOT) for top in ("mosn", "bench") for path in (ROOT / top).rglob("*.p[yx][xd]"))
    check("cython-lint", *sorted(str(path) for path in paths))


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="shellcheck is not installed")
def test_shellcheck() -> None:
    check("shellcheck", "-x", *SHELL_SCRIPTS)


@pytest.mark.parametrize("script", SHELL_SCRIPTS)
def test_shell_syntax(script: str) -> None:
    check("bash", "-n", script)
