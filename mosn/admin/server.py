"""The admin's HTTP server: where it listens, who is let in, what an error looks like."""

from __future__ import annotations

import logging
import os
import socket
from contextlib import suppress

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from mosn.admin.addresses import split_address
from mosn.admin.answers import HEADERS, text
from mosn.admin.context import AdminContext
from mosn.admin.desk import DESK, Desk
from mosn.admin.guard import Guard
from mosn.admin.routes import PAGES, help_text

log = logging.getLogger("mosn.admin")

LOOPBACK = "127.0.0.1"
SOCKET_MODE = 0o600
MAX_BODY = 64 << 10
CLOSE_SECONDS = 1.0
BACKLOG = 128


class AdminServer:
    """A running admin."""

    def __init__(self, runner: web.AppRunner, address: str, made_path: str) -> None:
        self._runner = runner
        self._made_path = made_path
        self.address = address
        """As "127.0.0.1:9901" (with the real port) or "unix:/path"."""

    async def close(self) -> None:
        """Answers under way get CLOSE_SECONDS."""
        await self._runner.cleanup()
        if self._made_path:
            with suppress(OSError):
                os.unlink(self._made_path)


async def start(context: AdminContext, address: str | socket.socket) -> AdminServer:
    """Serve the admin at "IP:PORT", ":PORT" (loopback), "unix:/path", or on a socket that listens already.

    A unix socket is made with mode 0600 and replaces a stale one.  Raises OSError when the address cannot be had,
    ValueError when it is none.
    """
    made_path = ""
    if isinstance(address, str):
        made_path = address.removeprefix("unix:") if address.startswith("unix:") else ""
        listening = bind(address)
    else:
        listening = address
    listening.setblocking(False)
    shown, host = describe(listening)
    runner = web.AppRunner(application(context, host), access_log=None, shutdown_timeout=CLOSE_SECONDS)
    await runner.setup()
    await web.SockSite(runner, listening, backlog=BACKLOG).start()
    log.info("admin at %s", shown)
    return AdminServer(runner, shown, made_path)


def bind(address: str) -> socket.socket:
    if address.startswith("unix:"):
        return bind_path(address.removeprefix("unix:"))
    host, port = split_address(address)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host or LOOPBACK, port))
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise OSError(error.errno, f"admin address {address}: {error.strerror}") from error
    return sock


def bind_path(path: str) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        remove_stale(path)
        before = os.umask(0o777 & ~SOCKET_MODE)
        try:
            sock.bind(path)
        finally:
            os.umask(before)
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise OSError(error.errno, f"admin address unix:{path}: {error.strerror}") from error
    return sock


def remove_stale(path: str) -> None:
    """Remove a socket that nobody listens on any more."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
        except OSError:
            return  # it is not there, or bind will say what is wrong


def describe(sock: socket.socket) -> tuple[str, str]:
    """("127.0.0.1:9901", "127.0.0.1"); the second is "" for a unix socket."""
    name = sock.getsockname()
    if sock.family == socket.AF_UNIX:
        return f"unix:{name}", ""
    host, port = name[:2]
    return (f"[{host}]:{port}" if ":" in host else f"{host}:{port}"), host


def application(context: AdminContext, host: str) -> web.Application:
    app = web.Application(middlewares=[answer_middleware(Guard(host))], client_max_size=MAX_BODY)
    app[DESK] = Desk(context)
    for page in PAGES:
        if page.method == "GET":
            app.router.add_get(page.path, page.handler)
        else:
            app.router.add_post(page.path, page.handler)
    app.on_response_prepare.append(_add_headers)
    app.on_cleanup.append(_close_desk)
    return app


async def _close_desk(app: web.Application) -> None:
    app[DESK].close()


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)


def answer_middleware(guard: Guard) -> Middleware:
    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        if fault := guard.fault(request.method, request.headers):
            return text(fault, status=403)
        try:
            return await handler(request)
        except web.HTTPMethodNotAllowed as error:
            allowed = ",".join(sorted(error.allowed_methods))
            response = text(f"Method {request.method} not allowed, {allowed} required.\n", status=405)
            response.headers["Allow"] = allowed
            return response
        except web.HTTPNotFound:
            return text(f"invalid path. {help_text()}", status=404)
        except web.HTTPException as error:
            return text(error.text or error.reason, status=error.status)
        except Exception:
            log.exception("admin %s %s failed", request.method, request.path)
            return text("the admin failed to answer; the log says why\n", status=500)

    return answer
