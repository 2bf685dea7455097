"""Where the controller's configurations come from: `mosn.config`, which knows nothing of processes and DNS."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mosn import config as configuration
from mosn._fastpath.shm.stats import StatRegistry
from mosn.model import Snapshot
from mosn.upstream import DnsTarget, Resolved
from mosn.workers.hosting import Load
from mosn.workers.options import StartOptions
from mosn.workers.sink_numbers import number_sinks


class Target(NamedTuple):
    """`mosn.upstream.DnsTarget`."""

    cluster: str
    hostname: str
    port: int
    refresh_ms: int
    family: str
    kind: str


class ConfigurationLoader:
    """See `mosn.workers.hosting.Loader`."""

    _registry: StatRegistry | None = None

    def load(self, options: StartOptions) -> Load:
        # The text is kept: a new controller goes on with what was read now, not with what the file says then.
        try:
            text = Path(options.config).read_bytes()
            loaded = configuration.load_text(text.decode(), options.config)
        except (OSError, UnicodeDecodeError):
            text, loaded = b"", configuration.load_file(options.config)
        bad = bool(loaded.errors) or (options.strict and bool(loaded.warnings))
        return Load(None if bad else _named(loaded, options), loaded.findings, text)

    def resume(self, options: StartOptions, state: bytes) -> Any:
        return _named(configuration.load_text(state.decode(), options.config), options)

    def dns_targets(self, config: Any) -> Sequence[DnsTarget]:
        return [
            Target(item.cluster, item.hostname, item.port, item.refresh_ms, item.family, item.type)
            for item in configuration.dns_targets(config)
        ]

    def build(self, config: Any, previous: Snapshot | None, resolved: Resolved) -> Snapshot:
        if self._registry is None:
            self._registry = StatRegistry(previous["stats_scopes"] if previous else None)
        addresses: dict[tuple[str, int], list[str]] = {}
        for (_, hostname, port), endpoints in resolved.items():
            known = addresses.setdefault((hostname, port), [])
            known += [host for host in map(_host, endpoints) if host not in known]
        snapshot = configuration.build_snapshot(config, self._registry, addresses)
        number_sinks(snapshot, previous)
        return snapshot


def _named(loaded: Any, options: StartOptions) -> Any:
    """As in Envoy, the command line's identity wins over the file's."""
    node = loaded.bootstrap.node
    node.id = options.service_node or node.id
    node.cluster = options.service_cluster or node.cluster
    return loaded


def _host(endpoint: str) -> str:
    return endpoint.rpartition(":")[0].strip("[]")
