"""From a file to a checked Bootstrap message."""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from mosn.config.findings import Findings
from mosn.config.nodes import Mapping, Node, Scalar, SyntaxFault, describe
from mosn.errors import ConfigError, Finding

MAX_FILE_BYTES = 64 * 1024 * 1024
Kind = Literal["envoy", "mosn"]
_MOSN_KEYS = frozenset({"servers", "cluster_manager"})


@dataclass(slots=True)
class LoadedConfig:
    """A file that was read.  `bootstrap` holds what could be understood, even when there are errors; `version` is a
    digest of the text; `loaded_at` is seconds since 1970."""

    file: str
    kind: Kind
    version: str
    bootstrap: Any
    findings: list[Finding]
    loaded_at: float = field(default_factory=time.time)

    @property
    def errors(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.severity == "error"]

    @property
    def warnings(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.severity == "warning"]

    def require_good(self) -> None:
        """Raises ConfigError when the configuration has an error."""
        if self.errors:
            raise ConfigError(self.findings)


def load_file(path: str | os.PathLike[str]) -> LoadedConfig:
    """Read, decode and check a file.  Never raises for what the file is or says: findings tell."""
    name = os.fspath(path)
    findings = Findings(name)
    data = _read(name, findings)
    return _load(data, name, findings)


def load_text(text: str, name: str = "<text>") -> LoadedConfig:
    """As load_file; `name` stands in findings and its ending says the format."""
    return _load(text.encode(errors="surrogatepass"), name, Findings(name))


def _read(name: str, findings: Findings) -> bytes | None:
    try:
        status = os.stat(name)
        if not stat.S_ISREG(status.st_mode):
            raise OSError("not a regular file")
        if status.st_size > MAX_FILE_BYTES:
            raise OSError("larger than 64 MiB")
        return Path(name).read_bytes()
    except (OSError, ValueError) as error:
        findings.add_file("MC0001", 0, 0, f"cannot read the file: {getattr(error, 'strerror', None) or error}")
        return None


def _load(data: bytes | None, name: str, findings: Findings) -> LoadedConfig:
    from envoy.config.bootstrap.v3.bootstrap_pb2 import Bootstrap  # type: ignore[import-untyped]

    bootstrap = Bootstrap()
    node = _parse(data, name, findings) if data is not None else None
    version = hashlib.sha256(data or b"").hexdigest()[:12]
    kind: Kind = "envoy"
    if isinstance(node, Mapping):
        kind = kind_of(node)
        _fill(node, kind, bootstrap, findings, version)
    return LoadedConfig(name, kind, version, bootstrap, findings.sorted())


def kind_of(root: Mapping) -> Kind:
    """MOSN's own JSON is told apart by its keys; it may embed Envoy's static_resources."""
    return "mosn" if any(key.text in _MOSN_KEYS for key, _ in root.pairs()) else "envoy"


def _parse(data: bytes, name: str, findings: Findings) -> Node | None:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
        findings.add_file("MC0001", line, column, f"not UTF-8 text (byte {data[error.start]:#04x})")
        return None
    try:
        node = parse(text, name)
    except SyntaxFault as fault:
        findings.add_file(fault.code, fault.line, fault.column, fault.text)
        return None
    if isinstance(node, Scalar) and node.value is None:
        findings.add_file("MC0005", 1, 1, "the file is empty")
    elif not isinstance(node, Mapping):
        findings.add_file("MC0005", node.line, node.column, f"expected a mapping at the top, found {describe(node)}")
    return node


def parse(text: str, name: str) -> Node:
    """The tree of a text; the file's name or first character says the format.  Raises SyntaxFault."""
    lower = name.lower()
    if lower.endswith(".json") or (not lower.endswith((".yaml", ".yml")) and text.lstrip()[:1] == "{"):
        from mosn.config.json_tree import parse_json

        return parse_json(text)
    from mosn.config.yaml_tree import parse_yaml

    return parse_yaml(text)


def _fill(root: Mapping, kind: Kind, bootstrap: Any, findings: Findings, version: str) -> None:
    from mosn.config.decode import decode
    from mosn.config.lower.context import NullRegistry
    from mosn.config.lower.snapshot import lower_bootstrap
    from mosn.config.rules import check_rules
    from mosn.config.support import check_support

    if kind == "mosn":
        from mosn.config.mosn_json import translate

        root = translate(root, findings)
    decode(root, bootstrap, findings)
    check_rules(bootstrap, findings)
    check_support(bootstrap, findings)
    lower_bootstrap(bootstrap, findings, NullRegistry(), {}, version)


def errors_of(findings: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.severity == "error"]
