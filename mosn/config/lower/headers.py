"""Header operations, and the order in which the levels of a route configuration apply theirs."""

from __future__ import annotations

import re
from typing import Any, Literal

from mosn.config.lower.context import Context
from mosn.model import HeaderOp

Side = Literal["request", "response"]
OpKind = Literal["append", "add", "overwrite", "replace", "remove"]

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
"""RFC 9110, section 5.6.2.  Envoy takes more and would write a malformed head."""
_ACTIONS: tuple[OpKind, ...] = ("append", "add", "overwrite", "replace")


def header_ops(ctx: Context, message: Any, side: Side, path: str) -> list[HeaderOp]:
    """The operations of one level.  Envoy removes before it adds."""
    removed = getattr(message, f"{side}_headers_to_remove")
    added = getattr(message, f"{side}_headers_to_add")
    prefix = f"{path}." if path else ""
    ops = [_remove(ctx, name, f"{prefix}{side}_headers_to_remove[{index}]") for index, name in enumerate(removed)]
    ops += [_add(ctx, option, f"{prefix}{side}_headers_to_add[{index}]") for index, option in enumerate(added)]
    return [op for op in ops if op]


def _fixed(name: str) -> bool:
    return name.startswith(":") or name.lower() == "host"


def _remove(ctx: Context, name: str, path: str) -> HeaderOp | None:
    if _fixed(name):
        ctx.report("MC0312", path, f'"{name}" cannot be removed')
        return None
    return {"op": "remove", "name": name.lower(), "value": "", "keep_empty": False}


def _add(ctx: Context, option: Any, path: str) -> HeaderOp | None:
    name = option.header.key
    if _fixed(name):
        ctx.report("MC0312", f"{path}.header.key", f'"{name}" cannot be set by a header operation')
        return None
    if name and not _TOKEN.match(name):
        if not ctx.findings.failed(f"{path}.header.key"):
            ctx.report("MC0109", f"{path}.header.key", f'"{name}" is not a header name')
        return None
    value = ctx.format(_value(ctx, option.header, path), f"{path}.header.value")
    return {
        "op": _operation(ctx, option, path),
        "name": name.lower(),
        "value": value,
        "keep_empty": option.keep_empty_value,
    }


def _value(ctx: Context, header: Any, path: str) -> str:
    if not header.raw_value:
        return str(header.value)
    if header.value:
        ctx.report("MC0315", f"{path}.header.raw_value", "both value and raw_value are set")
    try:
        return str(header.raw_value.decode())
    except UnicodeDecodeError:
        ctx.report("MC0204", f"{path}.header.raw_value", "a header value that is not UTF-8 is not implemented")
        return ""


def _operation(ctx: Context, option: Any, path: str) -> OpKind:
    if not option.HasField("append"):
        return _ACTIONS[option.append_action] if 0 <= option.append_action < len(_ACTIONS) else "append"
    if option.append_action != 0:
        ctx.report("MC0315", f"{path}.append", "both append and append_action are set")
    return "append" if option.append.value else "overwrite"
