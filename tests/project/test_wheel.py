"""What is installed is enough: the wheel has the pages that `mosn explain` reads."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.project.source import ROOT


def printed(python: str, code: str, directory: Path) -> str:
    command = [python, "-P", "-c", code]
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.slow
def test_explain_from_an_installed_wheel(tmp_path: Path) -> None:
    # One extension stands for all: compiling every one is the business of the release.
    environment = {**os.environ, "MOSN_ONLY": "mosn._fastpath.hashing", "MOSN_BUILD_DIR": "build/wheel"}
    command = [sys.executable, "setup.py", "-q", "build", "--build-base", str(tmp_path / "build")]
    command += ["bdist_wheel", "--dist-dir", str(tmp_path / "dist"), "--bdist-dir", str(tmp_path / "bdist")]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    venv.create(tmp_path / "fresh", with_pip=False)
    python = str(tmp_path / "fresh" / "bin" / "python")
    site = printed(python, "import sysconfig; print(sysconfig.get_path('purelib'))", tmp_path)
    subprocess.run([sys.executable, "-m", "zipfile", "-e", str(wheel), site], check=True)
    # Its dependencies, not installed anew.
    (Path(site) / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    for word, title in (("MC0304", "unknown cluster"), ("UF", "upstream"), ("upstream_rq_retry_overflow", "cluster")):
        run = [python, "-P", "-m", "mosn", "explain", word]
        said = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert said.returncode == 0 and title in said.stdout, said.stdout + said.stderr
    assert printed(python, "import mosn; print(mosn.__file__)", tmp_path).startswith(site)
