"""A slow, obvious decoder of HTTP/1.1: what mosn/_fastpath/codec/http1*.pyx must agree with.

`decode` takes all the bytes of a connection at once and returns the events of http1_face.Parser, with neighbouring
("data", ...) events joined.  Faults carry the name of an H1Error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

Field = tuple[bytes, bytes]
Event = tuple[object, ...]


@dataclass(frozen=True)
class Limits:
    head_bytes: int = 61440
    headers: int = 100
    chunk_line_bytes: int = 4096
    trailer_bytes: int = 8192
    allow_http10: bool = True


class Head(NamedTuple):
    method: bytes = b""
    scheme: bytes = b""
    authority: bytes = b""
    path: bytes = b""
    upgrade: bytes = b""
    status: int = 0
    headers: tuple[Field, ...] = ()
    content_length: int = -1
    flags: tuple[str, ...] = ()
    body: str = "none"


class Fault(Exception):
    """The bytes are not HTTP; args[0] is the name of the error."""


class NeedMore(Exception):
    """The bytes end inside a message."""


TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
METHOD = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Z]+")
CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
FIELD = re.compile(rb"(" + TOKEN + rb"):[ \t]*(.*?)[ \t]*", re.DOTALL)
TARGET = re.compile(rb"[\x21\x22\x24-\x7e]+")
AUTHORITY = re.compile(rb"(?:\[[0-9a-fA-F:.]{2,}\]|[A-Za-z0-9\-._~!$&'()*+,;=%]+)(?::([0-9]*))?")
FORBIDDEN_TRAILERS = {
    b"host", b"content-length", b"transfer-encoding", b"connection", b"keep-alive", b"proxy-connection", b"te",
    b"trailer", b"upgrade", b"expect", b"http2-settings", b"authorization", b"content-type", b"cookie", b"set-cookie",
}
FLAGS = ("chunked", "close", "upgrade", "expect_continue", "keep_alive", "absolute_form", "http10", "no_body")


# -- lines

def head_lines(data: bytes, limits: Limits, request: bool) -> tuple[list[bytes], int]:
    """The lines of a head and how many bytes it has; each line is checked before the next is looked for."""
    window = data[:limits.head_bytes]
    lines: list[bytes] = []
    start = 0
    while True:
        found = CONTROL.search(window, start)
        complete = found is not None and window[found.start():found.start() + 2] == b"\r\n"
        if not complete:
            unfinished_line(window, start, found, lines, request)
            raise Fault("HEAD_TOO_LARGE") if len(window) >= limits.head_bytes else NeedMore
        assert found is not None
        line, start = window[start:found.start()], found.end() + 1
        if line:
            if len(lines) > limits.headers:
                raise Fault("TOO_MANY_HEADERS")
            check_line(line, bool(lines), limits, request)
            lines.append(line)
        elif lines:
            return lines, start
        elif not request:
            raise Fault("BAD_LINE_END")


def unfinished_line(window: bytes, start: int, found: re.Match[bytes] | None, lines: list[bytes],
                    request: bool) -> None:
    """Faults that show before a line has ended."""
    first = window[start:start + 1]
    if not lines and first not in (b"", b"\r", b"\n"):
        if request and not METHOD.match(first):
            raise Fault("BAD_METHOD")
        if not request and first != b"H":
            raise Fault("BAD_VERSION")
    if found is None or (found.group() == b"\r" and found.end() == len(window)):
        return
    if found.group() in (b"\r", b"\n"):
        raise Fault("BAD_LINE_END")
    before = window[start:found.start()]
    if lines:
        raise Fault("BAD_HEADER_VALUE" if b":" in before else "BAD_HEADER_NAME")
    parts = ("BAD_METHOD", "BAD_TARGET", "BAD_VERSION") if request else ("BAD_VERSION", "BAD_STATUS", "BAD_STATUS")
    raise Fault(parts[min(before.count(b" "), 2)])


def check_line(line: bytes, is_field: bool, limits: Limits, request: bool) -> None:
    if is_field:
        field(line)
    elif request:
        request_line(line, limits)
    else:
        status_line(line)


def field(line: bytes) -> Field:
    match = FIELD.fullmatch(line)
    if match:
        return match.group(1).lower(), match.group(2)
    raise Fault("OBS_FOLD" if line[:1] in (b" ", b"\t") else "BAD_HEADER_NAME")


# -- first lines

def valid_authority(text: bytes, *, port_required: bool = False) -> bool:
    match = AUTHORITY.fullmatch(text)
    if not match:
        return False
    port = match.group(1)
    return int(port) <= 65535 if port else not port_required


def request_line(line: bytes, limits: Limits) -> Head:
    """method SP target SP version; the Head has method, target (as authority or path) and scheme."""
    method = METHOD.match(line)
    if not method or line[method.end():method.end() + 1] != b" ":
        raise Fault("BAD_METHOD")
    match = re.fullmatch(rb"(.*) HTTP/1\.([01])", line[method.end() + 1:], re.DOTALL)
    if not match:
        raise Fault("BAD_VERSION")
    scheme, authority, path = target_parts(match.group(1), method.group())
    flags = ("absolute_form",) * bool(scheme) + ("http10",) * (match.group(2) == b"0")
    if "http10" in flags and not limits.allow_http10:
        raise Fault("HTTP10_REFUSED")
    return Head(method=method.group(), scheme=scheme, authority=authority, path=path, flags=flags)


def target_parts(target: bytes, method: bytes) -> tuple[bytes, bytes, bytes]:
    if not TARGET.fullmatch(target):
        raise Fault("BAD_TARGET")
    if method == b"CONNECT":
        if not valid_authority(target, port_required=True):
            raise Fault("BAD_TARGET")
        return b"", target, b""
    if target.startswith(b"/") or (target == b"*" and method == b"OPTIONS"):
        return b"", b"", target
    match = re.fullmatch(rb"(?i:(https?)://)([^/?]*)([/?].*)?", target)
    if not match or not valid_authority(match.group(2)):
        raise Fault("BAD_TARGET")
    path = match.group(3) or (b"*" if method == b"OPTIONS" else b"/")
    return match.group(1).lower(), match.group(2), path if path[:1] != b"?" else b"/" + path


def status_line(line: bytes) -> Head:
    match = re.match(rb"HTTP/1\.([01])", line)
    if not match:
        raise Fault("BAD_VERSION")
    status = re.fullmatch(rb" ([1-9][0-9]{2})(?: .*)?", line[8:], re.DOTALL)
    if not status:
        raise Fault("BAD_STATUS")
    return Head(status=int(status.group(1)), flags=("http10",) * (match.group(1) == b"0"))


# -- the message as a whole

def values(fields: list[Field], name: bytes) -> list[bytes]:
    return [v for n, v in fields if n == name]


def tokens(fields: list[Field], name: bytes) -> list[bytes]:
    return [t.strip(b" \t").lower() for v in values(fields, name) for t in v.split(b",")]


def content_length(fields: list[Field]) -> int:
    said = values(fields, b"content-length")
    if not said:
        return -1
    if len(said) > 1 or not re.fullmatch(rb"[0-9]+", said[0]):
        raise Fault("BAD_CONTENT_LENGTH")
    length = int(said[0]) if len(said[0].lstrip(b"0")) < 20 else 1 << 63
    if length >= 1 << 63:
        raise Fault("BAD_CONTENT_LENGTH")
    return length


def is_chunked(fields: list[Field], length: int, http10: bool) -> bool:
    codings = values(fields, b"transfer-encoding")
    if not codings:
        return False
    if length >= 0:
        raise Fault("CONFLICTING_LENGTH")
    if http10 or len(codings) > 1 or codings[0].lower() != b"chunked":
        raise Fault("BAD_TRANSFER_ENCODING")
    return True


def refuse_body(fields: list[Field], length: int, chunked: bool) -> list[Field]:
    """For messages that cannot have one; a length of 0 is taken away."""
    if chunked:
        raise Fault("BAD_TRANSFER_ENCODING")
    if length > 0:
        raise Fault("BAD_CONTENT_LENGTH")
    return [f for f in fields if f[0] != b"content-length"]


def connection_flags(fields: list[Field], http10: bool) -> tuple[set[str], bytes]:
    said = tokens(fields, b"connection")
    flags = set()
    if b"keep-alive" in said:
        flags.add("keep_alive")
    if b"close" in said or (http10 and b"keep-alive" not in said):
        flags.add("close")
    upgrade = next((v for v in values(fields, b"upgrade") if v), b"")
    if b"upgrade" in said and upgrade and not http10:
        flags.add("upgrade")
        return flags, upgrade
    return flags, b""


def request_head(lines: list[bytes], limits: Limits) -> Head:
    head = request_line(lines[0], limits)
    fields = [field(line) for line in lines[1:]]
    http10 = "http10" in head.flags
    hosts = values(fields, b"host")
    if len(hosts) > 1 or (not hosts and not http10) or (hosts and not valid_authority(hosts[0])):
        raise Fault("BAD_HOST")
    fields = [f for f in fields if f[0] != b"host"]
    length = content_length(fields)
    chunked = is_chunked(fields, length, http10)
    flags = set(head.flags)
    if head.method == b"CONNECT":
        fields, length, body = refuse_body(fields, length, chunked), -1, "tunnel"
    else:
        body = "chunked" if chunked else "length" if length > 0 else "none"
        flags |= {"no_body"} if body == "none" else {"chunked"} if chunked else set()
    said, upgrade = connection_flags(fields, http10)
    flags |= said
    if not http10 and b"100-continue" in [v.lower() for v in values(fields, b"expect")]:
        flags.add("expect_continue")
    return head._replace(authority=head.authority or (hosts or [b""])[0], headers=tuple(fields), upgrade=upgrade,
                         content_length=length, flags=ordered(flags), body=body)


def response_head(lines: list[bytes], method: bytes) -> Head:
    head = status_line(lines[0])
    fields = [field(line) for line in lines[1:]]
    http10 = "http10" in head.flags
    length = content_length(fields)
    chunked = is_chunked(fields, length, http10)
    flags = set(head.flags) | ({"chunked"} if chunked else set())
    if head.status < 200 or head.status == 204:
        fields, length = refuse_body(fields, length, chunked), -1
        flags |= {"no_body"} if head.status != 101 else set()
    elif head.status == 304 or length == 0:
        flags.add("no_body")
    said, upgrade = connection_flags(fields, http10)
    flags |= said
    if not http10 and b"100-continue" in [v.lower() for v in values(fields, b"expect")]:
        flags.add("expect_continue")
    return head._replace(headers=tuple(fields), upgrade=upgrade, content_length=length, flags=ordered(flags),
                         body=response_body(head.status, method, flags, length))


def response_body(status: int, method: bytes, flags: set[str], length: int) -> str:
    if status == 101 or (method == b"CONNECT" and 200 <= status < 300):
        return "tunnel"
    if "no_body" in flags or method == b"HEAD":
        return "none"
    if "chunked" in flags:
        return "chunked"
    return "length" if length > 0 else "until_close"


def ordered(flags: set[str]) -> tuple[str, ...]:
    return tuple(f for f in FLAGS if f in flags)


# -- bodies

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


def body(head: Head, data: bytes, at: int, limits: Limits, events: list[Event]) -> int:
    """Append the body's events; returns where the next message starts."""
    if head.body == "chunked":
        at = chunked_body(data, at, limits, events)
    elif head.body in ("until_close", "tunnel"):
        add_data(events, data[at:])
        raise NeedMore
    elif head.body == "length":
        add_data(events, data[at:at + head.content_length])
        at += head.content_length
        if at > len(data):
            raise NeedMore
    events.append(("end",))
    return at


def decode(data: bytes, *, response: bool = False, methods: tuple[bytes, ...] = (),
           limits: Limits | None = None) -> list[Event]:
    """All events that these bytes give."""
    limits = limits or Limits()
    waiting = list(methods)
    events: list[Event] = []
    at = 0
    try:
        while at < len(data):
            lines, used = head_lines(data[at:], limits, not response)
            if response:
                head = response_head(lines, waiting[0] if waiting else b"GET")
                if waiting and (head.status >= 200 or head.status == 101):
                    waiting.pop(0)
            else:
                head = request_head(lines, limits)
            events.append(head)
            at = body(head, data, at + used, limits, events)
    except Fault as fault:
        events.append(("error", fault.args[0]))
    except NeedMore:
        pass
    return events
