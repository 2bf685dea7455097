"""Tars: RequestPacket and ResponsePacket of res/RequestF.tars, in JCE."""

from __future__ import annotations

import struct
from typing import Any

from tests.contract.protocol import Kind, Message, Protocol
from tests.proxy.upstream import Peer

SERVICE = b"Kit.Server.Obj"
WIDTHS = ((0, "b"), (1, "h"), (2, "i"), (3, "q"))


def head(tag: int, type: int) -> bytes:
    return bytes([tag << 4 | type]) if tag < 15 else bytes([0xF0 | type, tag])


def number(tag: int, value: int) -> bytes:
    if value == 0:
        return head(tag, 12)
    for type, form in WIDTHS:
        if -(2 ** (8 * (1 << type) - 1)) <= value < 2 ** (8 * (1 << type) - 1):
            return head(tag, type) + struct.pack(f">{form}", value)
    raise ValueError(value)


def text(tag: int, value: bytes) -> bytes:
    if len(value) < 256:
        return head(tag, 6) + bytes([len(value)]) + value
    return head(tag, 7) + struct.pack(">I", len(value)) + value


def data(tag: int, value: bytes) -> bytes:
    return head(tag, 13) + head(0, 0) + number(0, len(value)) + value


def pairs(tag: int, values: dict[bytes, bytes]) -> bytes:
    return head(tag, 8) + number(0, len(values)) + b"".join(text(0, k) + text(1, v) for k, v in values.items())


def frame(packet: bytes) -> bytes:
    return struct.pack(">I", len(packet) + 4) + packet


def request(
    id: int, method: bytes, body: bytes, *, timeout_ms: int = 3000, headers: dict[bytes, bytes] | None = None,
    oneway: bool = False,
) -> bytes:  # fmt: skip
    return frame(
        number(1, 1) + number(2, int(oneway)) + number(3, 0) + number(4, id) + text(5, SERVICE) + text(6, method)
        + data(7, body) + number(8, timeout_ms) + pairs(9, headers or {}) + pairs(10, {})
    )  # fmt: skip


def response(id: int, body: bytes, ret: int = 0, words: bytes = b"") -> bytes:
    packet = number(1, 1) + number(2, 0) + number(3, id) + number(4, 0) + number(5, ret) + data(6, body) + pairs(7, {})
    return frame(packet + (text(8, words) if words else b""))


def fields(packet: bytes) -> dict[int, Any]:
    made, at = {}, 0
    while at < len(packet):
        tag, value, at = read_field(packet, at)
        made[tag] = value
    return made


def read_field(packet: bytes, at: int) -> tuple[int, Any, int]:
    tag, type = packet[at] >> 4, packet[at] & 15
    at += 1
    if type == 12:
        return tag, 0, at
    if type <= 3:
        width = 1 << type
        return tag, int.from_bytes(packet[at : at + width], "big", signed=True), at + width
    if type in (6, 7):
        width = 1 if type == 6 else 4
        size = int.from_bytes(packet[at : at + width], "big")
        return tag, packet[at + width : at + width + size], at + width + size
    if type == 13:
        _, size, at = read_field(packet, at + 1)
        return tag, packet[at : at + size], at + size
    assert type == 8
    _, count, at = read_field(packet, at)
    made = {}
    for _ in range(count):
        _, key, at = read_field(packet, at)
        _, made[key], at = read_field(packet, at)
    return tag, made, at


def read(peer: Peer) -> Message:
    size = peer.exactly(4)
    packet = peer.exactly(struct.unpack(">I", size)[0] - 4)
    found = fields(packet)
    if 10 in found:
        kind: Kind = "oneway" if found[2] == 1 else "request"
        return Message(kind, found[4], size + packet, found[7], b"", found[6], found[8], found[9])
    return Message("error" if found[5] else "response", found[3], size + packet, found[6], found.get(8, b""))


def lying(good: bytes) -> list[bytes]:
    """A frame of 2 GiB, one shorter than its size, a name longer than the frame, a map of 2**31 entries, a list that
    counts below nothing."""
    at = good.index(SERVICE) - 2
    return [
        b"\x7f\xff\xff\xff" + good[4:],
        struct.pack(">I", 3) + good[4:],
        good[:at] + b"\x56\xff" + good[at + 2 :],
        frame(good[4:at] + head(9, 8) + number(0, 2**31 - 1)),
        frame(good[4:at] + head(9, 13) + head(0, 0) + number(0, -1)),
    ]


TARS = Protocol(
    name="tars", service=SERVICE.decode(), request=request, response=response,
    failure=lambda id, words: response(id, b"", -99, words), read=read, heartbeat=None, heartbeat_answer=None,
    lying=lying, oneway=True, timeout=True, headers=True, largest_id=2**31 - 1, config={"protocol": "tars"},
)  # fmt: skip
