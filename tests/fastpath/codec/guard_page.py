"""Memory with an unreadable page on either side: one byte too far ends the process."""

from __future__ import annotations

import ctypes
import mmap
from types import TracebackType
from typing import Self

PAGE = mmap.PAGESIZE
PROT_NONE = 0
PROT_READ_WRITE = mmap.PROT_READ | mmap.PROT_WRITE
libc = ctypes.CDLL(None, use_errno=True)


class GuardedPages:
    """`pages` readable pages between two that are not."""

    def __init__(self, pages: int) -> None:
        self.size = pages * PAGE
        self._map = mmap.mmap(-1, self.size + 2 * PAGE)
        self._anchor = ctypes.c_char.from_buffer(self._map)
        self.start = ctypes.addressof(self._anchor) + PAGE
        self._protect(PROT_NONE)

    def _protect(self, how: int) -> None:
        for address in (self.start - PAGE, self.start + self.size):
            if libc.mprotect(ctypes.c_void_p(address), ctypes.c_size_t(PAGE), how):
                raise OSError(ctypes.get_errno(), "mprotect")

    def at_end(self, data: bytes) -> int:
        """Put data right in front of the second guard; its address."""
        return self._put(self.start + self.size - len(data), data)

    def at_start(self, data: bytes) -> int:
        return self._put(self.start, data)

    def _put(self, address: int, data: bytes) -> int:
        if len(data) > self.size:
            raise ValueError("more than the pages hold")
        ctypes.memmove(address, data, len(data))
        return address

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._protect(PROT_READ_WRITE)
        del self._anchor
        self._map.close()
