"""The worker's face of the fast path (one per worker process)."""

from mosn._fastpath.shm.segment import Segment
from mosn.model import Snapshot

class DataPlane:
    """Owns the engine thread's state.  Methods are called on the main thread (with the GIL); `run` on a thread of
    its own, which never takes the GIL again until it returns."""

    def __init__(self, worker: int, segment: Segment) -> None: ...
    def install(self, snapshot: Snapshot) -> None:
        """Compile a snapshot and hand it to the engine, which swaps it in between batches.

        Raises ValueError (naming the resource) and changes nothing when it cannot be compiled.  Parts that are equal
        to the running snapshot's are reused.
        """
    def add_socket(self, listener: str, fd: int) -> None:
        """Accept from this listening socket for the named listener (a worker may have several for one listener).
        Takes over `fd` (a duplicate of the master's; closing it here never closes the queue).  Sockets whose
        listener is in no snapshot yet wait."""
    def remove_sockets(self, listener: str) -> None:
        """Stop accepting for this listener and close this process's copies.  Established connections stay."""
    def drain(self, seconds: float) -> None:
        """Say goodbye: stop accepting, Connection: close on answers, close idle connections, everything after
        `seconds`."""
    def run(self) -> None:
        """The engine's loop.  Returns after stop() or when a drain has ended."""
    def stop(self) -> None: ...
    @property
    def event_fd(self) -> int:
        """Readable when take_events() has something."""
    def take_events(self) -> list[tuple[str, object]]:
        """("installed", version) a snapshot is live; ("drained", None); ("stopped", None)."""
    def connections(self) -> int:
        """Client connections that are open in this worker."""
