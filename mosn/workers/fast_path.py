"""Where the processes meet the compiled engine.  Master and worker get one of these by constructor."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from mosn.model import Snapshot


class DataPlane(Protocol):
    """See `mosn._fastpath.data_plane`."""

    def install(self, snapshot: Snapshot) -> None: ...
    def add_socket(self, listener: str, fd: int) -> None: ...
    def remove_sockets(self, listener: str) -> None: ...
    def drain(self, seconds: float) -> None: ...
    def run(self) -> None: ...
    def stop(self) -> None: ...
    @property
    def event_fd(self) -> int: ...
    def take_events(self) -> list[tuple[str, object]]: ...
    def connections(self) -> int: ...


class FastPath(Protocol):
    def preload(self) -> None:
        """Import whatever workers need, once, in the process that forks them."""

    def create_segment(self, workers: int) -> Any:
        """The box's shared memory; has `fd`."""

    def clear_worker(self, segment: Any, index: int) -> None:
        """Take back what a worker that died held (gauges, limit slots)."""

    def data_plane(self, index: int, segment: Any, wake_fd: int) -> DataPlane:
        """`wake_fd` is the eventfd that wakes the reader of this worker's record ring."""


class CompiledFastPath:
    """The real one.  Modules are imported late, so that the command line stays quick."""

    def preload(self) -> None:
        importlib.import_module("msgpack")
        importlib.import_module("uvloop")
        importlib.import_module("mosn._fastpath.data_plane")
        importlib.import_module("mosn.workers.worker")

    def create_segment(self, workers: int) -> Any:
        return importlib.import_module("mosn._fastpath.shm.segment").Segment.create(workers)

    def clear_worker(self, segment: Any, index: int) -> None:
        segment.clear_worker(index)

    def data_plane(self, index: int, segment: Any, wake_fd: int) -> DataPlane:
        segment.set_wake_fd(index, wake_fd)
        plane: DataPlane = importlib.import_module("mosn._fastpath.data_plane").DataPlane(index, segment)
        return plane
