"""Chunked bodies and trailers, slowly (part of http1.py)."""

from __future__ import annotations

from tests.oracle.http1_lines import CONTROL, Event, Fault, Field, Limits, NeedMore, field

FORBIDDEN_TRAILERS = {
    b"host", b"content-length", b"transfer-encoding", b"connection", b"keep-alive", b"proxy-connection", b"te",
    b"trailer", b"upgrade", b"expect", b"http2-settings", b"authorization", b"content-type", b"cookie", b"set-cookie",
}


def chunk_size(data: bytes, at: int, limits: Limits) -> tuple[int, int]:
    """The size in a chunk's line and where its data starts, byte by byte because of the order of faults."""
    digits = b""
    extension = False
    for used, i in enumerate(range(at, len(data)), 1):
        c = data[i:i + 1]
        if used > limits.chunk_line_bytes:
            raise Fault("BAD_CHUNK_EXTENSION")
        if data[i - 1:i] == b"\r" and i > at:
            if c != b"\n":
                raise Fault("BAD_LINE_END")
            return int(digits, 16), i + 1
        if not extension and c in b"0123456789abcdefABCDEF":
            digits += c
            if len(digits) > 16 or int(digits, 16) >= 1 << 63:
                raise Fault("BAD_CHUNK_SIZE")
        elif not digits:
            raise Fault("BAD_CHUNK_SIZE")
        elif c == b"\n":
            raise Fault("BAD_LINE_END")
        elif c == b"\r":
            pass
        elif not extension:
            if c != b";":
                raise Fault("BAD_CHUNK_SIZE")
            extension = True
        elif CONTROL.match(c):
            raise Fault("BAD_CHUNK_EXTENSION")
    raise NeedMore


def chunked_body(data: bytes, at: int, limits: Limits, events: list[Event]) -> int:
    while True:
        size, at = chunk_size(data, at, limits)
        if size == 0:
            return trailers(data, at, limits, events)
        add_data(events, data[at:at + size])
        end = data[at + size:at + size + 2]
        if end != b"\r\n"[:len(end)]:
            raise Fault("BAD_CHUNK_END")
        if len(end) < 2:
            raise NeedMore
        at += size + 2


def trailers(data: bytes, at: int, limits: Limits, events: list[Event]) -> int:
    fields: list[Field] = []
    start, count = at, 0
    while True:
        lf = data.find(b"\n", at)
        end = lf + 1 if lf >= 0 else len(data)
        if end - start > limits.trailer_bytes + 2:
            raise Fault("HEAD_TOO_LARGE")
        if lf < 0:
            raise NeedMore
        line, at = data[at:end], end
        check_trailer_line(line)
        if line == b"\r\n":
            if fields:
                events.append(("trailers", tuple(fields)))
            return at
        count += 1
        if count > limits.headers:
            raise Fault("TOO_MANY_HEADERS")
        try:
            name, value = field(line[:-2])
        except Fault:
            raise Fault("BAD_TRAILER") from None
        if name not in FORBIDDEN_TRAILERS:
            fields.append((name, value))


def check_trailer_line(line: bytes) -> None:
    if not line.endswith(b"\r\n"):
        raise Fault("BAD_LINE_END")
    bad = CONTROL.search(line[:-2])
    if bad:
        raise Fault("BAD_LINE_END" if bad.group() == b"\r" else "BAD_TRAILER")


def add_data(events: list[Event], data: bytes) -> None:
    if data and events and events[-1][0] == "data":
        previous = events.pop()[1]
        assert isinstance(previous, bytes)
        data = previous + data
    if data:
        events.append(("data", data))
