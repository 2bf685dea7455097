"""BOLT frames made and read by hand, and an upstream that speaks it."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.proxy.upstream import Peer

REQUEST_CLASS = b"com.alipay.sofa.rpc.core.request.SofaRequest"
RESPONSE_CLASS = b"com.alipay.sofa.rpc.core.response.SofaResponse"
SERVICE = b"com.example.Greeter:1.0"
Headers = Sequence[tuple[bytes | None, bytes | None]]


def text(value: bytes | None) -> bytes:
    return struct.pack(">i", -1) if value is None else struct.pack(">i", len(value)) + value


def header_map(headers: Headers) -> bytes:
    return b"".join(text(name) + text(value) for name, value in headers)


def sofa_headers(service: bytes = SERVICE, method: bytes = b"greet", *more: tuple[bytes, bytes]) -> Headers:
    names = (b"service", b"sofa_head_target_service")
    return [*((name, service) for name in names), (b"sofa_head_method_name", method), (b"app", b"test"), *more]


def _frame(front: bytes, crc: bool, class_name: bytes, headers: Headers, content: bytes) -> bytes:
    entries = header_map(headers)
    data = front + struct.pack(">HHI", len(class_name), len(entries), len(content)) + class_name + entries + content
    return data + struct.pack(">I", zlib.crc32(data)) if crc else data


def request(
    id: int, content: bytes = b"hello", *, type: int = 1, command: int = 1, timeout: int = 3000, codec: int = 1,
    headers: Headers | None = None, class_name: bytes = REQUEST_CLASS, v2: int = 0, crc: bool = False,
) -> bytes:  # fmt: skip
    """`v2`: 0 for version 1, else the second byte of version 2."""
    versions = bytes((2, v2)) if v2 else b"\x01"
    switch = bytes((int(crc),)) if v2 else b""
    front = versions + struct.pack(">BHBIB", type, command, 1, id, codec) + switch + struct.pack(">i", timeout)
    return _frame(front, crc, class_name, sofa_headers() if headers is None else headers, content)


def response(
    id: int, content: bytes = b"answer", *, command: int = 2, status: int = 0, codec: int = 1, headers: Headers = (),
    class_name: bytes = RESPONSE_CLASS, v2: int = 0, crc: bool = False,
) -> bytes:  # fmt: skip
    versions = bytes((2, v2)) if v2 else b"\x01"
    switch = bytes((int(crc),)) if v2 else b""
    front = versions + struct.pack(">BHBIB", 0, command, 1, id, codec) + switch + struct.pack(">H", status)
    return _frame(front, crc, class_name, headers, content)


def heartbeat(id: int, v2: int = 0) -> bytes:
    return request(id, b"", command=0, timeout=-1, headers=(), class_name=b"", v2=v2)


def heartbeat_answer(id: int, v2: int = 0) -> bytes:
    return response(id, b"", command=0, class_name=b"", v2=v2)


@dataclass
class Message:
    """One frame.  `timeout` of requests and `status` of responses are 0 in the others."""

    version: int
    type: int
    command: int
    id: int
    codec: int
    timeout: int
    status: int
    class_name: bytes
    headers: list[tuple[bytes | None, bytes | None]]
    content: bytes
    raw: bytes = field(repr=False)

    @property
    def error_text(self) -> bytes:
        """What a SofaResponse made by the sidecar says, "" for other frames."""
        _, found, rest = self.content.partition(b"o\x90TS")
        return rest[2 : 2 + struct.unpack(">H", rest[:2])[0]] if found else b""


def read_map(data: bytes) -> Iterator[tuple[bytes | None, bytes | None]]:
    values: list[bytes | None] = []
    while data:
        (n,) = struct.unpack(">i", data[:4])
        values.append(None if n < 0 else data[4 : 4 + n])
        data = data[4 + max(n, 0) :]
    return iter(list(zip(values[::2], values[1::2], strict=True)))


def read(peer: Peer) -> Message:
    """The next frame; raises Closed."""
    start = peer.exactly(3)
    v2 = start[0] == 2
    answer = start[1 + v2] == 0
    fixed = (22 if v2 else 20) if answer else (24 if v2 else 22)
    data = start + peer.exactly(fixed - 3)
    lengths = struct.unpack(">HHI", data[-8:])
    rest = peer.exactly(sum(lengths))
    at = 1 + v2
    kind, command, _, id, codec = struct.unpack(">BHBIB", data[at : at + 9])
    crc = v2 and data[1] == 2 and data[at + 9] & 1
    raw = data + rest
    if crc:
        check = peer.exactly(4)
        assert struct.unpack(">I", check)[0] == zlib.crc32(raw)
        raw += check
    number = data[at + 9 + v2 : -8]
    return Message(
        version=data[0], type=kind, command=command, id=id, codec=codec,
        timeout=0 if answer else struct.unpack(">i", number)[0],
        status=struct.unpack(">H", number)[0] if answer else 0,
        class_name=rest[: lengths[0]],
        headers=list(read_map(rest[lengths[0] : lengths[0] + lengths[1]])),
        content=rest[lengths[0] + lengths[1] :],
        raw=raw,
    )  # fmt: skip


def serving(answer: Callable[[Message], bytes | None]) -> Callable[[Peer], None]:
    """An upstream's handler: what `answer` makes of each request is sent back; heartbeats are answered."""

    def handle(peer: Peer) -> None:
        while True:
            message = read(peer)
            if message.command == 0:
                peer.send(heartbeat_answer(message.id))
            elif (made := answer(message)) is not None:
                peer.send(made)

    return handle


def echo(message: Message) -> bytes | None:
    """The content comes back; oneway requests are not answered."""
    crc = message.version == 2 and bool(message.raw[11] & 1)
    if message.type == 2:
        return None
    return response(message.id, message.content, v2=message.raw[1] if message.version == 2 else 0, crc=crc)


def call(peer: Peer, id: int, content: bytes = b"hello", **options: Any) -> Message:
    peer.send(request(id, content, **options))
    return read(peer)
