"""Many requests of many clients over two upstream connections: does each get its own answer, once?

    python -m bench.each_once --protocol bolt --requests 10000000

One client connection has 1,000 requests in flight, 63 more have 16 each, all of them onto 2 upstream connections of one
worker. Every request carries a content of its own, which the server repeats; it answers in another order than it was
asked, and counts. Exit 0: every request was answered once, with its own content, and reached the server once.
"""

from __future__ import annotations

import argparse
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.instance import free_port, last_words
from bench.load.client import FAILURES, read_report
from bench.load.protocols import wire
from bench.peers.base import PeerFailure
from bench.process import running

PROTOCOLS = ("bolt", "dubbo")
# Bytes of content: the mark alone. Of Dubbo's answer it is what stands behind the four bytes around it.
REQUEST, ANSWER = 16, {"bolt": 16, "dubbo": 20}
SECONDS = 3600.0
PATIENCE = 30.0
# The server takes the run for over when nothing came for so long, after something did.
IDLE_MS = 2000
# Client connections and requests in flight on each.
CLIENTS = ((1, 1000), (63, 16))


@dataclass(frozen=True)
class Marks:
    """Where the content stands in a request and in an answer."""

    request: int
    answer: int


def marks(protocol: str) -> Marks:
    """From the frames that are sent."""
    found = wire(protocol)
    return Marks(found.request(REQUEST).rindex(b"q" * REQUEST), found.answer(ANSWER[protocol]).rindex(b"a" * REQUEST))


# -- the server and the clients, each a process


def serve(protocol: str) -> None:
    """Answer until nothing has come for a while after the first request; then say how many there were."""
    served = 0
    found, where = wire(protocol), marks(protocol)
    from bench.load.backend import Backend  # compiled by wire()

    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    listener.setblocking(False)
    answer = found.answer(ANSWER[protocol])
    backend = Backend(found.protocol(), answer, len(answer), listener.fileno(), where.request, where.answer)
    print(json.dumps({"port": listener.getsockname()[1]}), flush=True)
    while not backend.count() or backend.count() != served:
        served = backend.count()
        backend.serve(IDLE_MS)
    print(json.dumps({"served": backend.count()}), flush=True)


def load(protocol: str, port: int, part: int, requests: int) -> None:
    """One share of the clients."""
    found, where = wire(protocol), marks(protocol)
    from bench.load.generator import Generator  # compiled by wire()

    connections, depth = CLIENTS[part]
    clients = Generator(found.protocol(), found.request(REQUEST), ANSWER[protocol], port, connections, depth)
    clients.connect(0, connections)
    seconds = clients.exchange(requests, SECONDS, where.request, where.answer, part << 56)
    print(json.dumps({"seconds": seconds, **clients.take()}), flush=True)


# -- the whole


def configuration(protocol: str, port: int, upstream: int) -> dict[str, Any]:
    """A bootstrap: everything goes to the one server, over two connections."""

    def address(number: int) -> dict[str, Any]:
        return {"socket_address": {"address": "127.0.0.1", "port_value": number}}

    route = {"match": {"prefix": "/"}, "route": {"cluster": "server", "timeout": "0s"}}
    proxy = {
        "@type": "type.googleapis.com/mosn.protocol.v1.RpcProxy",
        "protocol": protocol,
        "stat_prefix": "each_once",
        "upstream_connections": 2,
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
    }
    most = dict.fromkeys(("max_connections", "max_pending_requests", "max_requests"), 1_000_000)
    cluster = {
        "name": "server",
        "type": "STATIC",
        "connect_timeout": "5s",
        "circuit_breakers": {"thresholds": [most]},
        "load_assignment": {
            "cluster_name": "server",
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address(upstream)}}]}],
        },
    }
    filters = [{"name": "mosn.rpc_proxy", "typed_config": proxy}]
    listener = {"name": "rpc", "address": address(port), "filter_chains": [{"filters": filters}]}
    return {"static_resources": {"listeners": [listener], "clusters": [cluster]}}


def wait_for(port: int, proxy: subprocess.Popen[str]) -> None:
    """Until the proxy takes connections."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if proxy.poll() is not None or time.monotonic() > deadline:
                raise
        time.sleep(0.02)


def command(role: str, protocol: str, *more: object) -> list[str]:
    return [sys.executable, "-m", "bench.each_once", "--role", role, "--protocol", protocol, *map(str, more)]


def exchange(protocol: str, requests: int) -> dict[str, Any]:
    """Run it; the sums of what the clients report, and what the server served."""
    wire(protocol)
    with tempfile.TemporaryDirectory(prefix="mosn-bench-") as name, running(command("serve", protocol), 1) as server:
        directory, port = Path(name), free_port()
        upstream = int(read_report(server, "server")["port"])
        file = directory / "bootstrap.json"
        file.write_text(json.dumps(configuration(protocol, port, upstream)))
        start = [sys.executable, "-m", "mosn", "start", "-c", str(file), "--run-dir", f"{directory}/run"]
        with running([*start, "--workers", "1"], 0, directory / "output.log") as proxy:
            try:
                wait_for(port, proxy)
            except OSError as failure:
                raise PeerFailure(f"{failure}; it said:\n{last_words(directory)}") from failure
            found = ask(protocol, port, requests)
            found["served"] = int(read_report(server, "server")["served"])
    return found


def ask(protocol: str, port: int, requests: int) -> dict[str, Any]:
    """Both shares of the clients at once."""
    half = requests // 2
    shares = (half, requests - half)
    with (
        running(command("load", protocol, "--part", 0, "--port", port, "--requests", shares[0]), 1) as first,
        running(command("load", protocol, "--part", 1, "--port", port, "--requests", shares[1]), 1) as second,
    ):
        reports = [read_report(first, "first client"), read_report(second, "second client")]
    sums = {name: sum(int(report[name]) for report in reports) for name in ("right", *FAILURES)}
    return {"requests": requests, **sums, "seconds": round(max(report["seconds"] for report in reports), 1)}


def failures(found: dict[str, Any]) -> list[str]:
    """What is wrong with a result; nothing when it is as it should be."""
    wrong = [f"{found[name]} {name}" for name in FAILURES if found[name]]
    if found["right"] != found["requests"]:
        wrong.append(f"{found['right']} of {found['requests']} answered")
    if found["served"] != found["requests"]:
        wrong.append(f"the server had {found['served']} requests")
    return wrong


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        prog="python -m bench.each_once", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    found.add_argument("--protocol", choices=PROTOCOLS, help="default: each")
    found.add_argument("--requests", type=int, default=10_000_000, help="default %(default)s")
    found.add_argument("--role", choices=("serve", "load"), help=argparse.SUPPRESS)
    found.add_argument("--part", type=int, default=0, help=argparse.SUPPRESS)
    found.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when every request had its one answer, 1 when not, 2 when it could not be tried."""
    options = parser().parse_args(arguments)
    if options.role == "serve":
        serve(options.protocol)
        return 0
    if options.role == "load":
        load(options.protocol, options.port, options.part, options.requests)
        return 0
    bad = False
    for protocol in [options.protocol] if options.protocol else PROTOCOLS:
        try:
            found = exchange(protocol, options.requests)
        except (PeerFailure, RuntimeError, OSError) as failure:
            print(f"{protocol}: {failure}", file=sys.stderr)
            return 2
        wrong = failures(found)
        bad = bad or bool(wrong)
        print(f"{protocol}: {json.dumps(found)} {'; '.join(wrong) or 'each once'}", flush=True)
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
