"""A worker's side of the shared-memory segment, by the compiled functions that workers use."""

from __future__ import annotations

from mosn._fastpath.shm import probe
from mosn._fastpath.shm.segment import Segment

ACCESS_LOG = 1
"""LOG_RECORD of mosn/_fastpath/proxy/log.pyx."""

STATES = ("none", "starting", "serving", "draining")


class WorkerSide:
    """What one worker does to its region."""

    def __init__(self, segment: Segment, worker: int, wake_fd: int = -1) -> None:
        self._segment, self._worker = segment, worker
        if wake_fd >= 0:
            segment.set_wake_fd(worker, wake_fd)

    def count(self, index: int, n: int = 1) -> None:
        probe.count_many(self._segment, self._worker, index, 1, n)

    def gauge(self, index: int, n: int = 1) -> None:
        probe.add_gauge(self._segment, self._worker, index, n)

    def take(self, row: int, kind: int, maximum: int = 1000) -> bool:
        return probe.take(self._segment, self._worker, row, kind, maximum)

    def record(self, index: int, value: int) -> None:
        probe.record(self._segment, self._worker, index, [value])

    def log(self, data: bytes, sink: int = 0, kind: int = ACCESS_LOG) -> bool:
        """False when there was no room."""
        return probe.put(self._segment, self._worker, kind, sink, data)

    def report(self, state: str) -> None:
        probe.set_status(self._segment, self._worker, STATES.index(state))
