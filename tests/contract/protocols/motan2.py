"""Motan 2."""

from __future__ import annotations

import json
import struct

from tests.contract.protocol import Kind, Message, Protocol
from tests.proxy.upstream import Peer

SERVICE = b"com.example.Kit"
FIXED = struct.Struct(">HBBBQI")
RESPONSE, ONEWAY, BEAT = 1, 4, 16


def frame(type: int, id: int, body: bytes = b"", headers: dict[bytes, bytes] | None = None, status: int = 0) -> bytes:
    block = b"\n".join(each for pair in (headers or {}).items() for each in pair)
    return FIXED.pack(0xF1F1, type, 8 | status, 0x30, id, len(block)) + block + struct.pack(">I", len(body)) + body


def request(
    id: int, method: bytes, body: bytes, *, headers: dict[bytes, bytes] | None = None, oneway: bool = False
) -> bytes:
    names = {b"M_p": SERVICE, b"M_m": method, b"M_g": b"kit", **(headers or {})}
    return frame(ONEWAY if oneway else 0, id, body, names)


def failure(id: int, text: bytes) -> bytes:
    return frame(RESPONSE, id, b"", {b"M_e": b'{"errmsg":"' + text + b'"}'}, 1)


def read(peer: Peer) -> Message:
    fixed = peer.exactly(FIXED.size)
    magic, type, version, _, id, size = FIXED.unpack(fixed)
    assert magic == 0xF1F1
    block = peer.exactly(size)
    length = peer.exactly(4)
    body = peer.exactly(struct.unpack(">I", length)[0])
    lines = block.split(b"\n") if block else []
    headers = dict(zip(lines[::2], lines[1::2], strict=True))
    kind: Kind = "oneway" if type & ONEWAY else "request"
    if type & BEAT:
        kind = "heartbeat_answer" if type & RESPONSE else "heartbeat"
    elif type & RESPONSE:
        kind = "error" if version & 7 else "response"
    text = json.loads(headers[b"M_e"])["errmsg"].encode() if b"M_e" in headers else b""
    return Message(kind, id, fixed + block + length + body, body, text, headers.get(b"M_m", b""), 0, headers)


def lying(good: bytes) -> list[bytes]:
    """Metadata or a body of 4 GiB, metadata longer than any frame, a name without a value."""
    (size,) = struct.unpack(">I", good[13:17])
    at = FIXED.size + size
    return [
        good[:13] + b"\xff\xff\xff\xff" + good[17:],
        good[:13] + b"\x7f\xff\xff\xff" + good[17:],
        good[:at] + b"\xff\xff\xff\xff" + good[at + 4 :],
        good[:13] + struct.pack(">I", 3) + b"M_p" + bytes(4),
    ]


MOTAN2 = Protocol(
    name="motan2", service=SERVICE.decode(), request=request, response=lambda id, body: frame(RESPONSE, id, body),
    failure=failure, read=read, heartbeat=lambda id: frame(BEAT | 2, id), heartbeat_answer=lambda id: frame(
        BEAT | RESPONSE, id), lying=lying, oneway=True, timeout=False, headers=True, largest_id=2**64 - 1,
    config={"protocol": "motan2"},
)  # fmt: skip
