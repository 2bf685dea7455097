"""Arguments, and a whole run with one peer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench import proc
from bench.cache import CHECKOUT
from bench.peers import PEERS


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench", *arguments]
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)


def test_help_shows_an_example() -> None:
    done = run("--help")
    assert done.returncode == 0
    assert "python -m bench --rows http1,tcp" in done.stdout


@pytest.mark.parametrize("arguments", [["--rows", "gopher"], ["--peers", "squid"]])
def test_an_unknown_name_is_answered_with_the_known_ones(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert "choose from" in done.stderr


@pytest.mark.peer
@pytest.mark.skipif(bool(PEERS["nginx"].absent()), reason="no nginx")
@pytest.mark.skipif(not {0, 1} <= os.sched_getaffinity(0), reason="needs two cores")
def test_a_short_run_gives_every_figure(tmp_path: Path) -> None:
    result = tmp_path / "result.json"
    rows = "http1,tcp,http1-open,idle,memory,ready"
    short = ["--rounds", "1", "--seconds", "0.2", "--warmup", "0.1", "--connections", "20", "--retries", "0"]
    done = run("--rows", rows, "--peers", "nginx", *short, "--json", str(result))
    assert done.returncode == 0, done.stderr
    assert "### http1-open" in done.stdout
    written = json.loads(result.read_text())
    values = {(line["row"], line["peer"]): line["values"] for line in written["figures"]}
    assert values[("http1", "nginx")]["cpu_us"] > 0
    assert values[("http1-open", "direct")]["p50_us"] > 0
    assert values[("idle", "nginx")]["connections"] == 20
    assert values[("memory", "nginx")]["worker_pss"] > 0
    assert values[("ready", "nginx")]["check_s"] > 0
    # In an open loop a request that starts late is a failure, and on a busy machine one does.
    assert all(line["failures"] == 0 for line in written["figures"] if line["row"] != "http1-open")


def test_a_program_started_is_ended_with_all_it_started() -> None:
    code = (
        "import sys; from bench.process import running\n"
        "with running(['sh', '-c', 'sleep 60 & echo $!; wait'], 0) as child:\n"
        "    print(child.stdout.readline().strip(), flush=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert state_of(int(done.stdout)) in ("gone", "Z")


def state_of(pid: int) -> str:
    """Z until whoever inherited it has waited for it."""
    try:
        return proc.stat_fields(pid)[0]
    except OSError:
        return "gone"
