"""Every command has a help text, and every help text shows an example."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.project.source import ROOT

SCRIPTS = ("tools/setup", "tools/test", "tools/demo", "tools/nightly", "tools/soak")
MODULES = ("bench", "bench.peers.install", "mosn")


def help_of(*command: str) -> str:
    done = subprocess.run([*command, "--help"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def subcommands() -> list[str]:
    """The names between braces in the usage of `mosn`, which argparse prints."""
    found = re.search(r"\{([\w,-]+)\}", help_of(sys.executable, "-m", "mosn"))
    assert found, "mosn --help lists no commands"
    return found[1].split(",")


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_show_an_example(script: str) -> None:
    assert "example" in help_of(f"./{script}").lower()


@pytest.mark.parametrize("module", MODULES)
def test_modules_show_an_example(module: str) -> None:
    assert "example" in help_of(sys.executable, "-m", module).lower()


def test_every_command_shows_an_example() -> None:
    silent = [name for name in subcommands() if "example" not in help_of(sys.executable, "-m", "mosn", name).lower()]
    assert not silent
