"""Transparent interception: connections that iptables redirected, in network namespaces made for the test.

    client namespace 10.99.0.1 ---veth--- 10.99.0.2 server namespace: PREROUTING redirects port 8080 to the sidecar
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.proxy.sidecar import bootstrap, http_listener, tcp_listener

NEEDED = ("ip", "iptables")


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=20)


def inside(namespace: str, *command: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["ip", "netns", "exec", namespace, *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


@pytest.fixture
def namespaces() -> Iterator[tuple[str, str]]:
    if os.geteuid() != 0 or any(shutil.which(tool) is None for tool in NEEDED):
        pytest.skip("needs root, ip and iptables (./tools/setup --test installs them)")
    client, server = f"mosn-c{os.getpid()}", f"mosn-s{os.getpid()}"
    made = []
    try:
        for name in (client, server):
            if subprocess.run(["ip", "netns", "add", name], capture_output=True).returncode:
                pytest.skip("network namespaces are not permitted here")
            made.append(name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        run("ip", "-n", client, "link", "add", "v0", "type", "veth", "peer", "name", "v1", "netns", server)
        for name, device, at in ((client, "v0", "10.99.0.1/24"), (server, "v1", "10.99.0.2/24")):
            run("ip", "-n", name, "addr", "add", at, "dev", device)
            run("ip", "-n", name, "link", "set", device, "up")
        rule = ["-t", "nat", "-A", "PREROUTING", "-p", "tcp", "--dport", "8080:8090"]
        run("ip", "netns", "exec", server, "iptables", *rule, "-j", "REDIRECT", "--to-ports", "15001")
        yield client, server
    finally:
        for name in made:
            subprocess.run(["ip", "netns", "del", name], capture_output=True)


UPSTREAM = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"original " + str(self.server.server_port).encode()
        self.send_response(200); self.send_header("content-length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args): pass
http.server.HTTPServer(("0.0.0.0", int(sys.argv[1])), Handler).serve_forever()
"""


def fetch(client: str, port: int) -> str:
    command = ["curl", "-s", "--retry", "20", "--retry-connrefused", "--retry-delay", "0", "-m", "10"]
    process = inside(client, *command, f"http://10.99.0.2:{port}/")
    return process.communicate(timeout=30)[0]


def virtual(listener: dict[str, object], port: int) -> dict[str, object]:
    return {**listener, "bind_to_port": False, "address": {"socket_address": {"address": "0.0.0.0", "port_value": port}}}


def test_redirected_connections_reach_their_original_destination(namespaces: tuple[str, str], tmp_path: Path) -> None:
    client, server = namespaces
    catch_all = tcp_listener(15001, cluster="original", name="virtual_outbound")
    catch_all["address"]["socket_address"]["address"] = "0.0.0.0"
    catch_all["use_original_dst"] = True
    direct = [{"match": {"prefix": "/"}, "direct_response": {"status": 200, "body": {"inline_string": "virtual 8085"}}}]
    listeners = [catch_all, virtual(http_listener(1, direct, name="port-8085"), 8085)]
    original = {"name": "original", "type": "ORIGINAL_DST", "lb_policy": "CLUSTER_PROVIDED", "connect_timeout": "2s"}
    file = tmp_path / "bootstrap.json"
    file.write_text(json.dumps(bootstrap(listeners, [original])))
    run_dir = str(tmp_path / "run")
    sidecar = inside(server, sys.executable, "-m", "mosn", "start", "-c", str(file), "--run-dir", run_dir, "--workers", "1")
    upstreams = [inside(server, sys.executable, "-c", UPSTREAM, str(port)) for port in (8080, 8081)]
    try:
        deadline = time.monotonic() + 20
        while not (Path(run_dir) / "mosn.pid").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert fetch(client, 8080) == "original 8080"
        assert fetch(client, 8081) == "original 8081"
        assert fetch(client, 8085) == "virtual 8085"
    finally:
        for process in (sidecar, *upstreams):
            process.terminate()
            process.wait(20)
