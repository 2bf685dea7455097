"""The codecs of RPC protocols as Python sees them, for tests and tools."""

from collections.abc import Iterable
from typing import NamedTuple

from mosn.model import Declaration

class FrameEvent(NamedTuple):
    """One frame in the one request model.  The first `made_up` headers are not the frame's own."""

    kind: str
    id: int
    length: int
    timeout_ms: int
    status: int
    code: int
    authority: bytes
    path: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    made_up: int

class Frames:
    """A stream of frames of one protocol: a built-in one by name, or a declared one."""

    error: str
    def __init__(
        self, protocol: str | Declaration, frame_bytes: int = ..., headers: int = ..., skip: int = ...
    ) -> None:
        """`skip`: 1 nobody looks at a request's own headers, 2 nor at its path."""

    def feed(self, data: bytes) -> list[FrameEvent | tuple[str, str]]:
        """The frames that are complete now; ("error", name) once, after which nothing more is read."""

    def rewrite(
        self,
        data: bytes,
        id: int,
        timeout_ms: int = ...,
        add: Iterable[tuple[bytes, bytes]] = ...,
        remove: Iterable[bytes] = ...,
    ) -> bytes:
        """One frame as it is sent on.  Raises ValueError when the result does not fit the protocol."""

    def heartbeat(self, like: bytes, id: int) -> bytes: ...
    def heartbeat_answer(self, request: bytes) -> bytes: ...
    def reply(self, request: bytes, code: int, text: bytes) -> bytes: ...
