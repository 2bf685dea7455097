"""BOLT, versions 1 and 2."""

from __future__ import annotations

import functools
import struct
from typing import Any

from tests.contract.protocol import Kind, Message, Protocol
from tests.proxy import bolt
from tests.proxy.upstream import Peer

SERVICE = b"com.example.Kit:1.0"


def request(
    id: int, method: bytes, body: bytes, *, timeout_ms: int = 3000, headers: dict[bytes, bytes] | None = None,
    oneway: bool = False, **version: Any,
) -> bytes:  # fmt: skip
    entries = bolt.sofa_headers(SERVICE, method, *(headers or {}).items())
    return bolt.request(id, body, type=2 if oneway else 1, timeout=timeout_ms, headers=entries, **version)


def response(id: int, body: bytes, **version: Any) -> bytes:
    return bolt.response(id, body, **version)


def failure(id: int, text: bytes, **version: Any) -> bytes:
    return bolt.response(id, text, status=2, **version)


def read(peer: Peer) -> Message:
    frame = bolt.read(peer)
    headers = {name or b"": value or b"" for name, value in frame.headers}
    kind: Kind
    if frame.command == 0:
        kind = "heartbeat" if frame.type else "heartbeat_answer"
    elif frame.type:
        kind = "request" if frame.type == 1 else "oneway"
    else:
        kind = "error" if frame.status or frame.error_text else "response"
    return Message(
        kind, frame.id, frame.raw, frame.content, frame.error_text or frame.content,
        headers.get(b"sofa_head_method_name", b""), max(frame.timeout, 0), headers,
    )  # fmt: skip


def lying(good: bytes) -> list[bytes]:
    """Class length, header length, content length; and a header that is longer than the map."""
    at = 16 if good[0] == 2 else 14
    made = []
    for offset, value in ((at, b"\xff" * 2), (at + 2, b"\xff" * 2), (at + 4, b"\xff" * 4), (at + 4, b"\x7f" * 4)):
        made.append(good[:offset] + value + good[offset + len(value) :])
    (names,) = struct.unpack(">H", good[at : at + 2])
    entry = at + 8 + names
    return [*made, good[:entry] + b"\x00\x7f\xff\xff" + good[entry + 4 :]]


def _protocol(name: str, **version: Any) -> Protocol:
    v2 = version.get("v2", 0)
    return Protocol(
        name=name, service=SERVICE.decode(), request=functools.partial(request, **version),
        response=functools.partial(response, **version), failure=functools.partial(failure, **version), read=read,
        heartbeat=functools.partial(bolt.heartbeat, v2=v2), heartbeat_answer=functools.partial(
            bolt.heartbeat_answer, v2=v2), lying=lying, oneway=True, timeout=True, headers=True,
        config={"protocol": "bolt"},
    )  # fmt: skip


BOLT = _protocol("bolt")
BOLT_V2 = _protocol("boltv2", v2=2, crc=True)
