"""Medians, ratios in one round, disturbed rounds, and goals."""

from __future__ import annotations

import json

import pytest

from bench import report
from bench.goals import BEST, GOALS, Goal
from bench.measure import Measurement
from bench.peers import PEERS
from bench.rows import ROWS
from bench.runner import Outcome
from bench.summary import Verdict, add_differences, figures, is_ours, ratio_of, verdicts


def outcome(peer: str, number: int, disturbed: bool = False, row: str = "http1", **values: float) -> Outcome:
    return Outcome(row, peer, number, disturbed, Measurement(values))


def test_a_ratio_is_the_median_of_the_ratios_of_quiet_rounds() -> None:
    outcomes = [
        outcome("mosn", 0, cpu_us=5.0),
        outcome("nginx", 0, cpu_us=10.0),
        # The whole machine was half as fast in this round.
        outcome("mosn", 1, cpu_us=12.0),
        outcome("nginx", 1, cpu_us=20.0),
        outcome("mosn", 2, cpu_us=7.0),
        outcome("nginx", 2, cpu_us=10.0),
        outcome("mosn", 3, cpu_us=1.0),
        outcome("nginx", 3, disturbed=True, cpu_us=100.0),
    ]
    assert ratio_of(outcomes, "http1", "cpu_us", "mosn", "nginx") == pytest.approx(0.6)
    assert ratio_of(outcomes, "http1", "cpu_us", "mosn", "envoy") is None


def test_disturbed_rounds_count_only_when_there_is_no_other() -> None:
    mixed, only = figures(
        [
            outcome("mosn", 0, cpu_us=5.0),
            outcome("mosn", 1, disturbed=True, cpu_us=50.0),
            outcome("nginx", 0, disturbed=True, cpu_us=30.0),
        ]
    )
    assert (mixed.values["cpu_us"], mixed.rounds, mixed.all_rounds) == (5.0, 1, 2)
    assert (only.values["cpu_us"], only.rounds, only.all_rounds) == (30.0, 0, 1)


def test_added_latency_is_taken_within_a_round() -> None:
    outcomes = [
        outcome("direct", 0, row="http1-open", p50_us=50.0, p99_us=90.0),
        outcome("mosn", 0, row="http1-open", p50_us=100.0, p99_us=200.0),
    ]
    add_differences(outcomes)
    assert outcomes[1].measurement.values["added_p50_us"] == 50.0
    assert "added_p50_us" not in outcomes[0].measurement.values


def test_goals_are_met_or_not_or_not_measured() -> None:
    met = {
        (verdict.goal.row, verdict.goal.metric, verdict.peer): verdict.met
        for verdict in verdicts(
            [
                outcome("mosn", 0, cpu_us=6.0),
                outcome("nginx", 0, cpu_us=10.0),
                outcome("haproxy", 0, cpu_us=9.0),
                outcome("direct", 0, row="http1-open", p99_us=50.0),
                outcome("mosn", 0, row="http1-open", p99_us=210.0),
                outcome("mosn@0123", 0, row="http1-open", p99_us=100.0),
                outcome("mosn-go", 0, row="http1-open", p99_us=200.0),
                outcome("mosn", 0, row="ready", ready_s=0.5, check_s=0.5),
            ]
        )
    }
    assert met[("http1", "cpu_us", "nginx")] is True
    assert met[("http1", "cpu_us", "haproxy")] is False
    assert met[("http1", "cpu_us", "envoy")] is None
    assert met[("http1-open", "p99_us", "mosn-go")] is False
    assert met[("ready", "ready_s", None)] is True
    assert met[("ready", "check_s", None)] is False


def test_the_go_peer_is_not_ours() -> None:
    assert is_ours("mosn") and is_ours("mosn@0123abc") and not is_ours("mosn-go")


def test_goals_name_rows_peers_and_columns_that_exist() -> None:
    for goal in GOALS:
        assert goal.row in ROWS
        assert goal.peer is None or goal.peer == BEST or goal.peer in PEERS
        assert goal.metric in report.COLUMNS[ROWS[goal.row].kind].values()


def test_the_report_is_a_table_and_json() -> None:
    outcomes = [outcome("mosn", 0, cpu_us=6.0, rss=5 << 20), outcome("nginx", 0, cpu_us=10.0, rss=300 << 10)]
    rows = {"http1": ROWS["http1"]}
    text = report.markdown({"kernel": "6"}, rows, outcomes, ["one\ntwo"])
    assert "5.0 MiB" in text and "300 KiB" in text and "0.60" in text and "| met" in text.replace("    ", " ")
    tables = [line for line in text.splitlines() if line.startswith("| ")]
    assert {line.count("|") for line in tables if "nginx" in line or "peer" in line}
    parsed = json.loads(json.dumps(report.as_json({}, {}, rows, outcomes, [])))
    assert parsed["goals"][0]["met"] is True
    assert [measurement["values"]["cpu_us"] for measurement in parsed["measurements"]] == [6.0, 10.0]


def test_a_goal_judged_by_disturbed_rounds_says_so() -> None:
    outcomes = [outcome("mosn", 0, cpu_us=6.0), outcome("nginx", 0, disturbed=True, cpu_us=10.0)]
    assert "met (disturbed)" in report.markdown({}, {"http1": ROWS["http1"]}, outcomes, [])


def test_an_absolute_goal_has_no_ratio() -> None:
    assert Verdict(Goal("ready", "ready_s", 1.0), None, 1.0, None, None).met is True
