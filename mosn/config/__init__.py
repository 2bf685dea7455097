"""Configuration: files and resources in, findings and snapshots out.

    text -> nodes (yaml_tree, json_tree) -> Bootstrap message (decode) -> rules, support -> lower -> Snapshot

MOSN's own JSON is translated into nodes of the same shape first (mosn_json), so everything after that is common and
every finding points into the file that the user wrote.  Only the controller and the command line import this package.

Nothing heavy is imported until a function is called: `mosn check` of a small file must not wait for what it does not
use.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mosn.config.dns import DnsTarget
    from mosn.config.load import LoadedConfig
    from mosn.config.lower.context import Resolved, StatRegistry
    from mosn.model import Snapshot

__all__ = ["build_snapshot", "config_dump", "dns_targets", "load_file", "load_text", "to_yaml"]


def load_file(path: str | os.PathLike[str]) -> LoadedConfig:
    """Read, decode and check a configuration file; every mistake is in the result's `findings`."""
    from mosn.config import load

    return load.load_file(path)


def load_text(text: str, name: str = "<text>") -> LoadedConfig:
    """As load_file, for text; `name` is what findings call it."""
    from mosn.config import load

    return load.load_text(text, name)


def build_snapshot(loaded: LoadedConfig, registry: StatRegistry, resolved: Resolved) -> Snapshot:
    """What the workers run.  `resolved` holds the addresses of dns_targets() by (hostname, port); a missing entry is a
    host that does not exist yet.  Raises ConfigError when the configuration has an error."""
    from mosn.config.findings import Findings
    from mosn.config.lower.snapshot import lower_bootstrap
    from mosn.errors import ConfigError

    loaded.require_good()
    findings = Findings(loaded.file)
    try:
        snapshot = lower_bootstrap(loaded.bootstrap, findings, registry, resolved, loaded.version)
    except ValueError as error:  # StatsFull: shared memory has no room for another block
        findings.add("MC0318", "", str(error))
        raise ConfigError(findings.sorted()) from error
    if findings.has_errors:  # a file that a data source names has gone since the load
        raise ConfigError(findings.sorted())
    return snapshot


def dns_targets(loaded: LoadedConfig) -> list[DnsTarget]:
    """The names that have to be resolved, with how often and to which family of addresses."""
    from mosn.config.dns import dns_targets_of

    return dns_targets_of(loaded.bootstrap)


def to_yaml(loaded: LoadedConfig) -> str:
    """The configuration as an Envoy bootstrap in YAML; secrets are not masked."""
    from mosn.config.dump import to_json
    from mosn.config.emit import to_yaml_text

    return to_yaml_text(to_json(loaded.bootstrap, masked=False))


def config_dump(loaded: LoadedConfig) -> dict[str, Any]:
    """Envoy's /config_dump as a JSON-able dict; secrets are masked."""
    from mosn.config.dump import config_dump_of

    return config_dump_of(loaded)
