"""DataSource: bytes that stand in the configuration, a file, or an environment variable."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

from mosn.config.lower.context import Context


def read_source(ctx: Context, source: Any, path: str, limit: int) -> bytes:
    """The bytes; b"" and a finding when they cannot be read.  Files are read up to one byte beyond `limit`."""
    kind = source.WhichOneof("specifier")
    if kind == "inline_bytes":
        return bytes(source.inline_bytes)
    if kind == "inline_string":
        return str(source.inline_string).encode()
    if kind == "environment_variable":
        return _environment(ctx, source.environment_variable, f"{path}.environment_variable")
    if kind == "filename" and source.filename:
        return _file(ctx, source.filename, f"{path}.filename", limit)
    return b""


def _environment(ctx: Context, name: str, path: str) -> bytes:
    if name and name not in os.environ:
        ctx.report("MC0317", path, f"the environment has no variable {name}")
    return os.environ.get(name, "").encode(errors="surrogateescape")


def _file(ctx: Context, name: str, path: str, limit: int) -> bytes:
    try:
        if not stat.S_ISREG(os.stat(name).st_mode):
            raise OSError("not a regular file")
        with Path(name).open("rb") as file:
            return file.read(limit + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        ctx.report("MC0317", path, f'cannot read "{name}": {reason}')
        return b""
