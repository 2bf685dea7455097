"""Log lines to a file, FIFO or device by its path."""

from __future__ import annotations

import os
import select
from contextlib import suppress

CREATE_MODE = 0o644
WAIT_MS = 200


class FileTarget:
    """Appends to a path; the directory must exist.

    The file is opened without blocking, which changes nothing for a regular file but keeps a FIFO whose reader is
    slow or missing from holding the thread.
    """

    flush_seconds = 1.0

    def __init__(self, path: str) -> None:
        self.path = path
        self._fd = -1

    @staticmethod
    def takes(path: str) -> bool:
        return path.startswith("/")

    def open(self) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
        fd = os.open(self.path, flags, CREATE_MODE)
        self.close()
        self._fd = fd

    def write(self, data: memoryview) -> int:
        try:
            return os.write(self._fd, data)
        except BlockingIOError:
            wait_writable(self._fd)
            return 0

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            with suppress(OSError):  # a late write error of a network file system; the data is lost either way
                os.close(fd)


def wait_writable(fd: int) -> bool:
    """Wait up to WAIT_MS until `fd` takes bytes."""
    poll = select.poll()
    poll.register(fd, select.POLLOUT)
    return bool(poll.poll(WAIT_MS))
