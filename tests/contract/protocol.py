"""What a protocol gives to the kit: frames made and read in Python, apart from the code that is tested."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.proxy.upstream import Peer

Kind = Literal["request", "oneway", "response", "error", "heartbeat", "heartbeat_answer"]


@dataclass
class Message:
    """One frame.  `text` is what an error says, `method` what a request asks for, `timeout_ms` 0: it does not say."""

    kind: Kind
    id: int
    raw: bytes = field(repr=False)
    body: bytes = b""
    text: bytes = b""
    method: bytes = b""
    timeout_ms: int = 0
    headers: dict[bytes, bytes] = field(default_factory=dict)


@dataclass
class Protocol:
    """`config` are fields of RpcProxy.  Requests are for `service`; `request` takes id, method and body, and by name
    timeout_ms, headers (a dict) and oneway where the protocol has them.

    What a protocol has not is None or False, and a test shows that it has not."""

    name: str
    service: str
    request: Callable[..., bytes]
    response: Callable[[int, bytes], bytes]
    failure: Callable[[int, bytes], bytes]
    """A response that tells of an error, in the protocol's own way; None where the body is all there is."""
    read: Callable[[Peer], Message]
    heartbeat: Callable[[int], bytes] | None
    heartbeat_answer: Callable[[int], bytes] | None
    lying: Callable[[bytes], list[bytes]]
    """Frames made of a good one whose lengths do not fit: negative, beyond the frame, shorter than their parts."""
    oneway: bool
    timeout: bool
    headers: bool
    largest_id: int = 2**32 - 1
    config: dict[str, Any] = field(default_factory=dict)
    garbage: bytes = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n" * 8
    error_has_text: bool = True
    failure_code: int = 500

    def __str__(self) -> str:
        return self.name
