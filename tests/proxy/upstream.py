"""An upstream that does what a test tells it: a listening socket and a function for each accepted connection."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable


class Closed(Exception):
    """The other side closed (or reset) before what was asked for had come."""


class Peer:
    """One TCP connection with the little reading that tests need.  All waits end after 10 seconds."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.sock.settimeout(10)
        self.unread = b""

    @classmethod
    def connect(cls, port: int, host: str = "127.0.0.1") -> Peer:
        return cls(socket.create_connection((host, port), timeout=10))

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def more(self) -> None:
        """Raises Closed at the end of the stream."""
        try:
            data = self.sock.recv(65536)
        except ConnectionResetError as error:
            raise Closed("reset") from error
        if not data:
            raise Closed("end of stream")
        self.unread += data

    def until(self, mark: bytes) -> bytes:
        """Everything up to and including `mark`."""
        while mark not in self.unread:
            self.more()
        at = self.unread.index(mark) + len(mark)
        found, self.unread = self.unread[:at], self.unread[at:]
        return found

    def exactly(self, n: int) -> bytes:
        while len(self.unread) < n:
            self.more()
        found, self.unread = self.unread[:n], self.unread[n:]
        return found

    def rest(self) -> bytes:
        """Until the other side closes; a reset counts as an end too."""
        with contextlib.suppress(Closed):
            while True:
                self.more()
        found, self.unread = self.unread, b""
        return found

    def closed(self, within: float = 5) -> bool:
        """Does the other side end the stream, without another byte, in this time?"""
        self.sock.settimeout(within)
        try:
            return self.sock.recv(1) == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False

    def chunked(self) -> bytes:
        """The body of a chunked message, trailers dropped."""
        body = b""
        while True:
            size = int(self.until(b"\r\n")[:-2].split(b";")[0], 16)
            if size == 0:
                while self.until(b"\r\n") != b"\r\n":
                    pass
                return body
            body += self.exactly(size)
            assert self.exactly(2) == b"\r\n"

    def body(self, head: bytes) -> bytes:
        """The body that this head announces."""
        fields = parse_fields(head)
        if fields.get(b"transfer-encoding") == b"chunked":
            return self.chunked()
        return self.exactly(int(fields.get(b"content-length", b"0")))

    def message(self) -> tuple[bytes, bytes]:
        """One head and its body."""
        head = self.until(b"\r\n\r\n")
        return head, self.body(head)

    def reset(self) -> None:
        """Close with RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        self.close()

    def close(self) -> None:
        self.sock.close()


def parse_fields(head: bytes) -> dict[bytes, bytes]:
    """Names in lower case; values of repeated fields joined by commas."""
    fields: dict[bytes, bytes] = {}
    for line in head.split(b"\r\n")[1:]:
        name, found, value = line.partition(b":")
        if found:
            name = name.lower()
            fields[name] = fields[name] + b"," + value.strip() if name in fields else value.strip()
    return fields


def status(head: bytes) -> int:
    return int(head.split(b" ", 2)[1])


def ok(body: bytes = b"ok", extra: bytes = b"") -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n%s\r\n%s" % (len(body), extra, body)


def echo_head(peer: Peer) -> None:
    """Answers every request with the head and body that it saw, as the body."""
    with contextlib.suppress(Closed, OSError):
        while True:
            head, body = peer.message()
            peer.send(ok(head + body))


class Upstream:
    """Listens on a free port (or `port`); `handler` runs on a thread of its own for every connection."""

    def __init__(self, handler: Callable[[Peer], None] = echo_head, port: int = 0) -> None:
        self.handler = handler
        self.listening = socket.create_server(("127.0.0.1", port), backlog=128)
        self.port: int = self.listening.getsockname()[1]
        self.accepted = 0
        self.peers: list[Peer] = []
        self.errors: list[BaseException] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self.listening.accept()
                self.accepted += 1
                peer = Peer(sock)
                self.peers.append(peer)
                threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer: Peer) -> None:
        try:
            self.handler(peer)
        except (Closed, OSError):
            pass
        except BaseException as error:
            self.errors.append(error)
        finally:
            peer.close()

    def stop(self) -> None:
        # shutdown() wakes the thread that sits in accept(); close() alone would not.
        with contextlib.suppress(OSError):
            self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()
        for peer in self.peers:
            with contextlib.suppress(OSError):
                peer.sock.shutdown(socket.SHUT_RDWR)
            peer.close()
        assert not self.errors, self.errors
