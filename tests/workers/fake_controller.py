"""The real controller with a configuration format of three keys: version, listeners, admin."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mosn.errors import Finding
from mosn.model import Snapshot
from mosn.upstream import DnsTarget, Resolved
from mosn.workers.controller import host_controller
from mosn.workers.hosting import Load, Service
from mosn.workers.messages import Binding
from mosn.workers.options import StartOptions
from mosn.workers.services import AccessLogs, ConfigWatch


class JsonLoader:
    def load(self, options: StartOptions) -> Load:
        text = Path(options.config).read_bytes()
        try:
            return Load(json.loads(text), [], text)
        except ValueError as error:
            return Load(None, [Finding("MOSN0001", "error", options.config, 1, 1, "", str(error))])

    def resume(self, options: StartOptions, state: bytes) -> Any:
        return json.loads(state)

    def dns_targets(self, config: Any) -> Sequence[DnsTarget]:
        return []

    def build(self, config: Any, previous: Snapshot | None, resolved: Resolved) -> Snapshot:
        listeners = []
        for name, address in config["listeners"].items():
            listeners.append({**Binding(name, address)._asdict(), "bind_to_port": True})
        snapshot: Any = {
            "version": config["version"],
            "listeners": listeners,
            "log_sinks": [{"path": path} for path in config.get("logs", [])],
            "admin_address": config.get("admin", ""),
        }
        return snapshot  # type: ignore[no-any-return]


class Scribe(Service):
    """Writes what happens to it into a file of the run directory."""

    async def start(self, host: Any) -> None:
        self._file = host.run_dir / "scribe"
        self._write(f"start {host.snapshot and host.snapshot['version']}")

    async def snapshot_changed(self, host: Any) -> None:
        self._write(f"changed {host.snapshot['version']}")

    async def reopen_logs(self) -> None:
        self._write("reopen")

    async def stop(self) -> None:
        self._write("stop")

    def _write(self, line: str) -> None:
        with self._file.open("a") as file:
            file.write(line + "\n")


if __name__ == "__main__":
    host_controller(JsonLoader(), [AccessLogs(), ConfigWatch(), Scribe()])
