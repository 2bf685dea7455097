"""Lines of HTTP/1.1 heads, slowly: where they end, first lines, field lines (part of http1.py)."""

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
