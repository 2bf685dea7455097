"""Every page over real HTTP: Envoy's paths, shapes and words."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from mosn.admin import CommandFailed
from mosn.admin.routes import PAGES
from tests.admin.box import Box
from tests.admin.conftest import Client, stats, tree

READS = sorted({page.path for page in PAGES if page.method == "GET"})
CHANGES = sorted({page.path for page in PAGES if page.method == "POST"} - set(READS))


# -- state


def test_ready_follows_the_state(box: Box, admin: Client) -> None:
    answer = admin.get("/ready")
    assert (answer.status, answer.text) == (200, "LIVE\n")
    box.healthcheck_failed = True
    answer = admin.get("/ready")
    assert (answer.status, answer.text) == (503, "DRAINING\n")
    box.healthcheck_failed, box.draining = False, True
    assert admin.get("/ready").text == "DRAINING\n"
    box.snapshot = None
    assert (admin.get("/ready").status, admin.get("/ready").text) == (503, "PRE_INITIALIZING\n")


def test_ready_is_initializing_until_a_worker_serves(box: Box, admin: Client) -> None:
    box.worker_state = "starting"
    assert (admin.get("/ready").status, admin.get("/ready").text) == (503, "INITIALIZING\n")
    assert stats(admin)["server.state"] == "3" and stats(admin)["server.live"] == "0"
    box.worker_state = "ready"
    assert admin.get("/ready").status == 200


def test_workers_speak_for_themselves_in_shared_memory(box: Box, admin: Client) -> None:
    box.hang = True  # the master need not be asked
    for side in box.sides:
        side.report("starting")
    assert admin.get("/ready").text == "INITIALIZING\n"
    box.sides[1].report("serving")
    assert admin.get("/ready").text == "LIVE\n"
    assert stats(admin)["server.concurrency"] == "1"


def test_a_master_that_does_not_answer_is_waited_for_only_so_long(
    box: Box, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mosn.admin.desk.WORKERS_SECONDS", 0.05)
    box.hang = True
    assert admin.get("/ready").text == "INITIALIZING\n"
    assert tree(admin, "/workers") == {"workers": []}


def test_server_info(admin: Client) -> None:
    info = tree(admin, "/server_info")
    assert info["state"] == "LIVE"
    assert info["version"] == "mosn/0.1.0"
    assert re.fullmatch(r"\d+s", info["uptime_current_epoch"]) and re.fullmatch(r"\d+s", info["uptime_all_epochs"])
    assert (info["node"]["id"], info["node"]["cluster"]) == ("n1", "c1")
    assert info["command_line_options"]["concurrency"] == 2


def test_pages_before_the_first_configuration(box: Box, admin: Client) -> None:
    box.snapshot = box.loaded_config = None
    for path in ("/clusters", "/listeners", "/config_dump"):
        answer = admin.get(path)
        assert (answer.status, answer.text) == (503, "no configuration is running yet\n")
    for path in ("/stats", "/stats/prometheus", "/server_info", "/workers", "/overview", "/", "/memory", "/help"):
        assert admin.get(path).status == 200


# -- clusters, listeners, configuration


def test_clusters_text(box: Box, admin: Client) -> None:
    box.sides[1].count(box.snapshot["clusters"]["backend"]["hosts"][0]["stats"], 4)
    lines = admin.get("/clusters").text.splitlines()
    assert lines[0] == "backend::observability_name::backend"
    assert "dns::default_priority::max_connections::2" in lines
    assert "dns::high_priority::max_connections::1024" in lines
    assert "backend::127.0.0.1:18090::cx_total::4" in lines
    assert "backend::127.0.0.1:18090::health_flags::healthy" in lines
    assert "backend::127.0.0.1:18091::health_flags::/failed_eds_health" in lines
    assert "backend::127.0.0.1:18091::weight::3" in lines
    assert "backend::127.0.0.1:18091::region::r1" in lines
    assert "dns::127.0.0.1:18090::hostname::localhost" in lines
    assert "backend::added_via_api::false" in lines


def test_clusters_json(box: Box, admin: Client) -> None:
    box.sides[0].count(box.snapshot["clusters"]["backend"]["hosts"][0]["stats"], 4)
    backend, dns = tree(admin, "/clusters?format=json")["cluster_statuses"]
    assert backend["name"] == backend["observability_name"] == "backend"
    first, second = backend["host_statuses"]
    assert first["address"] == {"socket_address": {"address": "127.0.0.1", "port_value": 18090}}
    assert {"value": "4", "name": "cx_total"} in first["stats"], "64-bit numbers are strings in protobuf's JSON"
    assert {"type": "GAUGE", "name": "rq_active"} in first["stats"]
    assert first["health_status"] == {"eds_health_status": "HEALTHY"}
    assert second["health_status"] == {"eds_health_status": "UNHEALTHY"}
    assert first["locality"] == {"region": "r1", "zone": "z1"}
    default, high = dns["circuit_breakers"]["thresholds"]
    assert default["max_connections"] == 2 and high["priority"] == "HIGH"
    assert [item["name"] for item in tree(admin, "/clusters?format=json&filter=^d")["cluster_statuses"]] == ["dns"]


def test_listeners(box: Box, admin: Client) -> None:
    assert admin.get("/listeners").text == "web::127.0.0.1:18080\ndb::127.0.0.1:18081\n"
    box.listener_addresses = {"web": ["127.0.0.1:40001"]}
    assert admin.get("/listeners").text.startswith("web::127.0.0.1:40001\n")
    status = tree(admin, "/listeners?format=json")["listener_statuses"][1]
    assert status == {
        "name": "db",
        "local_address": {"socket_address": {"address": "127.0.0.1", "port_value": 18081}},
    }
    assert admin.get("/listeners?format=xml").status == 400


def test_config_dump_masks_secrets(admin: Client) -> None:
    answer = admin.get("/config_dump")
    assert "very-secret" not in answer.text and "[redacted]" in answer.text
    kinds = [config["@type"].rpartition(".")[2] for config in json.loads(answer.text)["configs"]]
    assert {"BootstrapConfigDump", "ClustersConfigDump", "ListenersConfigDump"} <= set(kinds)


def test_config_dump_resource_and_mask(admin: Client) -> None:
    found = tree(admin, "/config_dump?resource=static_clusters&mask=cluster.name,cluster.connect_timeout")["configs"]
    assert [item["cluster"]["name"] for item in found] == ["backend", "dns"]
    assert found[0]["@type"] == "type.googleapis.com/envoy.admin.v3.ClustersConfigDump.StaticCluster"
    assert set(found[0]["cluster"]) <= {"@type", "name", "connect_timeout"}
    (bootstrap,) = tree(admin, "/config_dump?mask=bootstrap.node")["configs"]
    assert list(bootstrap["bootstrap"]) == ["node"]
    named = tree(admin, "/config_dump?resource=static_clusters&name_regex=^d")["configs"]
    assert [item["cluster"]["name"] for item in named] == ["dns"]


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("resource=nope", 404, "nope not found in config dump"),
        ("resource=bootstrap", 400, "bootstrap is not a repeated field"),
        ("name_regex=(", 400, "Invalid re2 regex"),
    ],
)
def test_bad_config_dump_queries(admin: Client, query: str, status: int, words: str) -> None:
    answer = admin.get(f"/config_dump?{query}")
    assert answer.status == status and words in answer.text


# -- the rest that reads


def test_shapes_of_small_pages(admin: Client) -> None:
    assert tree(admin, "/certs") == {"certificates": []}
    assert tree(admin, "/runtime") == {"entries": {}, "layers": []}
    assert tree(admin, "/quota") == {"quotas": []}
    memory = tree(admin, "/memory")
    assert int(memory["allocated"]) == sum(map(int, memory["resident_by_pid"].values())) > 1 << 20
    assert [row["index"] for row in tree(admin, "/workers")["workers"]] == [0, 1]
    assert admin.get("/workers?format=text").text.splitlines()[0].split()[0] == "worker"
    assert admin.get("/hot_restart_version").text.startswith("mosn.")


def test_overview_has_what_the_console_shows(box: Box, admin: Client) -> None:
    box.count("http.ingress", "downstream_rq_total", 10)
    box.count("http.ingress", "no_route", 2)
    box.count("cluster.backend", "upstream_rq_total", 6)
    box.record("http.ingress", "downstream_rq_time", 1000)
    found = tree(admin, "/overview")
    assert found["requests"] == 10
    assert found["causes"]["NR"] == 2
    assert sum(count for _, count in found["latency"]) == 1
    assert [row["name"] for row in found["clusters"]] == ["backend", "dns"]
    assert (found["clusters"][0]["hosts"], found["clusters"][0]["healthy"]) == (2, 1)
    assert [row["name"] for row in found["listeners"]] == ["web", "db"]
    assert found["changes"][0]["text"] == "configuration abc runs"


def test_help_names_every_page(admin: Client) -> None:
    text = admin.get("/help").text
    assert all(f"  {page.path}" in text for page in PAGES)
    unknown = admin.get("/no/such/page")
    assert unknown.status == 404 and unknown.text == f"invalid path. {text}"


# -- changes


@pytest.mark.parametrize(
    ("path", "command", "args"),
    [
        ("/healthcheck/fail", "healthcheck_fail", {}),
        ("/healthcheck/ok", "healthcheck_ok", {}),
        ("/drain_listeners", "drain_listeners", {"graceful": False, "inbound_only": False}),
        ("/drain_listeners?graceful", "drain_listeners", {"graceful": True, "inbound_only": False}),
        ("/drain_listeners?graceful&inboundonly", "drain_listeners", {"graceful": True, "inbound_only": True}),
        ("/quitquitquit", "quit", {}),
        ("/reopen_logs", "reopen_logs", {}),
        ("/logging?level=debug", "logging", {"level": "debug"}),
        ("/logging?mosn.admin=trace", "logging", {"level": "trace", "name": "mosn.admin"}),
    ],
)
def test_changes_reach_the_controller(box: Box, admin: Client, path: str, command: str, args: dict[str, Any]) -> None:
    assert admin.post(path).status == 200
    assert box.commands == [(command, args)]


def test_a_change_that_fails_says_why(box: Box, admin: Client) -> None:
    box.failure = CommandFailed("the workers did not answer")
    answer = admin.post("/drain_listeners")
    assert (answer.status, answer.text) == (500, "the workers did not answer\n")
    box.failure = CommandFailed("that makes no sense", caller=True)
    assert admin.post("/drain_listeners").status == 400
    assert admin.post("/drain_listeners?skip_exit").text == "skip_exit is not supported\n"


def test_reload(box: Box, admin: Client) -> None:
    answer = admin.post("/reload")
    assert (answer.status, json.loads(answer.text)) == (200, {"ok": True, "version": "new", "previous": "old"})
    finding = {"code": "MC001", "path": "static_resources", "text": "no", "file": "a.yaml", "line": 3}
    box.failure = CommandFailed("the configuration has 1 error", [finding], caller=True)
    answer = admin.post("/reload")
    assert answer.status == 400
    assert json.loads(answer.text) == {
        "ok": False, "error": "the configuration has 1 error", "findings": [finding],
    }  # fmt: skip


def test_upgrade_that_is_not_built(box: Box, admin: Client) -> None:
    box.failure = CommandFailed("this version cannot be replaced in place yet")
    answer = admin.post("/upgrade")
    assert (answer.status, answer.text) == (501, "this version cannot be replaced in place yet\n")


def test_logging(box: Box, admin: Client) -> None:
    shown = "active loggers:\n  mosn.admin: info\n  mosn.controller: info\n"
    assert admin.get("/logging").text == admin.post("/logging").text == shown
    admin.post("/logging?paths=mosn.admin:debug,mosn.controller:off")
    assert [args["level"] for _, args in box.commands] == ["debug", "off"]
    for query, words in [
        ("level=loud", "unknown logger level"),
        ("mosn.nothing=info", "unknown logger name"),
        ("level=info&mosn.admin=info", "invalid number of parameters"),
        ("paths=mosn.admin", "unknown logger level"),
    ]:
        answer = admin.post(f"/logging?{query}")
        assert answer.status == 400 and words in answer.text and "usage:" in answer.text
    assert len(box.commands) == 2


@pytest.mark.parametrize("path", CHANGES)
def test_changes_are_not_made_by_get(box: Box, admin: Client, path: str) -> None:
    answer = admin.get(path)
    assert answer.status == 405
    assert answer.headers["Allow"] == "POST"
    assert answer.text == "Method GET not allowed, POST required.\n"
    assert not box.commands


@pytest.mark.parametrize("path", [path for path in READS if path != "/logging"])
def test_reads_are_not_posts(admin: Client, path: str) -> None:
    answer = admin.post(path)
    assert answer.status == 405 and "GET" in answer.headers["Allow"]


@pytest.mark.parametrize("path", READS)
def test_every_page_answers_with_envoys_headers(admin: Client, path: str) -> None:
    answer = admin.get(path)
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-cache, max-age=0"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_fault_of_ours_is_a_500_that_tells_nothing(box: Box, admin: Client) -> None:
    box.failure = RuntimeError("password=1234")  # type: ignore[assignment]
    answer = admin.post("/reload")
    assert answer.status == 500 and "1234" not in answer.text
