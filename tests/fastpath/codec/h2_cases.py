"""Frames of HTTP/2 by hand, for what a well-behaved library would not send, and what tests of them share."""

from __future__ import annotations

import struct
from typing import Any

from mosn._fastpath.codec.h2_face import Connection

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, HAS_PRIORITY = 1, 1, 4, 8, 32
Fields = list[tuple[bytes, bytes]]

GET: Fields = [(b":method", b"GET"), (b":scheme", b"http"), (b":path", b"/"), (b":authority", b"a.example")]
POST: Fields = [(b":method", b"POST"), *GET[1:]]


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def block(fields: Fields) -> bytes:
    """Literals without indexing: the tables stay empty."""
    def string(s: bytes) -> bytes:
        return (bytes([len(s)]) if len(s) < 127 else b"\x7f" + number(len(s) - 127)) + s
    return b"".join(b"\0" + string(n) + string(v) for n, v in fields)


def number(value: int) -> bytes:
    out = b""
    while value >= 128:
        out += bytes([128 | value & 127])
        value >>= 7
    return out + bytes([value])


def headers(stream: int, fields: Fields, flags: int = END_STREAM | END_HEADERS) -> bytes:
    return frame(HEADERS, flags, stream, block(fields))


def data(stream: int, body: bytes, flags: int = 0) -> bytes:
    return frame(DATA, flags, stream, body)


def settings(*values: tuple[int, int], flags: int = 0) -> bytes:
    return frame(SETTINGS, flags, 0, b"".join(struct.pack(">HI", *v) for v in values))


def window(stream: int, by: int) -> bytes:
    return frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", by))


def reset(stream: int, code: int = 8) -> bytes:
    return frame(RST_STREAM, 0, stream, struct.pack(">I", code))


def frames(output: bytes) -> list[tuple[int, int, int, bytes]]:
    """Kind, flags, stream, payload of each."""
    found = []
    while output:
        n = int.from_bytes(output[:3], "big")
        kind, flags, stream = struct.unpack(">BBI", output[3:9])
        found.append((kind, flags, stream, output[9:9 + n]))
        output = output[9 + n:]
    return found


START = PREFACE + settings()

NO_ERROR, PROTOCOL, INTERNAL, FLOW, TIMEOUT, CLOSED, SIZE, REFUSED, CANCEL, COMPRESSION = range(10)
CALM = 11
Events = list[tuple[Any, ...]]


def server(**options: Any) -> Connection:
    connection = Connection(**options)
    connection.feed(START)
    connection.take()
    return connection


def events(connection: Connection, data: bytes) -> Events:
    found, used = connection.feed(data)
    assert used == len(data) or found[-1:][0][:1] == ("error",)
    return found


def resets(output: bytes) -> list[tuple[int, int]]:
    return [(f[2], int.from_bytes(f[3], "big")) for f in frames(output) if f[0] == RST_STREAM]


def goaway(output: bytes) -> tuple[int, int] | None:
    return next((struct.unpack(">II", f[3][:8]) for f in frames(output) if f[0] == GOAWAY), None)
