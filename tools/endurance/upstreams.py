"""Upstreams of the soak: one HTTP port whose answer depends on the path, and one TCP port that echoes."""

from __future__ import annotations

import asyncio
import hashlib
import random
import socket
import struct
from contextlib import suppress

LIMIT = 256 * 1024
IGNORED = (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError, ValueError)


def reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST instead of FIN."""
    sock: socket.socket | None = writer.get_extra_info("socket")
    if sock is not None:
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def read_body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() != "chunked":
        return await reader.readexactly(int(headers.get("content-length", "0")))
    body = b""
    while True:
        size = int(await reader.readline(), 16)
        body += await reader.readexactly(size)
        await reader.readline()
        if not size:
            return body


async def read_head(reader: asyncio.StreamReader) -> tuple[str, dict[str, str]]:
    """First line and headers of a message."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip("\r\n").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return first, {name.lower(): value.strip() for name, _, value in pairs}


async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while await answer(reader, writer):
            await writer.drain()
    except IGNORED:
        pass
    finally:
        writer.close()


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Answer one request as its path says; False when the connection has ended."""
    first, headers = await read_head(reader)
    kind = first.split(" ")[1].strip("/").split("?")[0]
    if kind == "early":
        # An answer before the request has been read, and no more reading: this connection is not to be used again.
        writer.write(b"HTTP/1.1 413 Payload Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        return False
    body = await read_body(reader, headers)
    if kind == "reset":
        reset(writer)
        return False
    if kind == "cut":
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n" + b"x" * 5000)
        await writer.drain()
        reset(writer)
        return False
    if kind == "mute":
        await asyncio.sleep(3)
        return False
    if kind == "trickle":
        return await trickle(writer)
    digest = hashlib.sha256(body).hexdigest().encode()
    payload = random.randbytes(random.choice((0, 100, 1000, 20_000, 200_000)))
    check = hashlib.sha256(payload).hexdigest().encode()
    writer.write(
        b"HTTP/1.1 200 OK\r\nx-body: %s\r\nx-check: %s\r\ncontent-length: %d\r\n\r\n" % (digest, check, len(payload))
    )
    writer.write(payload)
    return True


async def trickle(writer: asyncio.StreamWriter) -> bool:
    """A chunked answer, a little at a time."""
    writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    for _ in range(20):
        writer.write(b"3\r\nabc\r\n")
        await writer.drain()
        await asyncio.sleep(0.02)
    writer.write(b"0\r\n\r\n")
    return True


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send back what comes; after the client's end, end too.  Now and then, break off."""
    try:
        while data := await reader.read(65536):
            if data.startswith(b"break"):
                reset(writer)
                return
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except (*IGNORED, OSError):
        pass
    finally:
        writer.close()


async def start() -> tuple[list[asyncio.Server], int, int]:
    """The servers, the HTTP port and the TCP port."""
    web = await asyncio.start_server(converse, "127.0.0.1", 0, limit=LIMIT)
    tcp = await asyncio.start_server(echo, "127.0.0.1", 0, limit=LIMIT)
    return [web, tcp], web.sockets[0].getsockname()[1], tcp.sockets[0].getsockname()[1]
