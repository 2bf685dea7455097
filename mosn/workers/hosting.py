"""The frame that the controller's parts plug into: where configurations come from, and services."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from mosn.errors import Finding
from mosn.model import Snapshot
from mosn.upstream import DnsTarget, Resolved
from mosn.workers.options import StartOptions


class Load(NamedTuple):
    """What a loader made of the configuration.

    `config` is None when it cannot be used; `findings` then says why, else what is worth a warning.  `state` is what
    `Loader.resume` needs to come to the same `config` in another process.
    """

    config: Any
    findings: Sequence[Finding]
    state: bytes = b""


class Loader(Protocol):
    """Configuration in, snapshots out.  Called on a thread: may take its time."""

    def load(self, options: StartOptions) -> Load: ...

    def resume(self, options: StartOptions, state: bytes) -> Any:
        """The `config` that `state` was made of, whatever the file says now."""

    def dns_targets(self, config: Any) -> Sequence[DnsTarget]:
        """Names that `build` wants resolved."""

    def build(self, config: Any, previous: Snapshot | None, resolved: Resolved) -> Snapshot:
        """`previous` is the one before in this run: blocks of statistics keep their places."""


class Host(Protocol):
    """What a service sees of the controller."""

    @property
    def options(self) -> StartOptions: ...
    @property
    def snapshot(self) -> Snapshot | None: ...
    @property
    def segment(self) -> Any: ...
    @property
    def wake_fds(self) -> Sequence[int]:
        """One eventfd per worker: readable when its record ring has something."""

    @property
    def admin_socket(self) -> socket.socket | None:
        """Listening.  The master keeps a copy, so that it survives this process."""

    @property
    def run_dir(self) -> Path: ...

    async def command(self, what: str, /, **args: Any) -> dict[str, Any]:
        """A control command.  Raises `mosn.admin.CommandFailed`."""

    def add_numbers(self, counters: Callable[[], Mapping[str, int]], gauges: Callable[[], Mapping[str, int]]) -> None:
        """Counters and gauges that a service keeps itself, for the admin to show."""


class Service:
    """A part of the controller.  Override what is needed; `start` comes first, `stop` last."""

    async def open(self, host: Host) -> None:
        """The shared memory is there; no configuration is."""

    async def prepare(self, snapshot: Snapshot) -> list[str]:
        """This snapshot is about to be offered to the workers; what speaks against it, a sentence each.  Must not
        harm the running one, which stays if any worker refuses."""
        return []

    def warm(self) -> None:
        """Import what `start` will need: called while the workers are being started."""

    async def start(self, host: Host) -> None:
        """Workers run `host.snapshot`.  Raises OSError when the service cannot be had."""

    async def snapshot_changed(self, host: Host) -> None:
        """Workers run another `host.snapshot` now."""

    async def reopen_logs(self) -> None: ...

    async def stop(self) -> None:
        """Finish: traffic has ended or another process takes over."""
