"""What a check of a 100 kB configuration costs (goal: 150 ms of work, 0.4 s for the whole command).

.venv/bin/python -m pytest bench/micro/test_config.py
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mosn import config
from mosn.config.emit import to_yaml_text
from mosn.config.json_tree import parse_json
from mosn.config.lower.context import NullRegistry
from mosn.config.yaml_tree import parse_yaml

BYTES = 100_000
MANAGER = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"


def bootstrap(clusters: int) -> dict[str, Any]:
    """One HTTP listener with a virtual host per cluster."""
    names = [f"service-{number}" for number in range(clusters)]
    hosts = [
        {
            "name": name,
            "domains": [f"{name}.example.com", f"{name}.internal"],
            "routes": [
                {
                    "match": {"prefix": "/v1", "headers": [{"name": "x-tier", "string_match": {"exact": "gold"}}]},
                    "route": {"cluster": name, "timeout": "3s", "retry_policy": {"retry_on": "5xx", "num_retries": 2}},
                },
                {"match": {"prefix": "/"}, "route": {"cluster": name, "prefix_rewrite": "/api/"}},
            ],
        }
        for name in names
    ]
    manager = {
        "@type": MANAGER,
        "stat_prefix": "ingress",
        "route_config": {"name": "main", "virtual_hosts": hosts},
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": {"@type": ROUTER}}],
    }
    listener = {
        "name": "ingress",
        "address": {"socket_address": {"address": "0.0.0.0", "port_value": 8080}},
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }
    return {"static_resources": {"listeners": [listener], "clusters": [cluster(name) for name in names]}}


def cluster(name: str) -> dict[str, Any]:
    endpoints = [
        {"endpoint": {"address": {"socket_address": {"address": f"10.0.0.{number}", "port_value": 8080}}}}
        for number in range(1, 4)
    ]
    assignment = {"cluster_name": name, "endpoints": [{"lb_endpoints": endpoints}]}
    return {"name": name, "connect_timeout": "1s", "lb_policy": "LEAST_REQUEST", "load_assignment": assignment}


@pytest.fixture(scope="module")
def text() -> str:
    one = len(to_yaml_text(bootstrap(2))) - len(to_yaml_text(bootstrap(1)))
    made = to_yaml_text(bootstrap(BYTES // one))
    assert 0.9 * BYTES < len(made) < 1.1 * BYTES
    assert config.load_text(made, "bench.yaml").findings == []
    return made


def test_yaml(benchmark: Any, text: str) -> None:
    benchmark(parse_yaml, text)


def test_json(benchmark: Any, text: str) -> None:
    loaded = config.load_text(text, "bench.yaml")
    dump = json.dumps(config.config_dump(loaded)["configs"][0]["bootstrap"])
    benchmark(parse_json, dump)


def test_check(benchmark: Any, text: str) -> None:
    """Everything that `mosn check` does but starting Python."""
    benchmark(config.load_text, text, "bench.yaml")


def test_snapshot(benchmark: Any, text: str) -> None:
    loaded = config.load_text(text, "bench.yaml")
    benchmark(config.build_snapshot, loaded, NullRegistry(), {})


def test_command(benchmark: Any, text: str, tmp_path: Path) -> None:
    path = tmp_path / "bench.yaml"
    path.write_text(text)
    benchmark(subprocess.run, [sys.executable, "-m", "mosn", "check", "-c", str(path)], check=True, capture_output=True)
