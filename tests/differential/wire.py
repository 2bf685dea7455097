"""HTTP/1.1 messages read from a socket as they are: names in their case, fields in their order, faults tolerated."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass, field
from typing import Any

from tests.proxy.upstream import Closed

Fields = list[tuple[str, str]]


@dataclass
class Message:
    """One message.  `framing` says how the end of the body was known: none, length, chunked, close or tunnel."""

    line: str
    fields: Fields
    framing: str = "none"
    body: str = ""
    trailers: Fields = field(default_factory=list)
    broken: bool = False

    @property
    def status(self) -> int:
        return int(self.line.split(" ")[1])

    def values(self, name: str) -> list[str]:
        return [value for each, value in self.fields if each.lower() == name]

    def plain(self) -> dict[str, Any]:
        """For comparing: fields grouped by name, the values of each in their order."""
        grouped: dict[str, list[str]] = {}
        for name, value in self.fields:
            grouped.setdefault(name, []).append(value)
        plain: dict[str, Any] = {"line": self.line, "fields": dict(sorted(grouped.items())), "framing": self.framing}
        if self.body:
            plain["body"] = self.body
        if self.trailers:
            plain["trailers"] = sorted(self.trailers)
        return plain | ({"broken": True} if self.broken else {})


class Reader:
    """Reads messages from a socket; the socket's timeout is the patience for each piece."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.unread = b""

    def more(self) -> None:
        """Raises Closed at the end of the stream, TimeoutError when nothing comes."""
        try:
            data = self.sock.recv(65536)
        except ConnectionResetError as error:
            raise Closed("reset") from error
        if not data:
            raise Closed("end")
        self.unread += data

    def until(self, mark: bytes) -> bytes:
        while mark not in self.unread:
            self.more()
        at = self.unread.index(mark) + len(mark)
        found, self.unread = self.unread[:at], self.unread[at:]
        return found

    def take(self, n: int) -> bytes:
        found, self.unread = self.unread[:n], self.unread[n:]
        return found

    def head(self) -> Message:
        lines = self.until(b"\r\n\r\n")[:-4].decode("latin-1").split("\r\n")
        return Message(lines[0], parse(lines[1:]))

    def body(self, message: Message) -> None:
        """Fills in framing, body and trailers; `broken` when the stream ends or stops too early."""
        try:
            if "chunked" in ",".join(message.values("transfer-encoding")):
                message.framing = "chunked"
                self._chunks(message)
            elif lengths := message.values("content-length"):
                message.framing = "length"
                self._count(message, int(lengths[0]))
        except (Closed, TimeoutError):
            message.broken = True

    def response(self, method: str) -> Message:
        """One response, an interim one too; `method` is the request's."""
        message = self.head()
        tunnel = message.status == 101 or (method == "CONNECT" and 200 <= message.status < 300)
        if tunnel:
            message.framing = "tunnel"
        elif method == "HEAD" or message.status < 200 or message.status in (204, 304):
            pass
        elif message.values("transfer-encoding") or message.values("content-length"):
            self.body(message)
        else:
            message.framing = "close"
            message.body = self.rest()
        return message

    def rest(self) -> str:
        """What comes until the end of the stream, or until nothing comes."""
        try:
            while True:
                self.more()
        except (Closed, TimeoutError):
            return self.take(len(self.unread)).decode("latin-1")

    def _count(self, message: Message, n: int) -> None:
        try:
            while len(self.unread) < n:
                self.more()
        finally:
            message.body += self.take(n).decode("latin-1")

    def _chunks(self, message: Message) -> None:
        while True:
            size = int(self.until(b"\r\n").split(b";")[0], 16)
            if size == 0:
                break
            self._count(message, size)
            self.until(b"\r\n")
        lines = []
        while (line := self.until(b"\r\n")) != b"\r\n":
            lines.append(line[:-2].decode("latin-1"))
        message.trailers = parse(lines)


def parse(lines: list[str]) -> Fields:
    split = (line.partition(":") for line in lines)
    return [(name, value.strip()) for name, _, value in split]


UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
DATE = re.compile(r"\b(Sun|Mon|Tue|Wed|Thu|Fri|Sat), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT")


def rounded(milliseconds: str) -> str:
    """Up to the next second: what is left of a timeout at a later attempt."""
    return str(-(-int(milliseconds) // 1000) * 1000) if milliseconds.isdigit() else milliseconds


class Mask:
    """Replaces what two runs cannot have in common: ports by their role, dates, generated identifiers."""

    def __init__(self, ports: dict[int, str]) -> None:
        self.ports = {str(port): role for port, role in ports.items()}

    def text(self, value: str) -> str:
        value = DATE.sub("DATE", UUID.sub("UUID", value))
        return re.sub(r"\b\d{4,5}\b", lambda found: self.ports.get(found[0], found[0]), value)

    def all(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {key: self._field(key, each) for key, each in value.items()}
        return [self.all(each) for each in value] if isinstance(value, list | tuple) else value

    def _field(self, name: str, value: Any) -> Any:
        if name.lower() == "x-envoy-upstream-service-time" and all(each.isdigit() for each in value):
            return ["MILLISECONDS"] * len(value)
        if name.lower() == "x-envoy-expected-rq-timeout-ms":
            return [rounded(each) for each in value]
        if name.lower() == "content-length":
            return value
        return self.all(value)
