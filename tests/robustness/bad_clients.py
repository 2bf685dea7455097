"""Clients that take from a server and give nothing back.  Each holds one connection until it is told to go."""

from __future__ import annotations

import contextlib
import random
import resource
import select
import socket
import struct
from collections.abc import Callable

HEAD = b"POST /none/1/40000 HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\nx-a: bbbbbbbbbbbbb\r\n\r\n"
CHUNKED = b"POST /none/1/100 HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
GET = b"GET /none/1/5000 HTTP/1.1\r\nhost: x\r\n\r\n"


def many_descriptors(wanted: int = 20_000) -> int:
    """Raises this process' soft limit; what it is then."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = min(wanted, hard) if hard != resource.RLIM_INFINITY else wanted
    soft = max(limit, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return soft


def stall_at_once(chance: random.Random) -> bytes:
    return b""


def stall_in_the_head(chance: random.Random) -> bytes:
    return HEAD[: chance.randrange(1, len(HEAD) - 1)]


def large_head_without_end(chance: random.Random) -> bytes:
    return b"GET / HTTP/1.1\r\nhost: x\r\n" + b"x-long: %s\r\n" % (b"y" * 5000) * 9


def stall_in_the_body(chance: random.Random) -> bytes:
    return HEAD + b"b" * chance.randrange(999)


def stall_in_a_chunk(chance: random.Random) -> bytes:
    return CHUNKED + b"3\r\nabc\r\nff;ext=1"[: chance.randrange(1, 16)]


def never_read(chance: random.Random) -> bytes:
    return GET * 5


def pipeline_without_reading(chance: random.Random) -> bytes:
    return GET * 1000


def garbage(chance: random.Random) -> bytes:
    return chance.randbytes(200)


BEGINNINGS: tuple[Callable[[random.Random], bytes], ...] = (
    stall_at_once,
    stall_in_the_head,
    large_head_without_end,
    stall_in_the_body,
    stall_in_a_chunk,
    never_read,
    pipeline_without_reading,
    garbage,
)


class BadClients:
    """Some thousand of them, without a thread each."""

    def __init__(self, port: int, seed: int = 1) -> None:
        self.port = port
        self.chance = random.Random(seed)
        self.socks: list[socket.socket] = []

    def add(self, number: int) -> None:
        """Connections in the states of BEGINNINGS, in turn."""
        for n in range(number):
            sock = socket.create_connection(("127.0.0.1", self.port), timeout=10)
            sock.setblocking(False)
            with contextlib.suppress(BlockingIOError, ConnectionError):
                sock.send(BEGINNINGS[n % len(BEGINNINGS)](self.chance))
            self.socks.append(sock)

    def dribble(self) -> None:
        """One more byte each."""
        for sock in self.socks:
            with contextlib.suppress(OSError):
                sock.send(b"a")

    def closed(self) -> int:
        """How many the server has ended by now."""
        poll = select.poll()
        for sock in self.socks:
            poll.register(sock, select.POLLRDHUP)
        return len(poll.poll(0))

    def leave(self) -> None:
        """Half of them with RST, some after a half close."""
        for n, sock in enumerate(self.socks):
            with contextlib.suppress(OSError):
                if n % 2:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                elif n % 3 == 0:
                    sock.shutdown(socket.SHUT_WR)
            sock.close()
        self.socks.clear()
