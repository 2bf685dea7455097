"""The real program as a test runs it: `mosn start` with a configuration, on free ports, ended with the test."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

ROUTER = {
    "name": "envoy.filters.http.router",
    "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
}
HCM = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
TCP = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def address(port: int, host: str = "127.0.0.1") -> dict[str, Any]:
    return {"socket_address": {"address": host, "port_value": port}}


def cluster(name: str, *ports: int, **fields: Any) -> dict[str, Any]:
    endpoints = [{"endpoint": {"address": address(port)}} for port in ports]
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "1s",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": endpoints}]},
        **fields,
    }


def route(prefix: str = "/", cluster: str = "backend", **action: Any) -> dict[str, Any]:
    return {"match": {"prefix": prefix}, "route": {"cluster": cluster, **action}}


def http_listener(port: int, routes: list[dict[str, Any]], name: str = "http", **manager: Any) -> dict[str, Any]:
    listener_fields = manager.pop("listener", {})
    hosts = [{"name": "all", "domains": ["*"], "routes": routes}]
    config = {
        "@type": HCM,
        "stat_prefix": name,
        "route_config": {"name": name, "virtual_hosts": hosts},
        "http_filters": [ROUTER],
        **manager,
    }
    network_filter = {"name": "envoy.filters.network.http_connection_manager", "typed_config": config}
    return {"name": name, "address": address(port), "filter_chains": [{"filters": [network_filter]}], **listener_fields}


def tcp_listener(port: int, cluster: str = "backend", name: str = "tcp", **proxy: Any) -> dict[str, Any]:
    config = {"@type": TCP, "stat_prefix": name, "cluster": cluster, **proxy}
    network_filter = {"name": "envoy.filters.network.tcp_proxy", "typed_config": config}
    return {"name": name, "address": address(port), "filter_chains": [{"filters": [network_filter]}]}


def bootstrap(listeners: list[dict[str, Any]], clusters: list[dict[str, Any]], **fields: Any) -> dict[str, Any]:
    return {"static_resources": {"listeners": listeners, "clusters": clusters}, **fields}


class Sidecar:
    """Context manager.  `config` is an Envoy bootstrap without admin, which is added on a free port."""

    def __init__(self, directory: Path, config: dict[str, Any], workers: int = 1) -> None:
        self.directory = directory
        self.admin_port = free_port()
        self.config = {"admin": {"address": address(self.admin_port)}, **config}
        self.file = directory / "bootstrap.json"
        self.run_dir = directory / "run"
        self.workers = workers

    def __enter__(self) -> Sidecar:
        self.file.write_text(json.dumps(self.config))
        self.log = (self.directory / "log").open("w+")
        command = [sys.executable, "-m", "mosn", "start", "-c", str(self.file), "--run-dir", str(self.run_dir)]
        self.process = subprocess.Popen([*command, "--workers", str(self.workers)], stdout=self.log, stderr=self.log)
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _wait(self) -> None:
        deadline = time.monotonic() + 30
        while "is ready" not in self.output():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"mosn start did not get ready:\n{self.output()}")
            time.sleep(0.02)
        while time.monotonic() < deadline:
            try:
                self.admin("/ready")
                return
            except OSError:
                time.sleep(0.02)

    def output(self) -> str:
        return (self.directory / "log").read_text()

    def __exit__(self, *error: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()

    def admin(self, path: str, post: bool = False) -> str:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.admin_port}{path}", method="POST" if post else "GET"
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            text: str = answer.read().decode()
            return text

    def stat(self, name: str) -> int:
        """A counter or gauge of /stats; 0 when it is not there."""
        for line in self.admin("/stats").splitlines():
            found, _, value = line.partition(": ")
            if found == name:
                return int(value)
        return 0

    def wait_stat(self, name: str, value: int, seconds: float = 5) -> None:
        """Statistics follow the traffic by a moment."""
        deadline = time.monotonic() + seconds
        while (seen := self.stat(name)) != value:
            assert time.monotonic() < deadline, f"{name} is {seen}, not {value}"
            time.sleep(0.02)

    def worker_pids(self) -> list[int]:
        return [worker["pid"] for worker in json.loads(self.admin("/workers"))["workers"]]

    def reload(self, config: dict[str, Any] | None = None) -> subprocess.CompletedProcess[str]:
        if config is not None:
            self.config = {"admin": self.config["admin"], **config}
            self.file.write_text(json.dumps(self.config))
        command = [sys.executable, "-m", "mosn", "reload", "--run-dir", str(self.run_dir)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, env={**os.environ})
