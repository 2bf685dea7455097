"""Our metric families, their types and their labels against those of a real Envoy with the same configuration."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from bench.peers.install.envoy import find_program
from tests.admin.box import CONFIG, Box
from tests.admin.conftest import Client

pytest.importorskip("prometheus_client.parser")

from tests.admin.test_prometheus import Family, families

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(find_program() is None, reason="Envoy is not installed: python -m bench.peers.install"),
]

DEADLINE = 30.0

OURS_ALONE = {
    "envoy_cluster_upstream_callback",
    "envoy_cluster_upstream_callback_refused",
    "envoy_cluster_upstream_callback_timeout",
    "envoy_cluster_upstream_cx_goaway",
    "envoy_cluster_upstream_cx_http1_active",
    "envoy_cluster_upstream_heartbeat",
    "envoy_cluster_upstream_heartbeat_timeout",
    "envoy_cluster_upstream_response_unknown",
    "envoy_cluster_upstream_cx_http2_active",
    "envoy_http2_inbound_continuation_flood",
    "envoy_http2_too_many_premature_resets",
    "envoy_filesystem_lines_dropped",
    "envoy_filesystem_lines_written",
    "envoy_http_downstream_cx_length_total_ms",
    "envoy_http_downstream_heartbeat",
    "envoy_http_downstream_rq_oneway",
    "envoy_http_fault_aborts_injected",
    "envoy_http_fault_active_faults",
    "envoy_http_fault_delays_injected",
    "envoy_server_access_log_dropped",
    "envoy_server_accept_failed",
    "envoy_server_loop_events",
    "envoy_server_loop_wakeups",
    "envoy_server_out_of_memory",
    "envoy_server_snapshots_installed",
    "envoy_server_total_upstream_connections",
    "envoy_tcp_downstream_cx_active",
}
"""What Envoy does not count, or only where the fault filter is configured."""

ADMIN = "admin: {address: {socket_address: {address: 127.0.0.1, port_value: 0}}}\n"


def fetch(address: str, path: str) -> str:
    with urllib.request.urlopen(f"http://{address}{path}", timeout=5) as answer:
        return str(answer.read().decode())


class Quiet(BaseHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


@pytest.fixture(scope="module")
def backend() -> Iterator[int]:
    """The port of an HTTP server."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture(scope="module")
def envoy(tmp_path_factory: pytest.TempPathFactory, backend: int) -> Iterator[str]:
    """The address of an Envoy's admin that has answered one request of each kind."""
    directory: Path = tmp_path_factory.mktemp("envoy")
    config, admin = directory / "envoy.yaml", directory / "admin"
    config.write_text(ADMIN + CONFIG.replace("18080", "0").replace("18081", "0").replace("18090", str(backend)))
    command = [str(find_program()), "-c", str(config), "--admin-address-path", str(admin), "--concurrency", "2",
               "--use-dynamic-base-id", "--log-level", "error"]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(lambda: fetch(admin.read_text(), "/ready") == "LIVE\n", "start")
            address = admin.read_text()
            use_listeners(address)
            counted = "envoy_cluster_upstream_rq_time_bucket"
            wait_for(lambda: counted in fetch(address, "/stats/prometheus"), "count the request")
            yield address
        finally:
            process.terminate()


def wait_for(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        try:
            if condition():
                return
        except OSError:
            pass  # not there yet
        time.sleep(0.05)
    raise TimeoutError(f"Envoy does not {what}")


def use_listeners(address: str) -> None:
    for line in fetch(address, "/listeners").splitlines():
        host, _, port = line.partition("::")[2].rpartition(":")
        with socket.create_connection((host, int(port)), timeout=5) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            try:
                sock.recv(100)
            except ConnectionError:
                pass


def label_names(family: Family) -> set[frozenset[str]]:
    return {frozenset(label for label, _ in labels) for _, labels in family.samples}


def test_families_types_and_labels_are_envoys(envoy: str, box: Box, admin: Client) -> None:
    theirs = families(fetch(envoy, "/stats/prometheus"))
    ours = families(admin.get("/stats/prometheus").text)
    missing = sorted(name for name in ours if name not in theirs and name not in OURS_ALONE)
    assert not missing, f"Envoy has no {missing}"
    for name, family in ours.items():
        if name in OURS_ALONE:
            continue
        assert family.type == theirs[name].type, name
        assert label_names(family) <= label_names(theirs[name]), name


def test_histograms_have_envoys_buckets(envoy: str, box: Box, admin: Client) -> None:
    name = "envoy_http_downstream_rq_time"

    def bounds(found: dict[str, Family]) -> list[str]:
        labels = [dict(labels) for (_, labels) in found[name].samples]
        return list(dict.fromkeys(label["le"] for label in labels if "le" in label))

    theirs = families(fetch(envoy, "/stats/prometheus"))
    assert bounds(families(admin.get("/stats/prometheus").text)) == bounds(theirs)


def test_pages_have_envoys_keys(envoy: str, box: Box, admin: Client) -> None:
    """Every key of ours is one that Envoy has, at the same place."""
    for path, ours_alone in [
        ("/clusters?format=json", set()),
        ("/listeners?format=json", set()),
        ("/server_info", {"config_version"}),
        ("/memory", {"resident_by_pid"}),
        ("/certs", set()),
        ("/runtime", set()),
    ]:
        ours, theirs = json.loads(admin.get(path).text), json.loads(fetch(envoy, path))
        extra = key_paths(ours) - key_paths(theirs)
        extra = {key for key in extra if key.split(".")[0] not in ours_alone}
        # A host of ours has failed, so that it shows flags that the healthy ones there lack.
        assert not {key for key in extra if "eds_health_status" not in key}, path


def key_paths(tree: Any, path: str = "") -> set[str]:
    if isinstance(tree, dict):
        return {key for name, value in tree.items() for key in {f"{path}{name}", *key_paths(value, f"{path}{name}.")}}
    if isinstance(tree, list):
        return {key for item in tree for key in key_paths(item, path)}
    return set()


def test_help_has_envoys_paths_or_says_what_is_left_out(envoy: str, admin: Client) -> None:
    left_out = {
        "/allocprofiler", "/contention", "/cpuprofiler", "/heap_dump", "/heapprofiler", "/init_dump",
        "/memory/tcmalloc", "/peak_heap_dump", "/runtime_modify", "/stats/recentlookups",
        "/stats/recentlookups/clear", "/stats/recentlookups/disable", "/stats/recentlookups/enable",
    }  # fmt: skip

    def paths(text: str) -> set[str]:
        return {line.split(":")[0].split(" ")[0] for line in text.replace("  /", "/").splitlines() if line[0] == "/"}

    assert paths(fetch(envoy, "/help")) - paths(admin.get("/help").text) == left_out
