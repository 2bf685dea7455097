"""Files that a configuration names, such as certificates: their changes are a reason to build the snapshot anew."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable

INTERVAL_SECONDS = 1.0
OFTEN_ENOUGH_SECONDS = 3600.0
"""Keys of session tickets change with time: the snapshot is looked at so often even if no file changes."""

Mark = tuple[int, int, int] | None


def mark_of(path: str) -> Mark:
    """What tells one content of a file from the next.  Links are followed: secrets are often swapped by one."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino, status.st_size


class WatchedFiles:
    """Looks at the files every second and calls `changed` when one is another than before."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._marks: dict[str, Mark] = {}
        self._idle = 0.0

    def keep(self, paths: Iterable[str]) -> None:
        """Watch these.  New ones may have changed since they were read: `changed` is called for them."""
        marks = {path: self._marks.get(path) or mark_of(path) for path in paths}
        fresh = marks.keys() - self._marks.keys()
        self._marks = marks
        if fresh:
            self._changed()

    async def run(self) -> None:
        """For ever."""
        while True:
            await asyncio.sleep(INTERVAL_SECONDS)
            self.look()

    def look(self) -> None:
        if not self._marks:
            return
        now = {path: mark_of(path) for path in self._marks}
        self._idle += INTERVAL_SECONDS
        if now != self._marks or self._idle >= OFTEN_ENOUGH_SECONDS:
            self._marks, self._idle = now, 0.0
            self._changed()
