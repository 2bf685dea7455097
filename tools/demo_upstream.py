"""The demo's upstream: a small HTTP/1.1 server that says who answered and what it was asked.

Example: python tools/demo_upstream.py 18001 v1
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress

HEAD_LIMIT = 64 * 1024


async def serve(port: int, name: str) -> asyncio.Server:
    """Listen on the loopback; `name` stands in every answer."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            while await answer(reader, writer, name):
                pass
        writer.close()

    return await asyncio.start_server(converse, "127.0.0.1", port, limit=HEAD_LIMIT)


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, name: str) -> bool:
    """Answer one request; False when the connection is to be closed."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    request_line, *lines = head.rstrip("\r\n").split("\r\n")
    headers = {key.strip().lower(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    await reader.readexactly(int(headers.get("content-length", "0")))
    shown = "".join(f"  {key}: {value}\n" for key, value in headers.items())
    body = f"hello from {name}\nthe proxy asked: {request_line}\n{shown}".encode()
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: %d\r\n\r\n" % len(body))
    writer.write(b"" if request_line.startswith("HEAD ") else body)
    await writer.drain()
    # A body without a length would need a decoder; the demo's server does not read on after one.
    return headers.get("connection", "").lower() != "close" and "transfer-encoding" not in headers


async def main() -> None:
    server = await serve(int(sys.argv[1]), sys.argv[2])
    await server.serve_forever()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    asyncio.run(main())
