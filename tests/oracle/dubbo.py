"""Dubbo's frames and the request model that is made of them, slow and obvious."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field

from tests.oracle import hessian2, jsonb
from tests.oracle.hessian2 import Malformed

HESSIAN2, FASTJSON2 = 2, 23


class Refused(ValueError):
    """An error of FrameError, by name."""


@dataclass
class Head:
    authority: bytes = b""
    path: bytes = b"/"
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    timeout_ms: int = 0


def parse(data: bytes, *, frame_bytes: int = 8388624) -> dict[str, object] | int:
    """The facts of the first frame; its length or 0 while bytes are missing."""
    if not b"\xda\xbb".startswith(data[:2]):
        raise Refused("NOT_THE_PROTOCOL")
    if len(data) < 16:
        return 0
    flags, status, identity, body = struct.unpack(">xxBBQi", data[:16])
    if body < 0:
        raise Refused("BAD_LENGTH")
    if body + 16 > frame_bytes:
        raise Refused("TOO_LARGE")
    if len(data) < body + 16:
        return int(body + 16)
    content, serialization = data[16:16 + body], flags & 31
    facts = {"id": identity, "length": body + 16, "serialization": serialization, "status": 0, "code": 0, "value": 255}
    if flags & 0x80:
        return facts | {"kind": request_kind(flags, content, serialization)}
    value = 255 if flags & 0x20 else value_kind(content, serialization)
    code = {20: 500 if value in (0, 3) else 200, 30: 504, 31: 504, 35: 503, 100: 503, 40: 400, 50: 502, 60: 404}
    return facts | {"kind": "heartbeat_answer" if flags & 0x20 else "response", "status": status,
                    "code": code.get(status, 500), "value": value}


def request_kind(flags: int, content: bytes, serialization: int) -> str:
    if not flags & 0x20:
        return "request" if flags & 0x40 else "oneway"
    readonly = {HESSIAN2: content == b"\1R", FASTJSON2: content == b"\0\0\0\2\x4aR"}
    if readonly.get(serialization, content.startswith(b'"R"')):
        return "goaway"
    return "heartbeat" if flags & 0x40 else "event"


def value_kind(content: bytes, serialization: int) -> int:
    kinds = {HESSIAN2: [bytes([0x90 + k]) for k in range(6)],
             FASTJSON2: [b"\0\0\0\1" + bytes([k]) for k in range(6)]}
    for kind, written in enumerate(kinds.get(serialization, ())):
        if content.startswith(written) or (serialization == FASTJSON2
                                           and content.startswith(b"\0\0\0\2\xbd" + bytes([kind]))):
            return kind
    return 255


def read(data: bytes, *, headers: int = 256) -> Head:
    """The head of a whole request."""
    head = Head(headers=[(b"x-mosn-protocol", b"dubbo")])
    serialization = data[2] & 31
    try:
        if serialization == HESSIAN2:
            fields, attached = hessian2_body(data[16:])
        elif serialization == FASTJSON2:
            fields, attached = fastjson2_body(data[16:])
        else:
            return head
        fill(head, fields, attached, headers)
    except Malformed:
        raise Refused("BAD_HEADERS") from None
    return head


Attached = list[tuple[bytes | None, bytes | None]]


def hessian2_body(body: bytes) -> tuple[list[bytes], Attached]:
    decoder = hessian2.Decoder(body)
    fields = [(decoder.string() or "").encode("utf-8", "surrogatepass") for _ in range(5)]
    for _ in range(parameters(fields[4])):
        decoder.value()
    if decoder.at == len(body):
        return fields, []
    # What was defined in front of the map stays defined in it.
    return fields, hessian2.attachments(decoder) or []


def fastjson2_body(body: bytes) -> tuple[list[bytes], Attached]:
    at = 0

    def document() -> bytes:
        nonlocal at
        end = at + 4 + int.from_bytes(body[at:at + 4], "big")
        if at + 4 > len(body) or end > len(body):
            raise Malformed("ends early")
        at, start = end, at + 4
        return body[start:end]

    fields = []
    for _ in range(5):
        decoder = jsonb.Decoder(document())
        fields.append((decoder.string() or "").encode("utf-8", "surrogatepass"))
        if decoder.at != len(decoder.data):
            raise Malformed("more than a string")
    for _ in range(parameters(fields[4])):
        document()
    if at == len(body):
        return fields, []
    decoder = jsonb.Decoder(document())
    found = jsonb.attachments(decoder)
    if found is not None and decoder.at != len(decoder.data):
        raise Malformed("more than an object")
    return fields, found or []


def parameters(types: bytes) -> int:
    if not re.fullmatch(rb"(?:\[*(?:L[^;]*;|[ZBCSIJFDV]))*", types, re.DOTALL):
        raise Malformed("no parameter types")
    return len(re.findall(rb"\[*(?:L[^;]*;|[ZBCSIJFDV])", types, re.DOTALL))


def fill(head: Head, fields: list[bytes], attached: Attached, most: int) -> None:
    _, service, version, method, _ = fields
    if not service or not method or b"/" in method or re.search(rb"[\0-\x20\x7f?#]", service + method):
        raise Malformed("no service or no method")
    head.authority, head.path = service, b"/" + service + b"/" + method
    if len(attached) > most:
        raise Malformed("too many")
    own = [(k, v) for k, v in attached if k and v is not None and not re.search(rb"[\0-\x20:\x7f-\xff]", k)]
    if len({k for k, _ in own}) < len(own):
        raise Malformed("twice")
    if version and b"version" not in dict(own):
        head.headers.append((b"version", version))
    head.headers += [(k.lower(), v) for k, v in own]
    timeout = dict(own).get(b"timeout", b"")
    if re.fullmatch(rb"[0-9]{0,9}", timeout):
        head.timeout_ms = int(timeout or b"0")
