"""A slow, obvious decoder of HTTP/1.1: what mosn/_fastpath/codec/http1*.pyx must agree with.

`decode` takes all the bytes of a connection at once and returns the events of http1_face.Parser, with neighbouring
("data", ...) events joined.  Faults carry the name of an H1Error.
"""

from __future__ import annotations

import re

from tests.oracle.http1_body import add_data, chunked_body
from tests.oracle.http1_lines import (
    Event,
    Fault,
    Field,
    Head,
    Limits,
    NeedMore,
    field,
    head_lines,
    request_line,
    status_line,
    valid_authority,
)

FLAGS = ("chunked", "close", "upgrade", "expect_continue", "keep_alive", "absolute_form", "http10", "no_body")


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
    if not http10 and b"100-continue" in [v.lower() for v in values(fields, b"expect")]:
        flags.add("expect_continue")
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


# -- a connection

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
