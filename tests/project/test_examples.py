"""Every example is accepted by `mosn check`, and does not use what the program has not got."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.project.source import ROOT

EXAMPLES = sorted(path for path in (ROOT / "examples").iterdir() if path.suffix in (".yaml", ".json"))


def check(path: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mosn", "check", "--strict", "-c", str(path)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_the_example_is_accepted(example: Path) -> None:
    done = check(example)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_broken_example_is_not(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text((ROOT / "examples" / "http.yaml").read_text().replace("cluster: service,", "cluster: nobody,"))
    done = check(broken)
    assert done.returncode != 0
    assert "nobody" in done.stdout + done.stderr
