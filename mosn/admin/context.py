"""What the admin needs from the process that hosts it.

The controller implements `AdminContext`; tests implement it with a few lines.  Properties are read on every request
and must be cheap; whatever may wait for another process is a coroutine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypedDict

from mosn._fastpath.shm.segment import Segment
from mosn.model import Snapshot


class WorkerRow(TypedDict):
    index: int
    pid: int  # 0 while it is being restarted
    state: str  # "starting", "running", "draining", "stopped"
    started: float  # seconds since 1970
    restarts: int
    connections: int


class Change(TypedDict):
    """One line of the console's list of changes."""

    time: float  # seconds since 1970
    kind: str  # "start", "reload", "upgrade", "drain", "worker", "dns", "logging", ...
    text: str
    ok: bool


class CommandFailed(Exception):
    """A command was refused or did not happen; nothing that worked before is lost.

    `findings` are the configuration's findings, each at least {"code", "path", "text"} and, when known, "file",
    "line", "column".  `caller` says that the request was at fault (answered 4xx), else it is ours (5xx).
    """

    def __init__(self, message: str, findings: Sequence[Mapping[str, Any]] = (), *, caller: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.findings = list(findings)
        self.caller = caller


class AdminContext(Protocol):
    @property
    def snapshot(self) -> Snapshot | None:
        """The snapshot that workers run, or None before the first."""

    @property
    def loaded_config(self) -> Any:
        """What `mosn.config` loaded (bootstrap message and version); `mosn.config.config_dump` takes it.  None before
        the first."""

    @property
    def segment(self) -> Segment: ...

    @property
    def healthcheck_failed(self) -> bool:
        """Set by the commands healthcheck_fail and healthcheck_ok."""

    @property
    def draining(self) -> bool:
        """The whole box is draining: /ready says DRAINING."""

    @property
    def started_at(self) -> float:
        """When this run began, seconds since 1970; a hot upgrade and a new controller do not change it."""

    @property
    def epoch(self) -> int:
        """Hot upgrades so far in this run; 0 for the first program."""

    @property
    def version(self) -> str:
        """The program's version, e.g. "0.1.0"."""

    @property
    def run_dir(self) -> Path: ...

    @property
    def log_levels(self) -> Mapping[str, str]:
        """Logger name to level ("trace", "debug", "info", "warning", "error", "critical", "off")."""

    @property
    def changes(self) -> Sequence[Change]:
        """Newest last, bounded."""

    @property
    def listener_addresses(self) -> Mapping[str, Sequence[str]]:
        """Listener name to the addresses that it really has (a port 0 filled in), as far as they are known."""

    def counters(self) -> Mapping[str, int]:
        """Counters that the controller itself keeps, by Envoy's dotted name ("cluster.a.update_attempt",
        "filesystem.write_completed").  Added to the workers' counter of the same name."""

    def gauges(self) -> Mapping[str, int]:
        """Gauges that the controller itself keeps, by Envoy's dotted name."""

    async def workers(self) -> list[WorkerRow]: ...

    async def command(self, what: str, /, **args: Any) -> dict[str, Any]:
        """Run one command and wait for its result.  Raises CommandFailed.

        reload()                                    {"version": new, "previous": old}
        upgrade()
        drain_listeners(graceful, inbound_only)     both bool
        healthcheck_fail(), healthcheck_ok()
        logging(level, name="")                     name "" means every logger
        reopen_logs()
        quit()                                      returns once the stop has been ordered, not when it is over
        """
