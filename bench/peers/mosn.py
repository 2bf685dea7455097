"""This project's proxy, of this checkout or of another one."""

from __future__ import annotations

import json
from pathlib import Path

from bench.cache import CHECKOUT
from bench.peers import mosn_go
from bench.peers.base import PeerDefaults, Setup
from bench.peers.bootstrap import bootstrap


class Mosn(PeerDefaults):
    """Whole-proxy figures are those of master, controller and workers."""

    def __init__(self, name: str = "mosn", checkout: Path = CHECKOUT) -> None:
        self.name = name
        self.checkout = checkout
        self.program = checkout / ".venv" / "bin" / "mosn"

    def absent(self) -> str | None:
        """Present when the checkout has been set up."""
        return None if self.program.exists() else f"no {self.program.name} command in the checkout; run ./tools/setup"

    def configure(self, setup: Setup) -> Path:
        """Write the same file as Envoy's, or for RPC, which Envoy does not know or knows in part, as MOSN's."""
        path = setup.directory / ("mosn.json" if setup.protocol in ("bolt", "dubbo") else "mosn.yaml")
        path.write_text(json.dumps(mosn_go.configuration(setup)) if path.suffix == ".json" else bootstrap(setup))
        return path

    def command(self, configuration: Path, setup: Setup) -> list[str]:
        """Master in the foreground."""
        run_directory = str(setup.directory / "run")
        workers = ["--workers", str(setup.workers)]
        return [str(self.program), "start", "-c", str(configuration), "--run-dir", run_directory, *workers]

    def environment(self, setup: Setup) -> dict[str, str]:
        """The code of this checkout, wherever the environment was set up."""
        return {"PYTHONPATH": str(self.checkout)}

    def check_command(self, configuration: Path, setup: Setup) -> list[str]:
        """`mosn check`."""
        return [str(self.program), "check", "-c", str(configuration)]
