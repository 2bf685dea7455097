"""From a file to a declaration."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from mosn.config.declaration.entry import Entry
from mosn.config.declaration.read import read_mapping
from mosn.config.findings import Findings
from mosn.config.nodes import SyntaxFault
from mosn.config.yaml_tree import parse_yaml
from mosn.model import Declaration

_PROVIDED = Path(__file__).parents[2] / "protocol" / "declared"


@cache
def provided() -> tuple[str, ...]:
    """Names of the protocols that come with the program as declarations."""
    return tuple(sorted(path.stem for path in _PROVIDED.glob("*.yaml")))


def load_declaration(name: str) -> Declaration:
    """A provided one.  Raises ValueError when it has a fault."""
    path = _PROVIDED / f"{name}.yaml"
    findings = Findings(str(path))
    made = read_declaration(path.read_text(), findings)
    if made is None:
        raise ValueError("\n".join(map(str, findings.sorted())))
    return made


def read_declaration(text: str, findings: Findings) -> Declaration | None:
    """The declaration, or None and findings that say why not."""
    try:
        node = parse_yaml(text)
    except SyntaxFault as fault:
        findings.add_file(fault.code, fault.line, fault.column, fault.text)
        return None
    entry = Entry(findings, node, "")
    made = read_mapping(entry)
    if not findings.has_errors:
        fault_text = _compiled(made)
        if fault_text:
            entry.report("MC0505", fault_text)
    return None if findings.has_errors else made


def _compiled(made: Declaration) -> str:
    """Why it cannot be compiled, or ""; nothing is known of that where the extensions are not built."""
    try:
        from mosn._fastpath.codec.declared_make import check_declaration
    except ImportError:
        return ""
    try:
        check_declaration(made)
    except ValueError as error:
        return str(error)
    return ""
