"""An upstream that sends every body back while it comes: `python -m tests.robustness.echoing`."""

from __future__ import annotations

import asyncio
from contextlib import suppress


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError, asyncio.IncompleteReadError):
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            at = head.find(b"\r\ncontent-length: ")
            if at >= 0:
                await known(reader, writer, int(head[at + 18 :].split(b"\r", 1)[0]))
            else:
                await chunked(reader, writer)
    writer.close()


async def known(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, left: int) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % left)
    while left:
        data = await reader.read(min(left, 1 << 20))
        if not data:
            raise ConnectionError
        left -= len(data)
        writer.write(data)
        await writer.drain()


async def chunked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    while True:
        line = await reader.readuntil(b"\r\n")
        size = int(line, 16)
        writer.write(line + await reader.readexactly(size + 2))
        await writer.drain()
        if not size:
            return


async def main() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1 << 22)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    import uvloop

    uvloop.run(main())
