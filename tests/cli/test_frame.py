"""The frame of the command line, and the commands that talk to a running instance."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mosn.cli import COMMANDS, main
from mosn.cli.status import duration
from tests.project.source import ROOT
from tests.workers.instance import Client, Instance

Make = Callable[..., Instance]
Run = Callable[..., "subprocess.CompletedProcess[str]"]

OURS = ("start", "reload", "upgrade", "drain", "stop", "status", "version")


@pytest.fixture
def mosn(instance: Instance) -> Run:
    """Run a command against the instance."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "mosn", *words, "--run-dir", str(instance.run_dir)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)

    return run


def test_help_has_a_line_for_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    assert end.value.code == 0
    said = capsys.readouterr().out
    for name, command in COMMANDS.items():
        assert any(line.split()[:1] == [name] and command.line[:20] in line for line in said.splitlines())


@pytest.mark.parametrize("name", OURS)
def test_the_table_and_the_command_say_the_same(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([name, "--help"])
    assert "example" in capsys.readouterr().out


def test_without_a_command_help_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "mosn start -c mosn.yaml" in capsys.readouterr().out


@pytest.mark.parametrize(("word", "meant"), [("stat", "status"), ("relaod", "reload"), ("strat", "start")])
def test_a_wrong_word(word: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([word])
    assert end.value.code == 2
    assert f"did you mean '{meant}'" in capsys.readouterr().err


def test_only_the_command_that_is_used_is_imported() -> None:
    program = "import sys; from mosn.cli import main; main(['version']); print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "mosn.cli.version" in said and "mosn.cli.start" not in said


@pytest.mark.parametrize("flag", ["-v", "-V", "--version"])
def test_version(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([flag]) == 0
    assert capsys.readouterr().out == "mosn 0.1.0\n"


def test_what_it_is_made_of(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version", "-v", "--json"]) == 0
    parts = json.loads(capsys.readouterr().out)
    assert parts["libraries"]["uvloop"] and parts["kernel"]["release"]
    assert "GNU" in parts["compiled"]["compiler"] or "clang" in parts["compiled"]["compiler"]
    assert "-O" in parts["compiled"]["flags"]


def test_start_without_a_file_says_how_to_begin(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["start"]) == 2
    assert "mosn start -c FILE" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["-c", "/nowhere/mosn.yaml"],
        ["-c", __file__, "--log-level", "loud"],
        ["-c", __file__, "--workers", "0"],
        ["-c", __file__, "--workers", "many"],
        ["-c", __file__, "--drain-time-s", "-1"],
    ],
)
def test_start_refuses(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code: object = main(["start", *words])
    except SystemExit as end:
        code = end.code
    assert code == 2
    assert "mosn" in capsys.readouterr().err


def test_status(mosn: Run, instance: Instance) -> None:
    done = mosn("status")
    assert done.returncode == 0
    for fact in (f"main 127.0.0.1:{instance.port}", "version v1", "controller     serving", "ready"):
        assert fact in done.stdout
    body = json.loads(mosn("status", "--json").stdout)
    assert body["state"] == "running" and len(body["workers"]) == 2


@pytest.mark.parametrize(("left", "code"), [("", 3), ("control.sock", 2), ("mosn.pid", 1)])
def test_status_of_what_does_not_run(left: str, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if left:
        (tmp_path / left).touch()
    assert main(["status", "--run-dir", str(tmp_path)]) == code
    assert "does not run" in capsys.readouterr().out
    assert main(["status", "--json", "--run-dir", str(tmp_path)]) == code


@pytest.mark.parametrize("name", ["reload", "drain", "stop", "upgrade"])
def test_commands_need_an_instance(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--run-dir", str(tmp_path)]) == 1
    assert f"mosn does not run in {tmp_path}" in capsys.readouterr().err


def test_reload(mosn: Run, instance: Instance) -> None:
    instance.configure("v2")
    done = mosn("reload")
    assert (done.returncode, done.stdout) == (0, "configuration v2 replaces v1\n")
    assert "installing configuration v2" in done.stderr
    instance.config_file.write_text("{ no")
    bad = mosn("reload")
    assert bad.returncode == 2 and bad.stdout == ""
    assert f"{instance.config_file}:1:1 MOSN0001" in bad.stderr
    as_json = json.loads(mosn("reload", "--json").stdout)
    assert as_json["code"] == 2 and as_json["findings"][0]["line"] == 1


def test_a_reload_that_did_not_happen(mosn: Run, instance: Instance) -> None:
    instance.configure("refuse-0")
    done = mosn("reload")
    assert done.returncode == 1 and "worker 0 cannot compile" in done.stderr


@pytest.mark.parametrize("name", ["stop", "drain"])
def test_stop_returns_when_the_process_is_gone(name: str, mosn: Run, instance: Instance) -> None:
    client = Client(instance.port)
    assert mosn(name, "--time-s", "0.2").returncode == 0
    assert instance.process.poll() == 0
    assert client.file.read() == b""
    assert mosn("status").returncode == 3


def test_upgrade_says_that_it_cannot(mosn: Run, instance: Instance) -> None:
    done = mosn("upgrade")
    assert done.returncode == 1 and "cannot be replaced in place yet" in done.stderr
    assert os.path.exists(f"/proc/{instance.process.pid}")


def test_a_reader_that_has_enough_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -m mosn --help | head -1", shell=True, cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("usage: mosn") and done.stderr == ""


@pytest.mark.parametrize(("seconds", "text"), [(1.25, "1.2s"), (61, "1m01s"), (3_660, "1h01m"), (90_000, "1d01h")])
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
