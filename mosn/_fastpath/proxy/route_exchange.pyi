"""A request and its answer as Python makes them, for explanations, tests and benchmarks."""

from collections.abc import Iterable
from typing import Any

Text = str | bytes
Headers = Iterable[tuple[Text, Text]]

class Exchange:
    """Names of headers are folded to lower case.  `fields` are those of RequestInfo: numbers, texts, a `protocol` by
    its name, addresses as (ip, port) or the path of a unix socket, `cluster` and `host` as objects."""

    def __init__(
        self,
        method: Text = "GET",
        path: Text = "/",
        authority: Text = "example.com",
        scheme: Text = "http",
        headers: Headers = (),
        *,
        tcp: bool = False,
        **fields: Any,
    ) -> None: ...
    def respond(self, status: int, headers: Headers = (), trailers: Headers | None = None) -> None: ...
    def set(self, **fields: Any) -> None: ...
    @property
    def method(self) -> bytes: ...
    @property
    def path(self) -> bytes: ...
    @property
    def authority(self) -> bytes: ...
    @property
    def request_headers(self) -> list[tuple[bytes, bytes]]: ...
    @property
    def response_headers(self) -> list[tuple[bytes, bytes]]: ...
    @property
    def arena_bytes(self) -> int: ...
    @property
    def original_path(self) -> bytes: ...
    @property
    def hash(self) -> int | None: ...
