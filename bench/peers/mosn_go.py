"""MOSN in Go, the proxy this project follows: one processor, no access log."""

from __future__ import annotations

import json
from pathlib import Path
from signal import SIGINT
from typing import Any

from bench.peers.base import MOST_CONNECTIONS, UNENDING, CannotTakePart, PeerDefaults, Setup
from bench.peers.install.mosn import find_program

# For RPC it opens as many upstream connections as it may, and was cheapest with few.
RPC_CONNECTIONS = 4


class MosnGo(PeerDefaults):
    """Workers are its GOMAXPROCS."""

    name = "mosn-go"
    # TERM waits for connections to end; INT ends at once.
    stop_signal = SIGINT

    def absent(self) -> str | None:
        """Present when it has been built into the cache."""
        return None if find_program() else "not built; run python -m bench.peers.install --only mosn-go (10 minutes)"

    def configure(self, setup: Setup) -> Path:
        """Write mosn.json."""
        if setup.certificate:
            raise CannotTakePart("MOSN meets TLS 1.3 with an alert, even with min_version and max_version tlsv1_3")
        path = setup.directory / "mosn.json"
        path.write_text(json.dumps(configuration(setup), indent=1))
        return path

    def command(self, configuration: Path, setup: Setup) -> list[str]:
        """In the foreground."""
        return [str(find_program()), "start", "-c", str(configuration)]

    def check_command(self, configuration: Path, setup: Setup) -> None:
        """It cannot only check."""

    def environment(self, setup: Setup) -> dict[str, str]:
        """As many processors as the others have workers."""
        return {"GOMAXPROCS": str(setup.workers)}


def configuration(setup: Setup) -> dict[str, Any]:
    """The whole file: one listener, its router, the clusters; all its files in the setup's directory."""
    directory = str(setup.directory)
    return {
        "close_graceful": True,
        "pid": f"{directory}/mosn.pid",
        "uds_dir": directory,
        "servers": [
            {
                "default_log_path": f"{directory}/mosn.log",
                "default_log_level": "ERROR",
                "routers": [router(setup)],
                "listeners": [listener(setup)],
            }
        ],
        "cluster_manager": {"clusters": [cluster(name, setup) for name in setup.cluster_names()]},
    }


def router(setup: Setup) -> dict[str, Any]:
    routes = [{"match": match_of(setup, name), "route": {"cluster_name": name}} for name in setup.cluster_names()]
    return {
        "router_config_name": "bench",
        "virtual_hosts": [{"name": "bench", "domains": ["*"], "routers": routes}],
    }


def match_of(setup: Setup, cluster: str) -> dict[str, Any]:
    """A path prefix, or for RPC, which has none, any frame."""
    return {"prefix": setup.prefix_of(cluster)} if setup.http else {}


def listener(setup: Setup) -> dict[str, Any]:
    if setup.protocol == "tcp":
        network_filter: dict[str, Any] = {"type": "tcp_proxy", "config": {"cluster": "service-0"}}
    else:
        name = {"http1": "Http1", "http2": "Http2"}.get(setup.protocol, setup.protocol)
        names = {"downstream_protocol": name, "upstream_protocol": name, "router_config_name": "bench"}
        network_filter = {"type": "proxy", "config": names}
    return {
        "name": "bench",
        "address": f"127.0.0.1:{setup.port}",
        "bind_port": True,
        "filter_chains": [{"filters": [network_filter]}],
    }


def cluster(name: str, setup: Setup) -> dict[str, Any]:
    connections = RPC_CONNECTIONS if setup.protocol in ("bolt", "dubbo") else MOST_CONNECTIONS
    most = {"max_connections": connections, "max_pending_requests": MOST_CONNECTIONS, "max_requests": UNENDING}
    return {
        "name": name,
        "type": "SIMPLE",
        "lb_type": "LB_ROUNDROBIN",
        "max_request_per_conn": UNENDING,
        "circuit_breakers": [most],
        "hosts": [{"address": f"127.0.0.1:{setup.backend_port}"}],
    }
