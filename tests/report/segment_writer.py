"""A worker's side of the shared-memory segment in Python, so that tests can count, record and log without an engine.

Follows segment.pyx and ring.pyx (layout version 1) byte for byte; in the product only compiled code writes there.
"""

from __future__ import annotations

import mmap
import os
import struct

from mosn._fastpath.shm.segment import Segment

LAYOUT_VERSION = 1
PAGE = 4096
MAX_WORKERS, MAX_COUNTERS, MAX_GAUGES, MAX_HISTOGRAMS, MAX_LIMIT_ROWS = 64, 2097152, 1048576, 32768, 65536
RING_BYTES = 4194304
LIMITS_AT = PAGE
GAUGES_AT = LIMITS_AT + MAX_LIMIT_ROWS * 4 * 4
RING_HEADER_AT = GAUGES_AT + MAX_GAUGES * 8
RING_AT = RING_HEADER_AT + PAGE
COUNTERS_AT = RING_AT + RING_BYTES
HISTOGRAMS_AT = COUNTERS_AT + MAX_COUNTERS * 8
HEAD, TAIL, WRITTEN, DROPPED, WAKES, SLEEPING = 0, 64, 128, 136, 144, 152


class WorkerSide:
    """What one worker does to its region."""

    def __init__(self, segment: Segment, worker: int, wake_fd: int = -1) -> None:
        self._map = mmap.mmap(segment.fd, 0)
        layout, _, size, region = struct.unpack_from("=IIQQ", self._map, 8)
        assert (layout, region) == (LAYOUT_VERSION, HISTOGRAMS_AT + MAX_HISTOGRAMS * 2048), "segment.pyx has changed"
        assert size == len(self._map)
        self._worker = worker
        self._at = PAGE + worker * region
        self._wake_fd = wake_fd

    def _add(self, offset: int, form: str, n: int) -> None:
        (value,) = struct.unpack_from(form, self._map, self._at + offset)
        struct.pack_into(form, self._map, self._at + offset, value + n)

    def count(self, index: int, n: int = 1) -> None:
        self._add(COUNTERS_AT + index * 8, "=Q", n)

    def gauge(self, index: int, n: int = 1) -> None:
        self._add(GAUGES_AT + index * 8, "=q", n)

    def limit(self, row: int, kind: int, n: int = 1) -> None:
        self._add(LIMITS_AT + self._worker * 64 + (row * 4 + kind) * 4, "=I", n)

    def record(self, index: int, value: int) -> None:
        base = HISTOGRAMS_AT + index * 2048
        bucket = value if value < 8 else 8 * (value.bit_length() - 4) + (value >> (value.bit_length() - 4))
        self._add(base + min(bucket, 253) * 8, "=Q", 1)
        self._add(base + 254 * 8, "=Q", value)
        self._add(base + 255 * 8, "=Q", 1)

    def log(self, data: bytes, sink: int = 0, kind: int = 0) -> bool:
        """ring_put: False when there was no room."""
        tail, head = self._ring(TAIL), self._ring(HEAD)
        size = (8 + len(data) + 7) & ~7
        if tail + size - head > RING_BYTES:
            self._add(RING_HEADER_AT + DROPPED, "=Q", 1)
            return False
        self._copy(tail, struct.pack("=IHH", len(data), kind, sink) + data)
        self._add(RING_HEADER_AT + WRITTEN, "=Q", 1)
        struct.pack_into("=Q", self._map, self._at + RING_HEADER_AT + TAIL, tail + size)
        self._wake()
        return True

    def _ring(self, field: int) -> int:
        value: int = struct.unpack_from("=Q", self._map, self._at + RING_HEADER_AT + field)[0]
        return value

    def _copy(self, position: int, data: bytes) -> None:
        start, ring = position % RING_BYTES, self._at + RING_AT
        first = data[: RING_BYTES - start]
        self._map[ring + start : ring + start + len(first)] = first
        self._map[ring : ring + len(data) - len(first)] = data[len(first) :]

    def _wake(self) -> None:
        if self._wake_fd >= 0 and self._ring(SLEEPING):
            struct.pack_into("=Q", self._map, self._at + RING_HEADER_AT + SLEEPING, 0)
            self._add(RING_HEADER_AT + WAKES, "=Q", 1)
            os.write(self._wake_fd, struct.pack("=Q", 1))
