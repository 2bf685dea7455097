"""A box without processes: real configuration, real shared memory filled by hand, and a stand-in for the controller."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import mosn.config
from mosn._fastpath.shm.segment import Segment
from mosn._fastpath.shm.stats import NAMES, StatRegistry
from mosn.admin import AdminServer, Change, CommandFailed, WorkerRow, start
from tests.report.worker_side import WorkerSide

CONFIG = """
node: {id: n1, cluster: c1}
static_resources:
  listeners:
  - name: web
    address: {socket_address: {address: 127.0.0.1, port_value: 18080}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: ingress
          route_config:
            name: r
            request_headers_to_add: [{header: {key: Authorization, value: Bearer very-secret}}]
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes: [{match: {prefix: /}, route: {cluster: backend}}]
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
  - name: db
    address: {socket_address: {address: 127.0.0.1, port_value: 18081}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.tcp_proxy
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy
          stat_prefix: tcpin
          cluster: dns
  clusters:
  - name: backend
    connect_timeout: 1s
    load_assignment:
      cluster_name: backend
      endpoints:
      - locality: {region: r1, zone: z1}
        lb_endpoints:
        - {endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: 18090}}}}
        - endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: 18091}}}
          load_balancing_weight: 3
          health_status: UNHEALTHY
  - name: dns
    type: STRICT_DNS
    connect_timeout: 1s
    circuit_breakers: {thresholds: [{max_connections: 2}]}
    load_assignment:
      cluster_name: dns
      endpoints:
      - lb_endpoints: [{endpoint: {address: {socket_address: {address: localhost, port_value: 18090}}}}]
"""


class Box:
    """Implements AdminContext."""

    def __init__(self, config: str = CONFIG, workers: int = 2) -> None:
        self.segment = Segment.create(workers)
        self.sides = [WorkerSide(self.segment, number) for number in range(workers)]
        self.loaded_config: Any = mosn.config.load_text(config, "envoy.yaml")
        self.registry = StatRegistry()
        self.snapshot: Any = self.build()
        self.healthcheck_failed = False
        self.draining = False
        self.started_at = time.time() - 60
        self.epoch = 0
        self.version = "0.1.0"
        self.run_dir = Path("/run/mosn")
        self.log_levels: Mapping[str, str] = {"mosn.admin": "info", "mosn.controller": "info"}
        self.changes: Sequence[Change] = [
            {"time": self.started_at, "kind": "start", "text": "configuration abc runs", "ok": True},
        ]
        self.listener_addresses: Mapping[str, Sequence[str]] = {}
        self.own_counters = {"cluster.dns.update_attempt": 3, "cluster.dns.update_success": 2}
        self.own_gauges = {"filesystem.write_total_buffered": 0}
        self.commands: list[tuple[str, dict[str, Any]]] = []
        self.failure: CommandFailed | None = None
        self.worker_state = "ready"
        self.hang = False

    def build(self) -> Any:
        resolved = {("localhost", 18090): ["127.0.0.1"]}
        return mosn.config.build_snapshot(self.loaded_config, self.registry, resolved)

    def counters(self) -> Mapping[str, int]:
        return self.own_counters

    def gauges(self) -> Mapping[str, int]:
        return self.own_gauges

    async def workers(self) -> list[WorkerRow]:
        if self.hang:
            await asyncio.Event().wait()
        state, began = self.worker_state, self.started_at
        return [
            {"index": index, "pid": 0, "state": state, "started": began, "restarts": 0, "connections": 5}
            for index in range(len(self.sides))
        ]

    async def command(self, what: str, /, **args: Any) -> dict[str, Any]:
        self.commands.append((what, args))
        if self.failure:
            raise self.failure
        return {"version": "new", "previous": "old"} if what == "reload" else {}

    # -- what workers do

    def count(self, scope: str, name: str, n: int = 1, worker: int = 0) -> None:
        self.sides[worker].count(self._place(scope, "counters", 0, name), n)

    def gauge(self, scope: str, name: str, n: int = 1, worker: int = 0) -> None:
        self.sides[worker].gauge(self._place(scope, "gauges", 1, name), n)

    def record(self, scope: str, name: str, microseconds: int, worker: int = 0) -> None:
        self.sides[worker].record(self._place(scope, "histograms", 2, name), microseconds)

    def _place(self, scope: str, array: str, part: int, name: str) -> int:
        found = self.snapshot["stats_scopes"][scope]
        return int(found[array]) + NAMES[found["kind"]][part].index(name)

    def close(self) -> None:
        self.segment.close()


class Served:
    """A running admin; `async with Served(box) as address`."""

    def __init__(self, box: Box, address: str = "127.0.0.1:0") -> None:
        self._box, self._address = box, address
        self.server: AdminServer | None = None

    async def __aenter__(self) -> str:
        self.server = await start(self._box, self._address)
        return self.server.address

    async def __aexit__(self, *error: object) -> None:
        assert self.server
        await self.server.close()


def raw_request(address: str, text: str) -> bytes:
    """Send bytes as they are and read the answer to its end (asks for Connection: close)."""
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as sock:
        sock.sendall(text.encode())
        answer = b""
        while data := sock.recv(65536):
            answer += data
    return answer
