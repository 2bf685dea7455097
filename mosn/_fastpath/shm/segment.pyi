"""The shared-memory segment of a box: the readers' and the master's side.

Each worker writes to a region of its own; readers here sum over all regions.  A region has one writer at a time: during
an upgrade the new workers take regions that the old ones do not use (`claim_region`).
"""

from typing import NamedTuple

from mosn._fastpath.shm.histogram import HistogramData

class WorkerStatusData(NamedTuple):
    """What a worker says about itself.  `started_us`: microseconds since 1970; `heartbeat_us`: CLOCK_MONOTONIC
    microseconds; `loop_max_us`: longest turn of its loop since `clear_loop_max`; `snapshot`: how many it installed;
    `state`: "none", "starting", "serving" or "draining"."""

    pid: int
    started_us: int
    heartbeat_us: int
    connections: int
    loop_max_us: int
    snapshot: int
    state: str

class Segment:
    fd: int
    """The memfd; pass it on to other processes, which `attach` it."""
    workers: int
    """Regions in use when this object was made."""

    @staticmethod
    def create(workers: int) -> Segment:
        """A new segment, all zero, for 1..64 workers.  Raises ValueError, and OSError when it cannot be made."""
    @staticmethod
    def attach(fd: int) -> Segment:
        """Map an existing segment.  Owns `fd` from then on.  Raises ValueError (and leaves `fd` alone) when it is no
        segment or one of another layout version."""
    def close(self) -> None:
        """Unmap and close.  No engine may be using it any more."""
    @property
    def regions_in_use(self) -> int:
        """Highest worker number that ever started, plus one."""
    def counter(self, index: int) -> int: ...
    def counters(self, base: int, n: int) -> list[int]:
        """A block of counters, each summed over all regions.  IndexError outside of the table."""
    def worker_counter(self, worker: int, index: int) -> int:
        """One worker's part of a counter; reset_counters does not change it."""
    def gauge(self, index: int) -> int: ...
    def gauges(self, base: int, n: int) -> list[int]: ...
    def histogram(self, index: int) -> HistogramData: ...
    def limit(self, row: int, kind: int) -> int:
        """How many are out of this limit (kind: 0 connections, 1 pending, 2 requests, 3 retries)."""
    def status(self, worker: int) -> WorkerStatusData: ...
    def claim_region(self) -> int:
        """The lowest worker number that nobody uses; it counts as "starting" from then on.  Only the master calls
        this.  RuntimeError when all 64 are used."""
    def clear_worker(self, worker: int) -> None:
        """Zero a worker's gauges, limit slots and status.  Only the master calls this, after it reaped the worker."""
    def clear_loop_max(self, worker: int) -> None: ...
    def set_wake_fd(self, worker: int, fd: int) -> None:
        """The eventfd (non-blocking) that this process's producer of the worker's ring wakes the consumer with."""
    def reset_counters(self) -> None:
        """Counters read as zero from now on (all readers, in every process).  Workers are not disturbed: the sums of
        this moment are kept and subtracted.  Gauges, histograms and limits stay, as in Envoy."""
