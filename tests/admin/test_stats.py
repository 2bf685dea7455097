"""/stats as text and JSON: Envoy's lines, filters, percentiles and buckets."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mosn.admin import collect
from tests.admin.box import Box
from tests.admin.conftest import Client, stats, tree


def test_stats_are_envoys_lines(box: Box, admin: Client) -> None:
    box.count("cluster.backend", "upstream_rq_2xx", 3)
    box.record("http.ingress", "downstream_rq_time", 5000)
    text = admin.get("/stats").text
    lines = text.splitlines()
    plain = [line for line in lines if "P0(" not in line and "No recorded values" not in line]
    assert "cluster.backend.upstream_rq_2xx: 3" in plain
    assert plain == sorted(plain, key=lambda line: line.split(": ")[0]), "by name, histograms at the end"
    assert lines[: len(plain)] == plain
    histogram = next(line for line in lines if line.startswith("http.ingress.downstream_rq_time:"))
    pair = r"\([\d.]+,[\d.]+\)"
    quantiles = ("0", "25", "50", "75", "90", "95", "99", "99.5", "99.9", "100")
    assert re.fullmatch("http.ingress.downstream_rq_time: " + " ".join(f"P{q}{pair}" for q in quantiles), histogram)
    assert "cluster.dns.upstream_rq_time: No recorded values" in lines


def test_percentiles_are_near_the_values_and_intervals_forget(
    box: Box, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mosn.admin.collect.INTERVAL_SECONDS", 0.0)
    name = "http.ingress.downstream_rq_time"

    def percentiles() -> dict[str, tuple[float, float]]:
        found = re.findall(r"P([\d.]+)\(([^,]+),([^)]+)\)", stats(admin)[name])
        return {quantile: (float(interval), float(total)) for quantile, interval, total in found}

    for _ in range(100):
        box.record("http.ingress", "downstream_rq_time", 10_000)
    assert percentiles()["50"] == pytest.approx((10, 10), rel=0.13)
    for _ in range(300):
        box.record("http.ingress", "downstream_rq_time", 1000)
    found = percentiles()
    assert found["99"][0] == pytest.approx(1, rel=0.13), "only what came since the last look"
    assert found["99"][1] == pytest.approx(10, rel=0.13)
    assert str(percentiles()["50"][0]) == "nan"


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("?filter=^server%5C.live$", ["server.live"]),
        ("?filter=server.(live|state)$", ["server.live", "server.state"]),
        ("?filter=upstream_rq_.%2Btimeout&usedonly", []),
        ("?filter=backend.upstream_rq_(per_)%2Btry_timeout", ["cluster.backend.upstream_rq_per_try_timeout"]),
        ("?type=Gauges&filter=server.uptime", ["server.uptime"]),
        ("?type=Counters&filter=server.uptime", []),
        ("?type=TextReadouts", []),
        ("?type=Histograms&filter=tcp", []),
        ("?filter=.&invert_filter", []),
    ],
)
def test_stats_filters(admin: Client, query: str, wanted: list[str]) -> None:
    assert list(stats(admin, query)) == wanted


def test_a_plus_in_a_filter_is_itself(admin: Client) -> None:
    assert list(stats(admin, "?filter=server.u+ptime")) == ["server.uptime"]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("?filter=(", "missing ): ("),
        ("?filter=%5Cd)(%3F:a", "Invalid re2 regex"),
        ("?type=gauges", "invalid &type= param"),
        ("?format=xml", "usage: /stats?format=(json|prometheus|text)"),
        ("?histogram_buckets=x", "usage: /stats?histogram_buckets=(cumulative|disjoint|detailed|summary)"),
    ],
)
def test_bad_stats_queries(admin: Client, query: str, words: str) -> None:
    for path in ("/stats", "/stats/prometheus") if "format" not in query else ("/stats",):
        answer = admin.get(path + query)
        assert answer.status == 400 and words in answer.text


def test_stats_json(box: Box, admin: Client) -> None:
    box.count("cluster.backend", "upstream_rq_2xx", 3)
    box.record("cluster.backend", "upstream_rq_time", 5000)
    *plain, histograms = tree(admin, "/stats?format=json")["stats"]
    assert {"name": "cluster.backend.upstream_rq_2xx", "value": 3} in plain
    assert histograms["histograms"]["supported_quantiles"] == [0, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 100]
    computed = {item["name"]: item["values"] for item in histograms["histograms"]["computed_quantiles"]}
    assert computed["cluster.backend.upstream_rq_time"][2]["cumulative"] == pytest.approx(5, rel=0.13)
    assert computed["cluster.dns.upstream_rq_time"][0] == {"cumulative": None, "interval": None}
    assert tree(admin, "/stats?format=json&filter=nothing.such") == {"stats": []}


def test_histogram_buckets(box: Box, admin: Client) -> None:
    box.record("cluster.backend", "upstream_rq_time", 700)
    box.record("cluster.backend", "upstream_rq_time", 3000)
    query = "filter=backend.upstream_rq_time$&histogram_buckets="
    assert " B0.5(0,0) B1(1,1) B5(2,2) B10(2,2) " in admin.get(f"/stats?{query}cumulative").text
    assert " B0.5(0,0) B1(1,1) B5(1,1) B10(0,0) " in admin.get(f"/stats?{query}disjoint").text
    detailed = admin.get(f"/stats?{query}detailed").text.splitlines()
    assert detailed[0] == "cluster.backend.upstream_rq_time:"
    assert re.fullmatch(r"  totals=0.\d+,0.\d+:1, [\d.]+,[\d.]+:1", detailed[1])
    assert detailed[3].startswith("  summary=P0(")
    (rows,) = tree(admin, f"/stats?format=json&{query}cumulative")["stats"]
    (row,) = rows["histograms"]
    assert row["buckets"][2] == {"upper_bound": 5, "interval": 2, "cumulative": 2}
    (details,) = tree(admin, f"/stats?format=json&{query}detailed")["stats"]
    assert [item["count"] for item in details["histograms"]["details"][0]["totals"]] == [1, 1]


def test_reset_counters(box: Box, admin: Client) -> None:
    box.count("cluster.backend", "upstream_rq_2xx", 3)
    assert admin.post("/reset_counters").text == "OK\n"
    assert stats(admin)["cluster.backend.upstream_rq_2xx"] == "0"
    box.count("cluster.backend", "upstream_rq_2xx", 1, worker=1)
    assert stats(admin)["cluster.backend.upstream_rq_2xx"] == "1"


def test_a_long_look_at_the_statistics_holds_up_nothing_else(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop that serves the admin writes access logs, too."""
    go_on = threading.Event()
    real = collect.visible_scopes

    def slow(*args: Any) -> Any:
        assert go_on.wait(10)
        return real(*args)

    monkeypatch.setattr(collect, "visible_scopes", slow)
    with ThreadPoolExecutor() as threads:
        waiting = [threads.submit(admin.get, path) for path in ("/stats", "/stats/prometheus", "/stats?format=json")]
        assert admin.get("/ready").status == 200
        assert not any(answer.done() for answer in waiting)
        go_on.set()
        assert [answer.result(10).status for answer in waiting] == [200, 200, 200]
