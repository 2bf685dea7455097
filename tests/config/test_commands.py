"""check, convert and explain as a user runs them."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from mosn.cli import check, convert, explain
from mosn.config.catalogue import CATALOGUE, RETIRED
from tests.config.corpus import CORPUS

GOOD = str(CORPUS / "good" / "http-simple.yaml")
WARNING = str(CORPUS / "bad" / "mc0201-not-implemented.yaml")
BAD = str(CORPUS / "bad" / "mc0101-unknown-field.yaml")
NOTE = str(CORPUS / "bad" / "mc0205-no-effect.yaml")


def run(module: Any, *words: str) -> int:
    parser = argparse.ArgumentParser()
    module.add_parser(parser.add_subparsers())
    args = parser.parse_args([module.__name__.rsplit(".", 1)[-1], *words])
    return int(module.run(args))


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["-c", GOOD], 0), (["-c", WARNING], 0), (["-c", WARNING, "--strict"], 1), (["-c", BAD], 2),
        (["-c", BAD, "--strict"], 2), (["-c", NOTE, "--strict"], 0), (["-c", "/nonexistent"], 2),
    ],
)  # fmt: skip
def test_exit_codes_of_check(words: list[str], code: int) -> None:
    assert run(check, *words) == code


def test_check_prints_one_line_a_finding(capsys: pytest.CaptureFixture[str]) -> None:
    run(check, "-c", BAD)
    out, err = capsys.readouterr()
    assert out.splitlines()[0] == (
        f"{BAD}:4:5 MC0101 static_resources.clusters[0].conect_timeout: envoy.config.cluster.v3.Cluster has no such "
        'field (did you mean "connect_timeout"?)'
    )
    assert err == f"{BAD}: 4 errors\n"


def test_check_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    run(check, "-c", BAD, "--json")
    findings = json.loads(capsys.readouterr().out)
    assert findings[0] == {
        "code": "MC0101", "severity": "error", "file": BAD, "line": 4, "column": 5,
        "path": "static_resources.clusters[0].conect_timeout",
        "text": "envoy.config.cluster.v3.Cluster has no such field",
        "suggestion": "connect_timeout", "hint": "",
    }  # fmt: skip


def test_quiet_leaves_notes_out(capsys: pytest.CaptureFixture[str]) -> None:
    run(check, "-c", NOTE, "--quiet")
    assert capsys.readouterr().out == ""


def test_convert(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = CORPUS / "mosn" / "tcp.json"
    assert run(convert, str(source)) == 0
    out, err = capsys.readouterr()
    assert out == source.with_suffix(".yaml").read_text()
    assert "MC0403 servers[0].listeners[0].access_logs[0].log_format" in err
    target = tmp_path / "out.yaml"
    assert run(convert, str(source), "--output", str(target)) == 0
    assert target.read_text() == out
    assert run(convert, str(CORPUS / "bad" / "mc0404-rpc-protocol.json"), "-o", str(target)) == 2
    assert run(convert, str(source), "-o", str(tmp_path)) == 2


@pytest.mark.parametrize("code", CATALOGUE)
def test_every_code_is_explained(code: str) -> None:
    (entry,) = explain.explain(code)
    assert entry.title.startswith(code)
    assert entry.paragraph


def test_every_metric_is_explained() -> None:
    from mosn._fastpath.shm.stats import NAMES

    for kind, groups in NAMES.items():
        for name in (name for group in groups for name in group):
            titles = [entry.title for entry in explain.explain(name)]
            assert any(title.startswith(kind) for title in titles), f"{kind}.{name}: docs/reference/statistics.md"


def test_every_response_flag_is_explained() -> None:
    from mosn._fastpath.proxy.info import RESPONSE_FLAGS

    for short, long in RESPONSE_FLAGS:
        assert explain.explain(short), f"{short}: docs/reference/response-flags.md"
        assert explain.explain(short)[0] == explain.explain(long)[0]


@pytest.mark.parametrize(
    "word",
    ["cluster.some.name.upstream_rq_time", "envoy_cluster_upstream_rq_time_bucket", "envoy_http_downstream_rq_xx",
     "mc0304", "uf", "http.ingress.downstream_rq_2xx", "%RESPONSE_CODE%", "REQ"],
)  # fmt: skip
def test_spellings(word: str) -> None:
    assert explain.explain(word)


def test_what_is_not_known(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(explain, "upstream_rq_tme", "MC0304") == 1
    assert '(did you mean "upstream_rq_time"?)' in capsys.readouterr().err


def test_codes_are_never_reused() -> None:
    assert not set(CATALOGUE) & set(RETIRED)
    assert all(code == entry.code and len(code) == 6 for code, entry in CATALOGUE.items())
