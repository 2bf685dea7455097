"""The control socket: JSON lines over a unix socket that only the owner (and root) may use.

-> {"command": "reload", "args": {}}
<- {"progress": "..."}                                        any number
<- {"code": 0, "body": {...}, "error": "", "findings": []}    once per command
"""

from __future__ import annotations

import json
import logging
import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mosn.workers.listening import remove_stale_socket
from mosn.workers.loop import Loop
from mosn.workers.reply import BAD, Reply

log = logging.getLogger("mosn.master")

MAX_CLIENTS = 64
MAX_LINE = 64 * 1024

Handler = Callable[[str, dict[str, Any], Reply], None]


class ControlServer:
    def __init__(self, loop: Loop, path: Path, handle: Handler) -> None:
        """Raises OSError when the socket cannot be made."""
        self._loop = loop
        self._handle = handle
        self._clients: set[_Client] = set()
        self._sock = _listen(path)
        loop.add_reader(self._sock.fileno(), self._accept)

    def close(self) -> None:
        """Everything that was written is delivered by the kernel; clients see the end."""
        self._loop.remove_reader(self._sock.fileno())
        self._sock.close()
        for client in list(self._clients):
            client.close()

    def _accept(self) -> None:
        try:
            sock, _ = self._sock.accept()
        except OSError:
            return
        uid = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[1]
        if uid not in (0, os.geteuid()) or len(self._clients) >= MAX_CLIENTS:
            log.warning("a control connection of user %d was refused", uid)
            sock.close()
            return
        self._clients.add(_Client(self._loop, sock, self._handle, self._clients.discard))


def _listen(path: Path) -> socket.socket:
    remove_stale_socket(str(path))
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    before = os.umask(0o177)
    try:
        sock.bind(str(path))
    except BaseException:
        sock.close()
        raise
    finally:
        os.umask(before)
    sock.listen(MAX_CLIENTS)
    return sock


class _Client:
    def __init__(self, loop: Loop, sock: socket.socket, handle: Handler, gone: Callable[[_Client], None]) -> None:
        self._loop = loop
        self._sock = sock
        self._handle = handle
        self._gone = gone
        self._input = b""
        self._output = b""
        self._closed = False
        sock.setblocking(False)
        loop.add_reader(sock.fileno(), self._readable)

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._loop.remove_reader(self._sock.fileno())
        self._loop.remove_writer(self._sock.fileno())
        self._sock.close()
        self._gone(self)

    def _readable(self) -> None:
        try:
            data = self._sock.recv(MAX_LINE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        *lines, self._input = (self._input + data).split(b"\n")
        if len(self._input) > MAX_LINE:
            self.close()
            return
        for line in lines:
            self._request(line)

    def _request(self, line: bytes) -> None:
        reply = Reply(self._finish, lambda text: self._write({"progress": text}))
        try:
            request = json.loads(line)
            command, args = request["command"], request.get("args", {})
            if not isinstance(command, str) or not isinstance(args, dict):
                raise TypeError("a command is a string, its args an object")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            reply.failed(BAD, f"not a request: {error!r}")
            return
        self._handle(command, args, reply)

    def _finish(self, code: int, body: dict[str, Any], error: str, findings: list[dict[str, Any]]) -> None:
        self._write({"code": code, "body": body, "error": error, "findings": findings})

    def _write(self, document: dict[str, Any]) -> None:
        if not self._closed:
            self._output += json.dumps(document).encode() + b"\n"
            self._flush()

    def _flush(self) -> None:
        try:
            sent = self._sock.send(self._output)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.close()
            return
        self._output = self._output[sent:]
        if self._output:
            self._loop.add_writer(self._sock.fileno(), self._flush)
        else:
            self._loop.remove_writer(self._sock.fileno())
