"""The proxy under soak: its configuration, its processes, what they use, and how to harm them."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[2]
MOSN = ROOT / ".venv" / "bin" / "mosn"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def cluster(name: str, port: int) -> dict[str, Any]:
    endpoint = {"endpoint": {"address": address(port)}}
    assignment = {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]}
    return {"name": name, "connect_timeout": "2s", "load_assignment": assignment}


def listener(name: str, port: int, filter_name: str, kind: str, **settings: Any) -> dict[str, Any]:
    typed = {"@type": f"type.googleapis.com/envoy.extensions.filters.network.{kind}", "stat_prefix": name, **settings}
    filters = [{"name": f"envoy.filters.network.{filter_name}", "typed_config": typed}]
    return {"name": name, "address": address(port), "filter_chains": [{"filters": filters}]}


def http_settings() -> dict[str, Any]:
    retry = {"retry_on": "connect-failure,refused-stream", "num_retries": 2}
    route = {"match": {"prefix": "/"}, "route": {"cluster": "web", "timeout": "2s", "retry_policy": retry}}
    router = {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}
    return {
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": router}],
        "request_headers_timeout": "20s",
        "stream_idle_timeout": "10s",
        "access_log": [
            {
                "name": "envoy.access_loggers.file",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
                    "path": "/dev/null",
                },
            }
        ],
    }


class Proxy:
    """`web`, `tcp` and `admin` are its ports."""

    def __init__(self, directory: Path, workers: int, web_upstream: int, tcp_upstream: int) -> None:
        self.web, self.tcp, self.admin = free_port(), free_port(), free_port()
        self.directory = directory
        self._workers = workers
        self._configuration = directory / "soak.json"
        self._configuration.write_text(json.dumps(self._bootstrap(web_upstream, tcp_upstream)))
        self._process: subprocess.Popen[bytes] | None = None

    def _bootstrap(self, web_upstream: int, tcp_upstream: int) -> dict[str, Any]:
        manager = "http_connection_manager.v3.HttpConnectionManager"
        listeners = [
            listener("web", self.web, "http_connection_manager", manager, **http_settings()),
            listener("tcp", self.tcp, "tcp_proxy", "tcp_proxy.v3.TcpProxy", cluster="tcp"),
        ]
        clusters = [cluster("web", web_upstream), cluster("tcp", tcp_upstream)]
        return {
            "admin": {"address": address(self.admin)},
            "static_resources": {"listeners": listeners, "clusters": clusters},
        }

    @property
    def run_directory(self) -> Path:
        return self.directory / "run"

    async def start(self) -> None:
        """Raises RuntimeError with the program's last words when it does not become ready."""
        log = self.directory / "proxy.log"
        command = [str(MOSN), "start", "-c", str(self._configuration), "--run-dir", str(self.run_directory)]
        with log.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: ASYNC220
                [*command, "--workers", str(self._workers)], stdout=output, stderr=output
            )
        deadline = time.monotonic() + 30
        while not await asyncio.to_thread(self._is_ready):
            if self._process.poll() is not None or time.monotonic() > deadline:
                await asyncio.to_thread(self.stop)
                raise RuntimeError(f"the proxy did not become ready; it said:\n{log.read_text()[-3000:]}")
            await asyncio.sleep(0.1)

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.admin}/ready", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def status(self) -> dict[str, Any]:
        command = [str(MOSN), "status", "--json", "--run-dir", str(self.run_directory)]
        found: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
        return found

    def worker_pids(self) -> list[int]:
        """The workers' process ids, worker 0 first."""
        return [worker["pid"] for worker in self.status()["workers"]]

    def usage(self) -> dict[int, tuple[int, int]]:
        """Process id -> resident bytes and open descriptors, for the proxy's whole tree."""
        assert self._process is not None
        used = {}
        for process in [(root := psutil.Process(self._process.pid)), *root.children(recursive=True)]:
            try:
                used[process.pid] = (process.memory_info().rss, process.num_fds())
            except psutil.NoSuchProcess:
                continue
        return used

    def command(self, name: str) -> None:
        """Run `mosn NAME` and wait for its result.  Raises CalledProcessError."""
        command = [str(MOSN), name, "--run-dir", str(self.run_directory)]
        subprocess.run(command, check=True, capture_output=True, timeout=60)

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
