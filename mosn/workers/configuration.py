"""Where the controller's configurations come from: `mosn.config`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mosn.model import Snapshot
from mosn.upstream import DnsTarget, Resolved
from mosn.workers.hosting import Load
from mosn.workers.options import StartOptions


class ConfigurationLoader:
    """See `mosn.workers.hosting.Loader`."""

    def load(self, options: StartOptions) -> Load:
        raise NotImplementedError

    def resume(self, options: StartOptions, state: bytes) -> Any:
        raise NotImplementedError

    def dns_targets(self, config: Any) -> Sequence[DnsTarget]:
        raise NotImplementedError

    def build(self, config: Any, previous: Snapshot | None, resolved: Resolved) -> Snapshot:
        raise NotImplementedError
