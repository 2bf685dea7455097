"""Answers of the admin, with the headers that Envoy's has."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import orjson
from aiohttp import web

TEXT = "text/plain; charset=UTF-8"
JSON = "application/json"

HEADERS = {
    "Cache-Control": "no-cache, max-age=0",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Server": "envoy",
}
"""Of every answer.  `Server` is what Envoy's admin says: scripts look for it."""

PIECE = 256 << 10

Work = Callable[[Callable[[Iterator[str]], bytes], Iterator[str]], Awaitable[bytes]]


def text(body: str, status: int = 200) -> web.Response:
    return web.Response(body=body.encode(), status=status, headers={"Content-Type": TEXT})


def as_json(tree: Any, status: int = 200, *, compact: bool = False) -> web.Response:
    """`compact` for what only programs read."""
    body = orjson.dumps(tree, option=orjson.OPT_APPEND_NEWLINE | (0 if compact else orjson.OPT_INDENT_2))
    return web.Response(body=body, status=status, headers={"Content-Type": JSON})


async def stream(
    request: web.Request, pieces: Iterator[str], work: Work, content_type: str = TEXT
) -> web.StreamResponse:
    """Send a long text as it is made; `work` makes it, beside the loop."""
    response = web.StreamResponse(headers={"Content-Type": content_type})
    await response.prepare(request)
    while data := await work(gather, pieces):
        await response.write(data)
    await response.write_eof()
    return response


def gather(pieces: Iterator[str]) -> bytes:
    """The next PIECE bytes or so; empty at the end."""
    found: list[str] = []
    size = 0
    for piece in pieces:
        found.append(piece)
        size += len(piece)
        if size >= PIECE:
            break
    return "".join(found).encode()
