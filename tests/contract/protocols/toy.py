"""The teaching protocol (mosn/protocol/declared/toy.yaml)."""

from __future__ import annotations

import struct

from tests.contract.protocol import Kind, Message, Protocol
from tests.proxy.upstream import Peer

SERVICE = b"kit.Service"
KINDS: dict[int, Kind] = {1: "request", 2: "oneway", 3: "response", 4: "heartbeat", 5: "heartbeat_answer"}
FIXED = struct.Struct(">HBBII")
SIZES = struct.Struct(">HI")


def frame(
    type: int, id: int, body: bytes = b"", *, status: int = 0, timeout_ms: int = 0, service: bytes = b"",
    method: bytes = b"", headers: dict[bytes, bytes] | None = None,
) -> bytes:  # fmt: skip
    block = b"".join(
        bytes([len(name)]) + name + struct.pack(">H", len(value)) + value for name, value in (headers or {}).items()
    )
    names = bytes([len(service)]) + service + bytes([len(method)]) + method
    fixed = FIXED.pack(0x7E01, type, status, id, timeout_ms)
    return fixed + names + SIZES.pack(len(block), len(body)) + block + body


def request(
    id: int, method: bytes, body: bytes, *, timeout_ms: int = 3000, headers: dict[bytes, bytes] | None = None,
    oneway: bool = False,
) -> bytes:  # fmt: skip
    return frame(2 if oneway else 1, id, body, timeout_ms=timeout_ms, service=SERVICE, method=method, headers=headers)


def read(peer: Peer) -> Message:
    fixed = peer.exactly(FIXED.size)
    magic, type, status, id, timeout = FIXED.unpack(fixed)
    assert magic == 0x7E01
    raw, names = fixed, []
    for _ in range(2):
        size = peer.exactly(1)
        names.append(peer.exactly(size[0]))
        raw += size + names[-1]
    sizes = peer.exactly(SIZES.size)
    block_size, body_size = SIZES.unpack(sizes)
    block, body = peer.exactly(block_size), peer.exactly(body_size)
    kind = "error" if type == 3 and status else KINDS[type]
    return Message(kind, id, raw + sizes + block + body, body, body, names[1], timeout, pairs(block))


def pairs(block: bytes) -> dict[bytes, bytes]:
    made = {}
    while block:
        name, block = block[1 : 1 + block[0]], block[1 + block[0] :]
        (size,) = struct.unpack(">H", block[:2])
        made[name], block = block[2 : 2 + size], block[2 + size :]
    return made


def lying(good: bytes) -> list[bytes]:
    """A service beyond everything, headers longer than the body, a body of 4 GiB, a header beyond its block."""
    names = FIXED.size + 1 + good[FIXED.size]
    at = names + 1 + good[names]
    return [
        good[:at] + struct.pack(">HI", 3, 2**32 - 1) + good[at + 6 :],
        good[:at] + struct.pack(">HI", 3, 2**31) + good[at + 6 :],
        good[:at] + struct.pack(">HI", 4, 0) + b"\xffabc",
        good[:at] + struct.pack(">HI", 4, 0) + b"\x01a\xff\xff",
    ]


TOY = Protocol(
    name="toy", service=SERVICE.decode(), request=request, response=lambda id, body: frame(3, id, body),
    failure=lambda id, text: frame(3, id, text, status=1), read=read, heartbeat=lambda id: frame(4, id),
    heartbeat_answer=lambda id: frame(5, id), lying=lying, oneway=True, timeout=True, headers=True,
    config={"protocol": "toy"},
)  # fmt: skip
