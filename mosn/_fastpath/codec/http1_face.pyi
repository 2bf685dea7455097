"""A Python face of the HTTP/1.1 codec for tests, fuzzers and tools; requests in service never come here."""

from collections.abc import Iterable
from typing import NamedTuple

Field = tuple[bytes, bytes]

ERRORS: tuple[str, ...]
FLAGS: tuple[str, ...]
BODIES: tuple[str, ...]

class HeadEvent(NamedTuple):
    method: bytes
    scheme: bytes
    authority: bytes
    path: bytes
    upgrade: bytes
    status: int
    headers: tuple[Field, ...]
    content_length: int
    flags: tuple[str, ...]
    body: str

class Parser:
    def __init__(
        self,
        *,
        response: bool = False,
        head_bytes: int = 61440,
        headers: int = 100,
        chunk_line_bytes: int = 4096,
        trailer_bytes: int = 8192,
        allow_http10: bool = True,
        methods: Iterable[bytes] = (),
    ) -> None: ...
    @property
    def error(self) -> str: ...
    @property
    def bytes_held(self) -> int: ...
    @property
    def pending_bytes(self) -> int: ...
    def feed(self, data: bytes) -> list[tuple[object, ...]]: ...
    def feed_at(self, address: int, size: int) -> list[tuple[object, ...]]: ...
    def close(self) -> list[tuple[object, ...]]: ...

class Message:
    def __init__(
        self,
        headers: Iterable[Field],
        *,
        method: bytes = b"",
        path: bytes = b"",
        authority: bytes = b"",
        status: int = 0,
    ) -> None: ...
    @property
    def headers(self) -> tuple[Field, ...]: ...
    def strip_hop_by_hop(self) -> bool: ...
    def request(self, *, proper_case: bool = False) -> bytes: ...
    def response(self, *, http10: bool = False, proper_case: bool = False) -> bytes: ...
    def trailers(self, *, proper_case: bool = False) -> bytes: ...

def chunk_head(n: int) -> bytes: ...
def error_text(name: str) -> str: ...
def reason(status: int) -> bytes: ...
def known_header(name: bytes) -> bytes: ...
