"""A data plane of a few lines: greets with "INDEX PID VERSION" and echoes lines.  Misbehaves on request of a version.

refuse-1    worker 1 refuses to install it
crash-1     worker 1 dies while it installs it (crash-all: every worker)
hang-1      worker 1 never says that it is installed
"""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from collections import deque
from typing import Any

from mosn._fastpath.shm.segment import Segment


class FakePlane:
    def __init__(self, worker: int) -> None:
        self.worker = worker
        self.event_fd = os.eventfd(0, os.EFD_NONBLOCK)
        self._wake = os.eventfd(0, os.EFD_NONBLOCK)
        self._events: deque[tuple[str, object]] = deque()
        self._orders: deque[tuple[str, Any]] = deque()
        self._listening: dict[int, tuple[str, socket.socket]] = {}
        self._clients: dict[int, socket.socket] = {}
        self._deadline: float | None = None
        self._version = ""
        self._running = True

    def install(self, snapshot: Any) -> None:
        version = snapshot["version"]
        if f"refuse-{self.worker}" in version:
            raise ValueError(f"listener x: worker {self.worker} cannot compile {version}")
        if f"crash-{self.worker}" in version or "crash-all" in version:
            os.kill(os.getpid(), signal.SIGKILL)
        self._order("install", version)

    def add_socket(self, listener: str, fd: int) -> None:
        self._order("add", (listener, fd))

    def remove_sockets(self, listener: str) -> None:
        self._order("remove", listener)

    def drain(self, seconds: float) -> None:
        self._order("drain", seconds)

    def stop(self) -> None:
        self._order("stop", None)

    def connections(self) -> int:
        return len(self._clients)

    def take_events(self) -> list[tuple[str, object]]:
        try:
            os.eventfd_read(self.event_fd)
        except BlockingIOError:
            pass
        return [self._events.popleft() for _ in range(len(self._events))]

    def run(self) -> None:
        self._epoll = select.epoll()
        self._epoll.register(self._wake, select.EPOLLIN)
        while self._running:
            for fd, _ in self._epoll.poll(0.2):
                self._ready(fd)
            if self._deadline is not None and (not self._clients or time.monotonic() > self._deadline):
                self._tell("drained", None)
                return

    def _order(self, kind: str, argument: Any) -> None:
        self._orders.append((kind, argument))
        os.eventfd_write(self._wake, 1)

    def _tell(self, kind: str, value: object) -> None:
        self._events.append((kind, value))
        os.eventfd_write(self.event_fd, 1)

    def _ready(self, fd: int) -> None:
        if fd == self._wake:
            os.eventfd_read(fd)
            while self._orders:
                kind, argument = self._orders.popleft()
                getattr(self, f"_do_{kind}")(argument)
        elif fd in self._listening:
            self._accept(self._listening[fd][1])
        elif fd in self._clients:
            self._echo(self._clients[fd])

    def _do_install(self, version: str) -> None:
        if f"hang-{self.worker}" not in version:
            self._version = version
            self._tell("installed", version)

    def _do_add(self, argument: tuple[str, int]) -> None:
        sock = socket.socket(fileno=argument[1])
        self._listening[sock.fileno()] = (argument[0], sock)
        self._epoll.register(sock.fileno(), select.EPOLLIN)

    def _do_remove(self, listener: str) -> None:
        for fd, (name, sock) in list(self._listening.items()):
            if name == listener:
                del self._listening[fd]
                self._epoll.unregister(fd)
                sock.close()

    def _do_drain(self, seconds: float) -> None:
        for name in {name for name, _ in self._listening.values()}:
            self._do_remove(name)
        self._deadline = time.monotonic() + seconds

    def _do_stop(self, argument: None) -> None:
        self._running = False

    def _accept(self, listening: socket.socket) -> None:
        try:
            sock, _ = listening.accept()
        except BlockingIOError:
            return
        sock.setblocking(True)
        self._clients[sock.fileno()] = sock
        self._epoll.register(sock.fileno(), select.EPOLLIN)
        sock.sendall(f"{self.worker} {os.getpid()} {self._version}\n".encode())

    def _echo(self, sock: socket.socket) -> None:
        try:
            data = sock.recv(65536)
        except OSError:
            data = b""
        if data:
            sock.sendall(data)
            return
        del self._clients[sock.fileno()]
        self._epoll.unregister(sock.fileno())
        sock.close()


class FakeFastPath:
    def preload(self) -> None:
        import mosn.workers.worker  # noqa: F401

    def create_segment(self, workers: int) -> Segment:
        return Segment.create(workers)

    def clear_worker(self, segment: Segment, index: int) -> None:
        segment.clear_worker(index)

    def data_plane(self, index: int, segment: Segment, wake_fd: int) -> FakePlane:
        segment.set_wake_fd(index, wake_fd)
        return FakePlane(index)
