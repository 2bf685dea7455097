"""A Python face of the Dubbo codec for tests, fuzzers and tools; requests in service never come here."""

from collections.abc import Iterable
from typing import NamedTuple

Field = tuple[bytes, bytes]

KINDS: tuple[str, ...]
ERRORS: tuple[str, ...]

class Parsed(NamedTuple):
    kind: str
    id: int
    length: int
    timeout_ms: int
    status: int
    code: int
    serialization: int
    value: int

class Read(NamedTuple):
    authority: bytes
    path: bytes
    headers: tuple[Field, ...]
    own: int
    timeout_ms: int

class Refused(ValueError):
    """An error of FrameError, by name."""

def parse(data: bytes, *, frame_bytes: int = 8388624) -> Parsed | int: ...
def parse_at(address: int, size: int, *, frame_bytes: int = 8388624) -> Parsed | int: ...
def read(data: bytes, *, headers: int = 256, service: bool = False, steps: bool = False) -> Read: ...
def read_at(address: int, size: int, *, headers: int = 256) -> Read: ...
def bytes_held(data: bytes) -> int: ...
def calls_back(data: bytes) -> bool: ...
def patch(data: bytes, id: int) -> bytes: ...
def write(
    data: bytes,
    *,
    id: int = 0,
    set: Iterable[Field] = (),
    remove: Iterable[bytes] = (),
    add: Iterable[Field] = (),
    service: bool = False,
    timeout_ms: int = -1,
) -> tuple[bool, bytes]: ...
def heartbeat(like: bytes, id: int) -> bytes: ...
def heartbeat_answer(request: bytes) -> bytes: ...
def reply(request: bytes, code: int, text: bytes) -> bytes: ...
def goaway(like: bytes) -> bytes: ...
def parameters(types: bytes) -> int: ...
def time_read(data: bytes, rounds: int, *, service: bool = False) -> float: ...
def time_write(data: bytes, rounds: int) -> float: ...
