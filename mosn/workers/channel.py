"""A message channel between two of our processes: AF_UNIX SOCK_SEQPACKET, descriptors by SCM_RIGHTS.

Works on the master's `Loop` and on asyncio loops alike.  Never blocks: what the socket does not take waits here.
"""

from __future__ import annotations

import array
import os
import socket
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from mosn.workers.memory_file import read_memory_file, write_memory_file
from mosn.workers.messages import Message, ProtocolError, decode, encode

MAX_DESCRIPTORS = 250  # the kernel's SCM_MAX_FD is 253; one may be the body
_INLINE = 32 * 1024  # longer bodies travel as a memory file, so that a message always fits the socket's buffer
_BODY, _BODY_FILE = b"B", b"F"


class Poller(Protocol):
    """The part of a loop that a channel needs."""

    def add_reader(self, fd: int, callback: Callable[..., Any], *args: Any) -> Any: ...
    def remove_reader(self, fd: int) -> Any: ...
    def add_writer(self, fd: int, callback: Callable[..., Any], *args: Any) -> Any: ...
    def remove_writer(self, fd: int) -> Any: ...


class Channel:
    """Owns `sock`.  `on_message(message, descriptors)` owns the descriptors it gets.  `on_closed(reason)` is called
    once, when the other side is gone or does not speak our protocol."""

    def __init__(
        self,
        sock: socket.socket,
        poller: Poller,
        on_message: Callable[[Any, list[int]], None],
        on_closed: Callable[[str], None],
    ) -> None:
        self._sock = sock
        self._poller = poller
        self._on_message = on_message
        self._on_closed = on_closed
        self._waiting: deque[tuple[bytes, list[int]]] = deque()
        self.closed = False
        sock.setblocking(False)
        poller.add_reader(sock.fileno(), self._readable)

    def fileno(self) -> int:
        return self._sock.fileno()

    def send(self, message: Message, descriptors: Sequence[int] = ()) -> None:
        """Send, or keep until it can be sent.  The caller keeps its descriptors.  Nothing happens on a closed channel:
        its owner has been or will be told."""
        if self.closed:
            return
        body = encode(message)
        fds = list(descriptors)
        if len(body) <= _INLINE:
            self._post(_BODY + body, fds)
            return
        body_fd = write_memory_file("mosn-message", body)
        try:
            self._post(_BODY_FILE, [body_fd, *fds])
        finally:
            os.close(body_fd)

    def close(self) -> None:
        """Close without telling the owner."""
        if self.closed:
            return
        self.closed = True
        self._poller.remove_reader(self._sock.fileno())
        self._poller.remove_writer(self._sock.fileno())
        self._sock.close()
        for _, fds in self._waiting:
            _close_all(fds)
        self._waiting.clear()

    def _post(self, data: bytes, fds: list[int]) -> None:
        if not self._waiting and self._try_send(data, fds):
            return
        if self.closed:
            return
        self._waiting.append((data, [os.dup(fd) for fd in fds]))
        self._poller.add_writer(self._sock.fileno(), self._writable)

    def _try_send(self, data: bytes, fds: list[int]) -> bool:
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        try:
            self._sock.sendmsg([data], rights)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError as error:
            self._lost(f"cannot send: {error.strerror}")
            return False
        return True

    def _writable(self) -> None:
        while self._waiting:
            data, fds = self._waiting[0]
            if not self._try_send(data, fds):
                return
            self._waiting.popleft()
            _close_all(fds)
        self._poller.remove_writer(self._sock.fileno())

    def _readable(self) -> None:
        for _ in range(16):
            if self.closed or not self._receive():
                return

    def _receive(self) -> bool:
        try:
            data, fds, flags = self._receive_packet()
        except (BlockingIOError, InterruptedError):
            return False
        except OSError as error:
            self._lost(f"cannot receive: {error.strerror}")
            return False
        if not data:
            _close_all(fds)
            self._lost("closed by the other side")
            return False
        if flags & (socket.MSG_CTRUNC | socket.MSG_TRUNC):
            _close_all(fds)
            self._lost("a message was cut short (out of descriptors?)")
            return False
        return self._deliver(data, fds)

    def _receive_packet(self) -> tuple[bytes, list[int], int]:
        space = socket.CMSG_SPACE((MAX_DESCRIPTORS + 1) * 4)
        data, ancillary, flags, _ = self._sock.recvmsg(_INLINE + 1, space, socket.MSG_CMSG_CLOEXEC)
        fds = array.array("i")
        for level, kind, value in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                fds.frombytes(value[: len(value) - len(value) % fds.itemsize])
        return data, list(fds), flags

    def _deliver(self, data: bytes, fds: list[int]) -> bool:
        try:
            body = data[1:]
            if data[:1] == _BODY_FILE:
                body_fd = fds.pop(0)
                body = read_memory_file(body_fd)
                os.close(body_fd)
            message = decode(body)
        except (ProtocolError, IndexError, OSError) as error:
            _close_all(fds)
            self._lost(str(error))
            return False
        self._on_message(message, fds)
        return True

    def _lost(self, reason: str) -> None:
        if not self.closed:
            self.close()
            self._on_closed(reason)


def _close_all(fds: list[int]) -> None:
    for fd in fds:
        os.close(fd)
