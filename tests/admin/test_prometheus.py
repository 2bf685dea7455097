"""/stats/prometheus read by Prometheus' own parser, and by rules that are stricter than it."""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest

import mosn.config
from tests.admin.box import CONFIG, Box
from tests.admin.conftest import Client

parser = pytest.importorskip("prometheus_client.parser")

TYPE = re.compile(r"# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram|summary)\Z")
SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*",?)*)\} (\S+)\Z')
LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\\n]|\\[\\"n])*)"')
PARTS = {
    "histogram": ("_bucket", "_sum", "_count"),
    "summary": ("", "_sum", "_count"),
    "counter": ("",),
    "gauge": ("",),
}

Labels = tuple[tuple[str, str], ...]
Samples = dict[tuple[str, Labels], float]


class Family(NamedTuple):
    type: str
    samples: Samples


def families(text: str) -> dict[str, Family]:
    """By name, after checking everything that the text format demands."""
    found: dict[str, Family] = {}
    name = ""
    assert text.endswith("\n") and "\n\n" not in text
    for line in text.splitlines():
        if kind := TYPE.match(line):
            name = kind[1]
            assert name not in found, f"{name} is declared twice"
            found[name] = Family(kind[2], {})
        else:
            add_sample(name, found[name], line)
    for family in found.values():
        assert family.samples
        if family.type == "histogram":
            check_histogram(family)
    check_with_prometheus(text, found)
    return found


def add_sample(name: str, family: Family, line: str) -> None:
    sample = SAMPLE.match(line)
    assert sample, line
    assert sample[1] in [name + part for part in PARTS[family.type]], f"{line} stands under {name}"
    labels = tuple((label, unescape(text)) for label, text in LABEL.findall(sample[2]))
    assert len(dict(labels)) == len(labels), line
    key = sample[1], tuple(sorted(labels))
    assert key not in family.samples, f"{line} stands twice"
    family.samples[key] = float(sample[3])


def unescape(text: str) -> str:
    return text.replace("\\n", "\n").replace('\\"', '"').replace("\\\\", "\\")


def check_histogram(family: Family) -> None:
    series: dict[Labels, dict[str, float]] = {}
    for (name, labels), number in family.samples.items():
        bound = dict(labels).get("le") or name.rpartition("_")[2]
        series.setdefault(tuple(label for label in labels if label[0] != "le"), {})[bound] = number
    for values in series.values():
        buckets = [number for key, number in values.items() if key not in ("sum", "count")]
        assert buckets == sorted(buckets)
        assert values["+Inf"] == values["count"]
        assert values["sum"] >= 0


def check_with_prometheus(text: str, found: dict[str, Family]) -> None:
    """Prometheus' own parser reads the same numbers (it appends _total to the names of counters)."""
    read: Samples = {}
    for family in parser.text_string_to_metric_families(text):
        for sample in family.samples:
            read[sample.name, tuple(sorted(sample.labels.items()))] = sample.value
    ours = {key: number for family in found.values() for key, number in family.samples.items()}
    named = {(name if (name, labels) in read else f"{name}_total", labels): n for (name, labels), n in ours.items()}
    assert named == read


def value(text: str, name: str, **labels: str) -> float:
    """The one sample of that name with exactly these labels."""
    key = name, tuple(sorted(labels.items()))
    (found,) = [family.samples[key] for family in families(text).values() if key in family.samples]
    return found


def test_it_is_clean_and_typed(admin: Client) -> None:
    answer = admin.get("/stats/prometheus")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    found = families(answer.text)
    assert found["envoy_cluster_upstream_cx_active"].type == "gauge"
    assert found["envoy_http_downstream_rq_xx"].type == "counter"
    assert found["envoy_http_downstream_rq_time"].type == "histogram"
    assert found["envoy_server_live"].type == "gauge"


def test_workers_are_summed_under_envoys_names_and_labels(box: Box, admin: Client) -> None:
    box.count("cluster.backend", "upstream_rq_total", 5, worker=0)
    box.count("cluster.backend", "upstream_rq_total", 7, worker=1)
    box.count("cluster.backend", "upstream_rq_5xx", 2)
    box.count("http.ingress", "downstream_rq_2xx", 9)
    box.gauge("http.ingress", "downstream_cx_active", 4, worker=0)
    box.gauge("http.ingress", "downstream_cx_active", -1, worker=1)
    box.count("listener.127.0.0.1_18080", "downstream_cx_total", 3, worker=1)
    box.count("tcp.tcpin", "downstream_cx_total", 8)
    text = admin.get("/stats/prometheus").text
    assert value(text, "envoy_cluster_upstream_rq_total", envoy_cluster_name="backend") == 12
    five = {"envoy_cluster_name": "backend", "envoy_response_code_class": "5"}
    assert value(text, "envoy_cluster_upstream_rq_xx", **five) == 2
    two = {"envoy_http_conn_manager_prefix": "ingress", "envoy_response_code_class": "2"}
    assert value(text, "envoy_http_downstream_rq_xx", **two) == 9
    assert value(text, "envoy_http_downstream_cx_active", envoy_http_conn_manager_prefix="ingress") == 3
    assert value(text, "envoy_listener_downstream_cx_total", envoy_listener_address="127.0.0.1_18080") == 3
    one = {"envoy_listener_address": "127.0.0.1_18080", "envoy_worker_id": "1"}
    assert value(text, "envoy_listener_worker_downstream_cx_total", **one) == 3
    assert value(text, "envoy_tcp_downstream_cx_total", envoy_tcp_prefix="tcpin") == 8


def test_histograms_are_in_milliseconds_with_envoys_buckets(box: Box, admin: Client) -> None:
    for microseconds in (400, 900, 4000, 4000, 20_000):
        box.record("http.ingress", "downstream_rq_time", microseconds, worker=microseconds % 2)
    text = admin.get("/stats/prometheus").text
    families(text)
    labels = {"envoy_http_conn_manager_prefix": "ingress"}
    assert value(text, "envoy_http_downstream_rq_time_count", **labels) == 5
    assert value(text, "envoy_http_downstream_rq_time_sum", **labels) == pytest.approx(29.3)
    samples = families(text)["envoy_http_downstream_rq_time"].samples
    bounds = {dict(key)["le"]: count for (_, key), count in samples.items() if "le" in dict(key)}
    assert list(bounds) == [
        "0.5", "1", "5", "10", "25", "50", "100", "250", "500", "1000", "2500", "5000", "10000", "30000", "60000",
        "300000", "600000", "1800000", "3600000", "+Inf",
    ]  # fmt: skip
    assert [bounds[bound] for bound in ("0.5", "1", "5", "10", "25", "+Inf")] == [1, 2, 4, 4, 5, 5]


def test_what_follows_from_the_snapshot(box: Box, admin: Client) -> None:
    dns = box.snapshot["clusters"]["dns"]["circuit_breakers"]["default"]
    box.sides[0].take(dns["index"], 0)
    text = admin.get("/stats/prometheus").text
    assert value(text, "envoy_cluster_membership_total", envoy_cluster_name="backend") == 2
    assert value(text, "envoy_cluster_membership_healthy", envoy_cluster_name="backend") == 1
    assert value(text, "envoy_cluster_circuit_breakers_default_cx_open", envoy_cluster_name="dns") == 0
    box.sides[1].take(dns["index"], 0)
    text = admin.get("/stats/prometheus").text
    assert value(text, "envoy_cluster_circuit_breakers_default_cx_open", envoy_cluster_name="dns") == 1
    assert value(text, "envoy_cluster_manager_active_clusters") == 2
    assert value(text, "envoy_listener_manager_total_listeners_active") == 2
    assert value(text, "envoy_server_concurrency") == 2
    assert 60 <= value(text, "envoy_server_uptime") < 120
    assert value(text, "envoy_server_memory_allocated") > 1 << 20


def test_the_controllers_counters_are_added_to_the_workers(box: Box, admin: Client) -> None:
    box.count("cluster.dns", "update_attempt", 10)
    box.own_counters |= {"filesystem.write_completed": 4, "cluster.dns.update_no_rebuild": 6, "cluster.gone.x": 1}
    text = admin.get("/stats/prometheus").text
    families(text)
    assert value(text, "envoy_cluster_update_attempt", envoy_cluster_name="dns") == 13
    assert value(text, "envoy_cluster_update_no_rebuild", envoy_cluster_name="dns") == 6
    assert value(text, "envoy_filesystem_write_completed") == 4
    assert "gone" not in text


def test_names_with_dots_quotes_and_backslashes_are_whole_label_values() -> None:
    name = 'outbound|80||a.b "c"\\d'
    config = CONFIG.replace(": backend", f": '{name}'")
    box = Box(config)
    admin = Client(box)
    try:
        box.count(f"cluster.{name}", "upstream_rq_2xx", 3)
        text = admin.get("/stats/prometheus").text
        families(text)
        labels = {"envoy_cluster_name": name, "envoy_response_code_class": "2"}
        assert value(text, "envoy_cluster_upstream_rq_xx", **labels) == 3
    finally:
        admin.close()
        box.close()


def test_alt_stat_name_is_the_label() -> None:
    box = Box(CONFIG.replace("  - name: dns\n", "  - name: dns\n    alt_stat_name: other\n"))
    admin = Client(box)
    try:
        text = admin.get("/stats/prometheus").text
        families(text)
        assert value(text, "envoy_cluster_membership_total", envoy_cluster_name="other") == 1
        assert value(text, "envoy_cluster_update_attempt", envoy_cluster_name="other") == 3
        assert 'envoy_cluster_name="dns"' not in text
    finally:
        admin.close()
        box.close()


def test_filters(box: Box, admin: Client) -> None:
    box.count("cluster.backend", "upstream_rq_total", 5)
    used = admin.get("/stats/prometheus?usedonly&filter=^cluster.backend.upstream").text
    family = "envoy_cluster_upstream_rq_total"
    assert used == f'# TYPE {family} counter\n{family}{{envoy_cluster_name="backend"}} 5\n'
    assert admin.get("/stats/prometheus?filter=nothing.such").text == ""
    assert "gauge" not in admin.get("/stats/prometheus?type=Counters").text
    assert admin.get("/stats?format=prometheus&type=Gauges&filter=uptime").text.startswith("# TYPE envoy_server_uptime")
    summary = admin.get("/stats/prometheus?histogram_buckets=summary&type=Histograms").text
    assert 'quantile="0.999"' in summary and "_bucket" not in summary


def test_a_scope_that_is_gone_disappears_once_nothing_is_open(box: Box, admin: Client) -> None:
    gone = CONFIG.replace("cluster: dns", "cluster: backend")
    gone = gone[: gone.index("  - name: dns\n")]
    box.gauge("cluster.dns", "upstream_cx_active", 1)
    box.count("cluster.dns", "upstream_cx_total", 6)
    box.loaded_config = mosn.config.load_text(gone, "envoy.yaml")
    box.snapshot = box.build()
    text = admin.get("/stats/prometheus").text
    assert value(text, "envoy_cluster_upstream_cx_total", envoy_cluster_name="dns") == 6
    scope = box.snapshot["stats_scopes"]["cluster.dns"]
    box.sides[0].gauge(scope["gauges"], -1)
    assert 'envoy_cluster_name="dns"' not in admin.get("/stats/prometheus").text


def test_counters_never_go_back_over_a_reload(box: Box, admin: Client) -> None:
    box.count("cluster.backend", "upstream_rq_total", 5)
    before = admin.get("/stats/prometheus?type=Counters").text
    box.snapshot = box.build()
    box.count("cluster.backend", "upstream_rq_total", 1)
    after = admin.get("/stats/prometheus?type=Counters").text
    first = {key: count for family in families(before).values() for key, count in family.samples.items()}
    later = {key: count for family in families(after).values() for key, count in family.samples.items()}
    assert all(later[key] >= count for key, count in first.items())
    assert sum(later.values()) == sum(first.values()) + 1
