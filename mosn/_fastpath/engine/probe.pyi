"""Python's face of the engine's timers, queues and pipes: for tests."""

class Timers:
    """`count` timers on a wheel whose time is what `advance` says."""

    def __init__(self, count: int, now_ms: int, room: int = 65536) -> None: ...
    @property
    def count(self) -> int: ...
    def arm(self, index: int, delay_ms: int, again: int = 0) -> None:
        """`again`: when it fires, it arms itself with this delay."""

    def cancel(self, index: int) -> None: ...
    def armed(self, index: int) -> bool: ...
    def armed_count(self) -> int: ...
    def wait(self, cap: int) -> int:
        """Milliseconds until something may be due."""

    def advance(self, now_ms: int) -> list[tuple[int, int]]:
        """Index and time of each that fired, in order.  OverflowError when these are more than `room`."""

class ProbedQueue:
    def put(self, kind: int, value: int, number: float = 0) -> bool: ...
    def get(self) -> tuple[int, int, float] | None: ...
    def put_sequence(self, n: int) -> None:
        """n numbered items, waiting where the queue is full; without the GIL."""

    def get_sequence(self, n: int) -> int:
        """How many of the next n items are not what put_sequence puts."""

class Pipes:
    @property
    def kept(self) -> int: ...
    def take(self) -> ProbedPipe:
        """Raises OSError."""

class ProbedPipe:
    @property
    def ends(self) -> tuple[int, int]: ...
    @property
    def bytes(self) -> int: ...
    def fill(self, fd: int, n: int) -> tuple[int, bool]:
        """What pipe_fill says, and whether the socket still counts as readable."""

    def drain(self, fd: int) -> tuple[int, bool]:
        """What pipe_drain says, and whether the socket still counts as writable."""

    def give(self) -> None: ...
