"""The consumer's side of a worker's record ring."""

from mosn._fastpath.shm.segment import Segment

class RingReader:
    """Reads the records of one worker.  One consumer at a time; a new one goes on where the last one stopped (what it
    had not finished reading comes again).

    A consumer that has nothing to do does not poll:

        records = reader.read()
        if not records and reader.sleep():
            wait until reader.wake_fd is readable, read 8 bytes from it

    To be woken less often under steady load, wait some time after a wake-up before reading.
    """

    segment: Segment
    worker: int
    wake_fd: int
    corrupt: int
    """How often a broken worker left something that is no record; the ring's content was thrown away then."""

    def __init__(self, segment: Segment, worker: int, wake_fd: int = -1) -> None: ...
    def read(self, max_bytes: int = 4194304) -> list[tuple[int, int, bytes]]:
        """(kind, sink, bytes) of finished records, oldest first, until at least max_bytes were taken or none is
        left.  Room for new ones is made when this returns."""
    def sleep(self) -> bool:
        """Ask to be woken by the next record.  False when one is there already: read again instead."""
    def wake(self) -> None:
        """Take back `sleep` (a consumer that woke up by itself)."""
    @property
    def waiting_bytes(self) -> int:
        """Bytes of records that were not read yet, with their heads."""
    @property
    def written(self) -> int:
        """Records that ever found room (of all workers that had this region)."""
    @property
    def dropped(self) -> int:
        """Records that were lost because the ring was full."""
    @property
    def wakes(self) -> int: ...
