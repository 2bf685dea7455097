"""Upstreams that follow a case's script and keep what they received."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import Any

from tests.differential.wire import Message, Reader
from tests.proxy.upstream import Closed

Answer = dict[str, Any]

OK: Answer = {"status": 200, "body": "ok"}


def answer_bytes(answer: Answer) -> list[bytes]:
    """The pieces to send.  `raw` is taken as it is; `text` has its line ends turned into CRLF."""
    if "raw" in answer:
        raw = answer["raw"]
        return [each.encode("latin-1") for each in (raw if isinstance(raw, list) else [raw])]
    if "text" in answer:
        return [answer["text"].replace("\n", "\r\n").encode("latin-1")]
    body = answer.get("body", "")
    fields = [f"content-length: {len(body)}", *answer.get("fields", [])]
    head = "\r\n".join([f"HTTP/1.1 {answer['status']} Reason", *fields])
    return [f"{head}\r\n\r\n{body}".encode("latin-1")]


class Script:
    """The answers of the case that runs now, in the order in which requests arrive, whatever the connection."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.reset([OK])

    def reset(self, answers: list[Answer]) -> None:
        with self.lock:
            self.answers = answers
            self.received: list[Message] = []
            self.read = 0       # bodies that have come, or broken off
            self.ports: list[str] = []

    def settle(self) -> None:
        """Wait a moment for bodies that are still coming."""
        deadline = time.monotonic() + 0.5
        while self.read < len(self.received) and time.monotonic() < deadline:
            time.sleep(0.01)

    def next(self, message: Message, role: str) -> Answer:
        """The last answer repeats."""
        with self.lock:
            self.received.append(message)
            self.ports.append(role)
            return self.answers[min(len(self.received), len(self.answers)) - 1]


class Upstream:
    """Listens on a free port; connections are kept until the proxy or the script closes them."""

    def __init__(self, script: Script, role: str) -> None:
        self.script = script
        self.role = role
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self.listening.getsockname()[1]
        self.open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self.listening.accept()
                self.open.add(sock)
                threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        with sock, contextlib.suppress(Closed, OSError, ValueError):
            reader = Reader(sock)
            while self._exchange(sock, reader):
                pass
        self.open.discard(sock)

    def _exchange(self, sock: socket.socket, reader: Reader) -> bool:
        """One request and its answer.  False: the connection ends."""
        message = reader.head()
        answer = self.script.next(message, self.role)
        if answer.get("when") == "head":
            self._send(sock, answer)
            self._body(reader, message)
            return follow(sock, answer)
        self._body(reader, message)
        self._send(sock, answer)
        if answer.get("then") == "tunnel":
            echo(sock, reader)
        return follow(sock, answer)

    def _body(self, reader: Reader, message: Message) -> None:
        reader.body(message)
        self.script.read += 1

    def _send(self, sock: socket.socket, answer: Answer) -> None:
        time.sleep(answer.get("after", 0))
        for number, piece in enumerate(answer_bytes(answer)):
            if number:
                time.sleep(0.03)
            sock.sendall(piece)

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()
        for sock in list(self.open):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


def follow(sock: socket.socket, answer: Answer) -> bool:
    """What `then` says: keep (default), close, reset, or hang (read, and say nothing more)."""
    then = answer.get("then", "keep")
    if then == "reset":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    if then == "hang":
        while sock.recv(65536):
            pass
    return bool(then == "keep")


def echo(sock: socket.socket, reader: Reader) -> None:
    """Bytes come back as they were, until the other side ends."""
    with contextlib.suppress(Closed):
        while True:
            sock.sendall(reader.take(len(reader.unread)))
            reader.more()
