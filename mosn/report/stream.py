"""Log lines to the program's own standard output or standard error."""

from __future__ import annotations

import os
import select

from mosn.report.file import wait_writable

DESCRIPTORS = {"/dev/stdout": 1, "/dev/stderr": 2}


class StreamTarget:
    """Writes to a descriptor that others share and that may therefore not be made non-blocking.

    Once poll() says that a pipe takes bytes, a write of up to PIPE_BUF does not block (pipe(7)); so a reader that has
    stopped cannot hold the thread.  Nothing is opened: the descriptor may be a socket of the service manager, and its
    name in /dev may belong to another user.
    """

    flush_seconds = 0.1

    def __init__(self, path: str) -> None:
        self.path = path
        self._fd = DESCRIPTORS[path]

    @staticmethod
    def takes(path: str) -> bool:
        return path in DESCRIPTORS

    def open(self) -> None:
        """There is nothing to open again."""

    def write(self, data: memoryview) -> int:
        if not wait_writable(self._fd):
            return 0
        piece = bytes(data[: select.PIPE_BUF])
        whole_lines = piece.rfind(b"\n") + 1  # one write is one piece in a pipe: nobody else's line comes in between
        return os.write(self._fd, piece[: whole_lines or len(piece)])

    def close(self) -> None:
        """The descriptor is the process's."""
