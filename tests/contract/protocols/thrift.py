"""Thrift: framed strict binary, and the same inside of THeader."""

from __future__ import annotations

import functools
import struct

from tests.contract.protocol import Kind, Message, Protocol
from tests.proxy.upstream import Peer

KINDS: dict[int, Kind] = {1: "request", 2: "response", 3: "error", 4: "oneway"}
CALL, REPLY, EXCEPTION, ONEWAY = 1, 2, 3, 4


def text(value: bytes) -> bytes:
    return struct.pack(">I", len(value)) + value


def message(type: int, id: int, method: bytes, body: bytes) -> bytes:
    return struct.pack(">HBB", 0x8001, 0, type) + text(method) + struct.pack(">I", id) + body


def varint(value: int) -> bytes:
    made = b""
    while value > 0x7F:
        made += bytes([value & 0x7F | 0x80])
        value >>= 7
    return made + bytes([value])


def framed(data: bytes, id: int, headers: dict[bytes, bytes] | None = None) -> bytes:
    return text(data)


def with_header(data: bytes, id: int, headers: dict[bytes, bytes] | None = None) -> bytes:
    infos = b"".join(varint(len(each)) + each for pair in (headers or {}).items() for each in pair)
    block = b"\0\0" + (b"\1" + varint(len(headers)) + infos if headers else b"")
    block += bytes(-len(block) % 4)
    return text(struct.pack(">HHIH", 0x0FFF, 0, id, len(block) // 4) + block + data)


def exception(text_: bytes) -> bytes:
    return b"\x0b\0\1" + text(text_) + b"\x08\0\2" + struct.pack(">I", 6) + b"\0"


class Wire:
    def __init__(self, header: bool) -> None:
        self.header = header
        self.frame = with_header if header else framed

    def request(
        self, id: int, method: bytes, body: bytes, *, headers: dict[bytes, bytes] | None = None, oneway: bool = False
    ) -> bytes:
        return self.frame(message(ONEWAY if oneway else CALL, id, method, body), id, headers)

    def response(self, id: int, body: bytes, type: int = REPLY) -> bytes:
        return self.frame(message(type, id, b"echo", body), id)

    def failure(self, id: int, words: bytes) -> bytes:
        return self.response(id, exception(words), EXCEPTION)

    def read(self, peer: Peer) -> Message:
        size = peer.exactly(4)
        data = peer.exactly(struct.unpack(">I", size)[0])
        headers: dict[bytes, bytes] = {}
        inner = data
        if self.header:
            magic, _, sequence, words = struct.unpack(">HHIH", data[:10])
            assert magic == 0x0FFF
            headers, inner = infos(data[10 : 10 + 4 * words]), data[10 + 4 * words :]
        version, _, type, length = struct.unpack(">HBBI", inner[:8])
        assert version == 0x8001
        method, rest = inner[8 : 8 + length], inner[8 + length :]
        (id,) = struct.unpack(">I", rest[:4])
        assert not self.header or id == sequence
        words_ = rest[11 : 11 + struct.unpack(">I", rest[7:11])[0]] if type == EXCEPTION else b""
        return Message(KINDS[type], id, size + data, rest[4:], words_, method, 0, headers)

    def lying(self, good: bytes) -> list[bytes]:
        """A frame of 2 GiB, one shorter than its head, a method longer than the frame; a header block likewise."""
        at = 4 + 10 + 4 * struct.unpack(">H", good[12:14])[0] if self.header else 4
        return [
            b"\x7f\xff\xff\xff" + good[4:],
            struct.pack(">I", 5) + good[4:],
            good[: at + 4] + struct.pack(">I", len(good)) + good[at + 8 :],
            good[: at + 4] + b"\xff\xff\xff\xff" + good[at + 8 :],
        ] + ([good[:12] + b"\xff\xff" + good[14:]] if self.header else [])

    def protocol(self) -> Protocol:
        name = "thrift-header" if self.header else "thrift"
        return Protocol(
            name=name, service="kit.Service", request=self.request, response=self.response, failure=self.failure,
            read=self.read, heartbeat=None, heartbeat_answer=None, lying=self.lying, oneway=True, timeout=False,
            headers=self.header, largest_id=2**31 - 1, config={"protocol": name, "default_service": "kit.Service"},
        )  # fmt: skip


def infos(block: bytes) -> dict[bytes, bytes]:
    assert block[:2] == b"\0\0"
    made, at = {}, 2
    number = functools.partial(read_varint, block)
    if block[at:][:1] != b"\1":
        return {}
    count, at = number(at + 1)
    for _ in range(count):
        pair = []
        for _ in range(2):
            size, at = number(at)
            pair.append(block[at : at + size])
            at += size
        made[pair[0]] = pair[1]
    return made


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """The number, and what follows it."""
    value = shift = 0
    while data[at] & 0x80:
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
    return value | data[at] << shift, at + 1


THRIFT = Wire(header=False).protocol()
THRIFT_HEADER = Wire(header=True).protocol()
