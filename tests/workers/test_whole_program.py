"""The program as users start it: Envoy's configuration, the compiled data plane, the admin."""

from __future__ import annotations

import http.client
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.project.source import ROOT
from tests.project.test_imports import FORBIDDEN_IN_WORKERS, of
from tests.workers.instance import Instance, eventually, free_port

CONFIGURATION = """
admin: {{ address: {{ socket_address: {{ address: 127.0.0.1, port_value: {admin} }} }} }}
static_resources:
  listeners:
  - name: main
    address: {{ socket_address: {{ address: 127.0.0.1, port_value: {port} }} }}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: main
          access_log:
          - name: envoy.access_loggers.file
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
              path: {log}
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - match: {{ path: /version }}
                direct_response: {{ status: 200, body: {{ inline_string: "{version}" }} }}
              - match: {{ prefix: / }}
                route: {{ cluster: app }}
          http_filters:
          - name: envoy.filters.http.router
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
  clusters:
  - name: app
    load_assignment:
      cluster_name: app
      endpoints:
      - lb_endpoints:
        - endpoint: {{ address: {{ socket_address: {{ address: 127.0.0.1, port_value: {upstream} }} }} }}
"""


class Upstream(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *args: Any) -> None:
        pass


class Program(Instance):
    """`mosn start` itself."""

    def __init__(self, directory: Path, upstream: int) -> None:
        self.upstream, self.admin = upstream, free_port()
        super().__init__(directory)

    def configure(self, version: str, ports: dict[str, int] | None = None, **more: Any) -> None:
        log = self.directory / "access.log"
        fields = {"admin": self.admin, "port": self.port, "upstream": self.upstream, "log": log, "version": version}
        self.config_file.write_text(CONFIGURATION.format(**fields, **more))

    def spawn(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "mosn", "start", "-c", str(self.config_file), "--workers", "2"]
        with self.log_file.open("a") as log:
            self.process = subprocess.Popen(
                [*command, "--run-dir", str(self.run_dir)], cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True
            )
        return self.process

    def get(self, path: str = "/", port: int = 0, method: str = "GET") -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=30)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()


@pytest.fixture
def upstream() -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.fixture
def program(tmp_path: Path, upstream: int) -> Iterator[Program]:
    made = Program(tmp_path, upstream)
    made.config_file = tmp_path / "mosn.yaml"
    made.configure("v1")
    made.start()
    yield made
    made.end()


class Load(threading.Thread):
    """Keep-alive requests one after the other until stopped; every failure is kept."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.answers = 0
        self.failures: list[str] = []
        self.stopped = False

    def run(self) -> None:
        while not self.stopped:
            try:
                self.connection.request("GET", "/")
                response = self.connection.getresponse()
                if (response.status, response.read()) != (200, b"hello"):
                    self.failures.append(f"status {response.status}")
                self.answers += 1
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                self.connection.close()
            time.sleep(0.001)

    def end(self) -> list[str]:
        self.stopped = True
        self.join(60)
        self.connection.close()
        return self.failures


def test_requests_admin_and_log(program: Program) -> None:
    assert program.get() == (200, "hello")
    assert program.get("/ready", program.admin) == (200, "LIVE\n")
    eventually(lambda: "GET / HTTP/1.1" in (program.directory / "access.log").read_text())
    assert program.call("stop").code == 0
    assert program.wait() == 0


def test_no_request_is_lost_by_reloads_and_a_dying_controller(program: Program) -> None:
    loads = [Load(program.port) for _ in range(4)]
    for load in loads:
        load.start()
    for number in range(10):
        program.configure(f"v{number}")
        assert program.call("reload").code == 0
        assert program.get("/version") == (200, f"v{number}")
    program.kill_controller()
    program.config_file.write_text("static_resources: { listenerz: [] }")
    result = program.call("reload")
    assert result.code == 2 and "listenerz" in result.error
    assert [load.end() for load in loads] == [[]] * 4
    assert min(load.answers for load in loads) > 10


def test_the_admin_gives_commands(program: Program) -> None:
    program.configure("v2")
    status, body = program.get("/reload", program.admin, "POST")
    assert status == 200 and json.loads(body)["version"] == program.status()["config"]["version"]
    program.config_file.write_text("nothing")
    assert program.get("/reload", program.admin, "POST")[0] == 400
    assert program.get("/healthcheck/fail", program.admin, "POST")[0] == 200
    assert program.get("/ready", program.admin)[0] == 503
    program.kill_controller()
    assert program.get("/ready", program.admin)[0] == 503  # a new controller remembers
    assert program.get("/healthcheck/ok", program.admin, "POST")[0] == 200
    assert program.get("/quitquitquit", program.admin, "POST")[0] == 200
    assert program.wait() == 0


def test_counters_outlive_a_worker(program: Program) -> None:
    for _ in range(20):
        assert program.get()[0] == 200
    for index in (0, 1):
        pid = program.worker_pid(index)
        os.kill(pid, signal.SIGKILL)
        eventually(lambda index=index, pid=pid: _ready(program, index, pid))  # type: ignore[misc]
    for _ in range(20):
        assert program.get()[0] == 200
    stats = program.get("/stats?filter=downstream_rq_total", program.admin)[1]
    assert "http.main.downstream_rq_total: 40" in stats


def test_processes_are_thin(program: Program) -> None:
    modules = program.call("modules").body
    for process in ("master", "worker-0", "worker-1"):
        assert of(set(modules[process]), FORBIDDEN_IN_WORKERS) == []
    workers = [psutil.Process(worker["pid"]).memory_full_info().pss for worker in program.workers()]
    everything = [psutil.Process(program.process.pid), *psutil.Process(program.process.pid).children()]
    assert max(workers) < 12 << 20
    assert sum(process.memory_full_info().pss for process in everything) < 90 << 20


def test_an_unusable_file_is_explained(program: Program, make_program: Callable[[], Program]) -> None:
    second = make_program()
    second.config_file.write_text("static_resources:\n  listenerz: []\n")
    second.spawn()
    assert second.wait() == 2
    assert f"{second.config_file}:2:3 MC0101 static_resources.listenerz" in second.log()
    assert "listeners" in second.log()


@pytest.fixture
def make_program(tmp_path: Path) -> Iterator[Callable[[], Program]]:
    made: list[Program] = []

    def make() -> Program:
        directory = tmp_path / "other"
        directory.mkdir()
        made.append(Program(directory, 1))
        made[-1].config_file = directory / "mosn.yaml"
        return made[-1]

    yield make
    for program in made:
        program.end()


def _ready(program: Program, index: int, pid: int) -> bool:
    worker = program.workers()[index]
    return bool(worker["state"] == "ready" and worker["pid"] != pid)
