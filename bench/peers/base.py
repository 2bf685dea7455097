"""What a peer is to the benchmark: where its program is, and how it is configured and started."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from signal import SIGTERM, Signals
from typing import Protocol


class PeerFailure(Exception):
    """A proxy could not be measured; the text says what it said."""


class CannotTakePart(PeerFailure):
    """A proxy does not do what a row is about."""


@dataclass(frozen=True)
class Setup:
    """One proxy instance: `port` leads to 127.0.0.1:`backend_port`."""

    protocol: str
    port: int
    backend_port: int
    directory: Path
    workers: int = 1
    # The first cluster carries the traffic; the others, each with its route, are what a sidecar holds besides.
    clusters: int = 1
    # Bodies of 64 KiB: each peer gets the buffers or the splicing that made it cheapest then.
    bulk: bool = False
    # Directory of cert.pem, key.pem and both.pem when clients speak TLS to the proxy.
    certificate: Path | None = None

    @property
    def http(self) -> bool:
        """Whether peers that know no RPC protocol have more to do than pass bytes on."""
        return self.protocol in ("http1", "http2")

    def cluster_names(self) -> list[str]:
        """Names in the order of routes: the catch-all, which is the first cluster's, comes last."""
        return [f"service-{number}" for number in range(1, self.clusters)] + ["service-0"]

    @staticmethod
    def prefix_of(cluster: str) -> str:
        """The path prefix routed to a cluster."""
        return "/" if cluster == "service-0" else f"/{cluster}/"


class Peer(Protocol):
    """One proxy of the comparison."""

    name: str
    stop_signal: Signals

    def absent(self) -> str | None:
        """Why this peer cannot run here and what to do about it; None when it can."""

    def configure(self, setup: Setup) -> Path:
        """Write the configuration into the setup's directory and return its path."""

    def command(self, configuration: Path, setup: Setup) -> list[str]:
        """What starts the proxy in the foreground."""

    def check_command(self, configuration: Path, setup: Setup) -> list[str] | None:
        """What only checks the configuration, or None when the peer cannot."""

    def environment(self, setup: Setup) -> dict[str, str]:
        """Variables to set beside the inherited ones."""


class PeerDefaults:
    """What most peers have in common."""

    stop_signal = SIGTERM

    def environment(self, setup: Setup) -> dict[str, str]:
        """No variables."""
        return {}


# Limits well above the load, the same for all: they are counted but never reached.
MOST_CONNECTIONS = 12_000
# Idle time, in seconds, longer than any row runs.
PATIENCE = 600
# Requests on one connection before it is renewed: never.
UNENDING = 1_000_000_000
# Idle upstream connections kept: more than any row has in flight.
POOL = 512
BACKLOG = 4096
