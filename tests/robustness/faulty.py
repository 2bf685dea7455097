"""An upstream that misbehaves as each request's path asks: `python -m tests.robustness.faulty PORT`.

A path is /FAULT/ID/SIZE.  An answer is made from the ID alone (see `body_of`), so that a client
can tell one that is another request's.  The first line of standard output is the port.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from typing import cast

RESET = struct.pack("ii", 1, 0)
EVIL = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nEVIL"
FAULTS = (
    "none",
    "chunked",
    "trailers",
    "empty",
    "hint",
    "pieces",
    "http10",
    "closing",
    "gone",
    "reset-before",
    "reset-head",
    "reset-body",
    "cut-chunk",
    "extra",
    "nonsense",
)
# What a client must get in full, whatever happens to requests around it.
SOUND = frozenset(("none", "chunked", "trailers", "empty", "hint", "pieces", "http10", "closing", "gone", "extra"))


def body_of(number: int, size: int) -> bytes:
    unit = b"<%d>" % number
    return (unit * (size // len(unit) + 1))[:size]


class Answering(asyncio.Protocol):
    """One connection; requests are answered in order, the fault of one may end it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's are no subclass
        self.unread = b""
        self.skip = 0
        self.broken = False

    def data_received(self, data: bytes) -> None:
        self.unread += data
        while not self.broken and self.take():
            pass

    def take(self) -> bool:
        """Answer one request if all of it has come."""
        end = self.unread.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = self.unread[:end].lower()
        at = head.find(b"\r\ncontent-length: ")
        length = int(head[at + 18 :].split(b"\r", 1)[0]) if at >= 0 else 0
        if len(self.unread) < end + 4 + length:
            return False
        _, path, _ = self.unread[:end].split(b" ", 2)
        sent, self.unread = self.unread[end + 4 : end + 4 + length], self.unread[end + 4 + length :]
        fault, number, size = path.decode().strip("/").split("/")
        self.answer(fault, int(number), int(size), len(sent))
        return True

    def answer(self, fault: str, number: int, size: int, sent: int) -> None:
        body = body_of(number, size)
        head = b"HTTP/1.1 200 OK\r\nx-id: %d\r\nx-sent: %d\r\n" % (number, sent)
        plain = head + b"content-length: %d\r\n\r\n" % size + body
        write = self.transport.write
        if fault == "none":
            write(plain)
        elif fault == "chunked":
            write(head + b"transfer-encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (size, body))
        elif fault == "trailers":
            write(head + b"transfer-encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\nx-end: %d\r\n\r\n" % (size, body, number))
        elif fault == "empty":
            write(b"HTTP/1.1 204 No Content\r\nx-id: %d\r\n\r\n" % number)
        elif fault == "hint":
            write(b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n" + plain)
        elif fault == "pieces":
            self.pieces(plain)
        elif fault == "http10":
            self.end(head.replace(b"/1.1", b"/1.0") + b"\r\n" + body)
        elif fault == "closing":
            self.end(plain.replace(b"\r\n", b"\r\nconnection: close\r\n", 1))
        elif fault == "gone":
            self.end(plain)
        elif fault == "extra":
            write(plain + EVIL)
        else:
            self.unsound(fault, plain)

    def unsound(self, fault: str, plain: bytes) -> None:
        write = self.transport.write
        head = plain.index(b"\r\n\r\n") + 4
        if fault == "reset-before":
            self.reset()
        elif fault == "reset-head":
            write(plain[: head // 2])
            self.reset()
        elif fault == "reset-body":
            write(plain[: head + (len(plain) - head) // 2])
            asyncio.get_running_loop().call_later(0.02, self.reset)
            self.broken = True
        elif fault == "cut-chunk":
            self.end(plain[: plain.index(b"content-length")] + b"transfer-encoding: chunked\r\n\r\n5\r\nabc")
        else:
            self.end(b"SSH-2.0-nonsense\r\n\r\n")

    def pieces(self, rest: bytes, left: int = 4) -> None:
        """Written in pieces over some time.  Requests do not come meanwhile: a proxy waits for the answer."""
        if self.transport.is_closing():
            return
        step = len(rest) // left
        self.transport.write(rest[:step])
        if left > 1:
            asyncio.get_running_loop().call_later(0.005, self.pieces, rest[step:], left - 1)

    def end(self, last: bytes) -> None:
        self.broken = True
        self.transport.write(last)
        self.transport.close()

    def reset(self) -> None:
        self.broken = True
        sock = self.transport.get_extra_info("socket")
        if sock is not None and not self.transport.is_closing():
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self.transport.abort()


async def main(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", port, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    import uvloop

    uvloop.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 0))
