"""The console: one page that holds everything it needs and reads /overview and /clusters."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from aiohttp import web

POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
"""Nothing from elsewhere, not even if a name in a configuration held markup."""


async def page(request: web.Request) -> web.Response:
    headers = {"Content-Type": "text/html; charset=UTF-8", "Content-Security-Policy": POLICY}
    return web.Response(body=console_html(), headers=headers)


@cache
def console_html() -> bytes:
    return files("mosn.admin").joinpath("console.html").read_bytes()
