"""Clients of the soak.  Those of GOOD are owed right answers; those of FAULTY are owed nothing.

Each is one conversation.  A good one raises Wrong when the proxy did not keep its promise.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from endurance.upstreams import LIMIT, read_body, read_head, reset

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

DEADLINE, FAULTY_DEADLINE = 30.0, 7.0
"""Seconds in which a conversation has to end, or is given up if it is a faulty one."""


class Wrong(Exception):
    """A good client did not get what it was owed."""


@dataclass(frozen=True)
class Target:
    web: int
    tcp: int


Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Client = Callable[[Target], Awaitable[None]]


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Stream]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=LIMIT)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


def head(kind: str, *lines: str, method: str = "POST") -> bytes:
    return "\r\n".join([f"{method} /{kind} HTTP/1.1", "host: soak.test", *lines, "", ""]).encode()


async def expect(stream: asyncio.StreamReader, body: bytes) -> None:
    """Read one answer of the upstream and compare both digests."""
    first, headers = await read_head(stream)
    payload = await read_body(stream, headers)
    if not first.startswith("HTTP/1.1 200"):
        raise Wrong(f"{first} {payload[:80]!r}")
    if headers["x-body"] != hashlib.sha256(body).hexdigest():
        raise Wrong("the upstream got another body")
    if headers["x-check"] != hashlib.sha256(payload).hexdigest():
        raise Wrong("the client got another body")


async def keep_alive(target: Target) -> None:
    async with connected(target.web) as (reader, writer):
        for _ in range(random.randint(1, 20)):
            body = random.randbytes(random.choice((0, 10, 3000, 70_000)))
            writer.write(head("good", f"content-length: {len(body)}") + body)
            await writer.drain()
            await expect(reader, body)
            await asyncio.sleep(random.random() * 0.05)


async def chunked(target: Target) -> None:
    async with connected(target.web) as (reader, writer):
        body = random.randbytes(30_000)
        writer.write(head("good", "transfer-encoding: chunked"))
        for start in range(0, len(body), 1000):
            writer.write(b"3e8\r\n" + body[start : start + 1000] + b"\r\n")
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        await expect(reader, body)


async def pipelined(target: Target) -> None:
    async with connected(target.web) as (reader, writer):
        writer.write((head("good", "content-length: 2") + b"ab") * 5)
        for _ in range(5):
            await expect(reader, b"ab")


async def byte_by_byte(target: Target) -> None:
    async with connected(target.web) as (reader, writer):
        for byte in head("good", "content-length: 0"):
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.002)
        await expect(reader, b"")


async def half_close(target: Target) -> None:
    """TCP: what was sent before the end comes back whole."""
    async with connected(target.tcp) as (reader, writer):
        body = random.randbytes(random.choice((1, 1000, 300_000)))
        writer.write(body)
        writer.write_eof()
        if await reader.read(-1) != body:
            raise Wrong("the echo differs")


async def reset_before_the_answer(target: Target) -> None:
    async with connected(target.web) as (_, writer):
        writer.write(head("trickle", method="GET"))
        await writer.drain()
        await asyncio.sleep(random.random() * 0.3)
        reset(writer)


async def stop_within_the_head(target: Target) -> None:
    async with connected(target.web) as (_, writer):
        whole = head("good", "content-length: 10", f"x-long: {'y' * 2000}")
        writer.write(whole[: random.randrange(1, len(whole))])
        await writer.drain()
        await asyncio.sleep(random.random() * 0.2)
        random.choice((writer.close, lambda: reset(writer)))()


async def stop_within_the_body(target: Target) -> None:
    async with connected(target.web) as (_, writer):
        writer.write(head("good", "content-length: 100000") + bytes(50_000))
        await writer.drain()
        reset(writer)


async def garbage(target: Target) -> None:
    async with connected(target.web) as (reader, writer):
        writer.write(random.choice((random.randbytes(300), b"GET\r\n\r\n", b"A" * 100_000, b"GET / HTTP/9.9\r\n\r\n")))
        await reader.read(1000)


async def slow_reader(target: Target) -> None:
    async with connected(target.web) as (reader, writer):
        writer.write(head("good", method="GET") * 5)
        for _ in range(10):
            await reader.read(500)
            await asyncio.sleep(0.05)


async def upstream_fault(target: Target) -> None:
    async with connected(target.web) as (reader, writer):
        kind = random.choice(("reset", "cut", "early", "mute"))
        writer.write(head(kind, "content-length: 70000", "connection: close") + bytes(70_000))
        await reader.read(-1 if kind != "mute" else 100)


async def tcp_break(target: Target) -> None:
    async with connected(target.tcp) as (reader, writer):
        writer.write(b"hello")
        await reader.read(5)
        if random.random() < 0.5:
            writer.write(b"break")
            await reader.read(-1)
        else:
            reset(writer)


GOOD: tuple[Client, ...] = (keep_alive, keep_alive, keep_alive, chunked, pipelined, byte_by_byte, half_close)
FAULTY: tuple[Client, ...] = (
    reset_before_the_answer,
    stop_within_the_head,
    stop_within_the_body,
    garbage,
    slow_reader,
    upstream_fault,
    tcp_break,
)
