"""Dubbo frames made and read by hand, and an upstream that speaks it."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from mosn._fastpath.codec.hessian2_face import put_map, put_string
from tests.fastpath.codec.dubbo_cases import EVENT, FASTJSON2, HESSIAN2, REQUEST, TWO_WAY, documents, frame, js
from tests.fastpath.codec.dubbo_cases import jsonb_object as js_object
from tests.oracle import dubbo as oracle
from tests.oracle import hessian2, jsonb
from tests.proxy.upstream import Peer

SERVICE = "com.example.Greeter"
OK = 20
Attachments = Sequence[tuple[bytes, bytes]]


def attached(service: str = SERVICE, *more: tuple[bytes, bytes]) -> Attachments:
    return [(b"path", service.encode()), (b"interface", service.encode()), (b"version", b"1.0.0"), *more]


def request(
    id: int, content: str = "hello", *, service: str = SERVICE, method: str = "greet", version: str | None = "1.0.0",
    attachments: Attachments | None = None, oneway: bool = False, serialization: int = HESSIAN2,
) -> bytes:  # fmt: skip
    """A call with one string as its argument."""
    flags = REQUEST | (0 if oneway else TWO_WAY) | serialization
    leading = ("2.0.2", service, version, method, "Ljava/lang/String;", content)
    entries = list(attached(service) if attachments is None else attachments)
    if serialization == FASTJSON2:
        return frame(documents(*map(js, leading), js_object(entries)), flags=flags, id=id)
    texts = b"".join(b"N" if text is None else put_string(text.encode()) for text in leading)
    return frame(texts + put_map(entries), flags=flags, id=id)


def response(id: int, content: str = "answer", *, kind: int = 1, status: int = OK) -> bytes:
    """A value (kind 1), or an exception (0) in whose place the string stands."""
    return frame(bytes([0x90 + kind]) + put_string(content.encode()), flags=HESSIAN2, status=status, id=id)


def heartbeat(id: int, serialization: int = HESSIAN2) -> bytes:
    body = b"\0\0\0\1\xaf" if serialization == FASTJSON2 else b"N"
    return frame(body, flags=REQUEST | TWO_WAY | EVENT | serialization, id=id)


def heartbeat_answer(id: int, serialization: int = HESSIAN2) -> bytes:
    body = b"\0\0\0\1\xaf" if serialization == FASTJSON2 else b"N"
    return frame(body, flags=EVENT | serialization, status=OK, id=id)


def readonly(serialization: int = HESSIAN2) -> bytes:
    body = b"\0\0\0\2\x4aR" if serialization == FASTJSON2 else b"\1R"
    return frame(body, flags=REQUEST | EVENT | serialization, id=0)


@dataclass
class Message:
    """One frame."""

    flags: int
    status: int
    id: int
    body: bytes
    raw: bytes = field(repr=False)

    @property
    def is_request(self) -> bool:
        return self.flags & REQUEST != 0

    @property
    def two_way(self) -> bool:
        return self.flags & TWO_WAY != 0

    @property
    def event(self) -> bool:
        return self.flags & EVENT != 0

    @cached_property
    def head(self) -> oracle.Head:
        return oracle.read(self.raw)

    @property
    def attachments(self) -> dict[bytes, bytes]:
        return dict(self.head.headers[1:])

    @property
    def content(self) -> str:
        """The last string: the argument of a request, the value or the error of a response."""
        if self.is_request:
            return str(self._argument())
        reader = hessian2.Decoder(self.body)
        if self.status == OK:
            reader.value()
        return str(reader.value())

    def _argument(self) -> object:
        if self.flags & 31 == FASTJSON2:
            documents, at = [], 0
            while at < len(self.body):
                (n,) = struct.unpack_from(">I", self.body, at)
                documents.append(self.body[at + 4 : at + 4 + n])
                at += 4 + n
            return jsonb.Decoder(documents[5]).string()
        reader = hessian2.Decoder(self.body)
        return [reader.value() for _ in range(6)][5]

    @property
    def exception(self) -> dict[str, Any]:
        """The fields of the exception that a response carries."""
        reader = hessian2.Decoder(self.body)
        assert reader.value() == 0
        value = reader.value()
        assert isinstance(value, hessian2.Object)
        return {"class": value.name, **dict(value.fields)}


def read(peer: Peer) -> Message:
    """The next frame; raises Closed."""
    head = peer.exactly(16)
    magic, flags, status, id, length = struct.unpack(">HBBQI", head)
    assert magic == 0xDABB
    body = peer.exactly(length)
    return Message(flags, status, id, body, head + body)


def serving(answer: Callable[[Message], bytes | None]) -> Callable[[Peer], None]:
    """An upstream's handler: what `answer` makes of each request is sent back; heartbeats are answered."""

    def handle(peer: Peer) -> None:
        while True:
            message = read(peer)
            if message.event:
                if message.two_way:
                    peer.send(heartbeat_answer(message.id, message.flags & 31))
            elif (made := answer(message)) is not None:
                peer.send(made)

    return handle


def echo(message: Message) -> bytes | None:
    """The argument comes back; one-way requests are not answered."""
    return response(message.id, message.content) if message.two_way else None


def call(peer: Peer, id: int, content: str = "hello", **options: Any) -> Message:
    peer.send(request(id, content, **options))
    return read(peer)
