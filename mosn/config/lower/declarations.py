"""The declaration of an RPC protocol that a filter names or brings."""

from __future__ import annotations

from typing import Any

from mosn.config.declaration import load_declaration, provided, read_declaration
from mosn.config.findings import Findings
from mosn.config.lower.context import Context
from mosn.config.lower.datasource import read_source
from mosn.errors import Finding
from mosn.model import Declaration

_MAX_DECLARATION = 256 * 1024


def lower_declaration(ctx: Context, config: Any, path: str) -> Declaration | None:
    """What describes the protocol; None for those that need none, and after findings."""
    made = None
    if config.HasField("declaration"):
        made = _own_declaration(ctx, config, f"{path}.declaration")
        if made is not None and made["name"] != config.protocol:
            ctx.report("MC0315", f"{path}.protocol", f'the declaration is of "{made["name"]}"')
    elif config.protocol in provided():
        made = load_declaration(config.protocol)
    if made is not None and config.default_service:
        made = {**made, "service": {**made["service"], "otherwise": config.default_service}}
    elif config.default_service:
        ctx.report("MC0315", f"{path}.default_service", "requests of this protocol say their service")
    return made


def _own_declaration(ctx: Context, config: Any, path: str) -> Declaration | None:
    """Findings in a file of its own have its lines; others are told at the field, with the line in the text."""
    text = read_source(ctx, config.declaration, path, _MAX_DECLARATION).decode(errors="replace")
    if len(text) > _MAX_DECLARATION:
        ctx.report("MC0317", path, f"a declaration has at most {_MAX_DECLARATION} bytes")
        return None
    if not text:
        if not ctx.findings.failed(path):
            ctx.report("MC0108", path, "is empty")
        return None
    findings = Findings(config.declaration.filename or ctx.findings.file)
    made = read_declaration(text, findings)
    if config.declaration.filename:
        ctx.findings.include(findings.sorted(), path)
    else:
        for finding in findings.sorted():
            _tell_inline(ctx, path, finding)
    return made


def _tell_inline(ctx: Context, path: str, finding: Finding) -> None:
    where = f"line {finding.line}:{finding.column} {finding.path}".rstrip()
    ctx.report(finding.code, path, f"{where}: {finding.text}", suggestion=finding.suggestion)
