"""The kinds of log destination.  A new one is a file beside this and a line in KINDS."""

from __future__ import annotations

from mosn.report.file import FileTarget
from mosn.report.sink import Target
from mosn.report.stream import StreamTarget

KINDS: tuple[type[StreamTarget] | type[FileTarget], ...] = (
    StreamTarget,  # /dev/stdout, /dev/stderr
    FileTarget,  # any other absolute path
)


def target_for(path: str) -> Target:
    """Raises ValueError for a path that no kind takes (a relative one)."""
    for kind in KINDS:
        if kind.takes(path):
            return kind(path)
    raise ValueError(f"access log path {path!r} is not absolute")
