"""`mosn top` against a real admin."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from mosn.cli import main, top
from tests.admin.box import Box, Served
from tests.admin.conftest import Client


def test_one_table(box: Box, admin: Client, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["top", "--once", "--interval", "0.1", "--admin", admin.address]) == 0
    text = capsys.readouterr().out
    lines = text.splitlines()
    assert lines[0].startswith("mosn 0.1.0 LIVE   up 1m")
    assert lines[1].startswith("requests 0.0/s   5xx 0.0/s   p50 -")
    assert lines[2] == "failures none"
    assert any(line.split()[:2] == ["backend", "1/2"] for line in lines)
    assert any(line.split()[:2] == ["web", "127.0.0.1:18080"] for line in lines)
    assert "\x1b" not in text, "no control characters outside of a terminal"


def test_rates_are_of_the_interval(box: Box, admin: Client) -> None:
    before = top.overview(admin.address)
    box.count("http.ingress", "downstream_rq_total", 300)
    box.count("http.ingress", "downstream_rq_5xx", 30)
    box.count("http.ingress", "no_route", 3)
    box.count("cluster.backend", "upstream_rq_total", 270)
    for _ in range(99):
        box.record("http.ingress", "downstream_rq_time", 1000)
    box.record("http.ingress", "downstream_rq_time", 50_000)
    now = {**top.overview(admin.address), "time": before["time"] + 3}
    sample = top.compare(before, now)
    assert sample["requests_per_second"] == 100
    assert sample["responses_per_second"]["5xx"] == 10
    assert sample["failures_per_second"] == {"NR": 1}
    assert sample["p50_ms"] == pytest.approx(1, rel=0.13)
    assert sample["clusters"][0]["requests_per_second"] == 90
    assert top.compare(now, now)["p99_ms"] is None
    lines = top.table(sample, 120)
    assert lines[1].startswith("requests 100/s   5xx 10.0/s (10.0%)   p50 ")
    assert lines[2] == "failures NR 1/s"


def test_json_is_one_object_a_line(admin: Client, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["top", "--once", "--json", "--interval", "0.1", "--admin", admin.address]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["state"] == "LIVE"


def test_a_small_screen_shows_the_busiest_clusters(admin: Client) -> None:
    look = top.overview(admin.address)
    rows = [{**look["clusters"][0], "name": f"cluster-{number}-{'x' * 60}"} for number in range(50)]
    look |= {"clusters": rows, "clusters_total": 70}
    lines = top.table(top.compare(look, look), 60, 24)
    assert len(lines) <= 24 and max(map(len, lines)) <= 60
    assert "more)" in lines[4] and lines[5].startswith("cluster-0-")


def test_before_the_first_configuration(box: Box, admin: Client, capsys: pytest.CaptureFixture[str]) -> None:
    box.snapshot = None
    assert main(["top", "--once", "--interval", "0.1", "--admin", admin.address]) == 0
    assert "configuration none" in capsys.readouterr().out


def test_an_admin_on_a_unix_socket(box: Box, tmp_path: Path) -> None:
    address = f"unix:{tmp_path}/admin.sock"

    async def test() -> None:
        async with Served(box, address):
            look = await asyncio.to_thread(top.overview, address)
            assert look["state"] == "LIVE"

    asyncio.run(test())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--admin", "127.0.0.1:1"], "the admin at 127.0.0.1:1 does not answer"),
        (["--admin", "127.0.0.1:x"], "is not HOST:PORT or unix:PATH"),
        (["--admin", "unix:/nowhere"], "the admin at unix:/nowhere does not answer"),
        (["--run-dir", "/nowhere"], "mosn does not run in /nowhere"),
    ],
)
def test_nobody_there(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["top", "--once", *arguments]) == 1
    assert words in capsys.readouterr().err


def test_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["top", "--help"])
    assert end.value.code == 0
    assert "examples:\n  mosn top\n" in capsys.readouterr().out


def test_an_interval_that_makes_no_sense(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["top", "--interval", "0"])
    assert "0.1 to 3600 seconds" in capsys.readouterr().err
