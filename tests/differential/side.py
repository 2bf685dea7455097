"""One of the two programs with its own upstreams: plays cases and says what was seen."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import time
from pathlib import Path
from typing import Any

from tests.differential.bootstrap import build
from tests.differential.cases import Case, Scenario
from tests.differential.programs import start
from tests.differential.upstream import Script, Upstream
from tests.differential.wire import Mask, Reader
from tests.proxy.sidecar import free_port
from tests.proxy.upstream import Closed

Seen = dict[str, Any]


class Side:
    """Context manager."""

    def __init__(self, name: str, scenario: Scenario, directory: Path) -> None:
        self.name = name
        self.script = Script()
        self.upstreams = {role: Upstream(self.script, role) for role in ("a", "b")}
        # Bound but not listening: connecting to it is refused, and nobody else gets the port.
        self.refusing = socket.socket()
        self.refusing.bind(("127.0.0.1", 0))
        self.ports = {role: each.port for role, each in self.upstreams.items()}
        self.ports["refused"] = self.refusing.getsockname()[1]
        self.ports |= {listener: free_port() for listener in scenario.listeners}
        self.log = directory / "access.log"
        self.log.touch()
        self.program = start(name, directory, build(scenario, self.ports, self.log))
        self.seen: dict[str, Seen] = {}
        self.clients: dict[str, int] = {}

    def __enter__(self) -> Side:
        self.program.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.program.__exit__(*error)
        for upstream in self.upstreams.values():
            upstream.stop()
        self.refusing.close()

    def mask(self, client: int) -> Mask:
        return Mask({port: role.upper() for role, port in self.ports.items()} | {client: "CLIENT"})

    def play(self, case: Case) -> Seen:
        """Once; later calls return what the first saw."""
        if case.name not in self.seen:
            self.seen[case.name] = self._play(case)
        return self.seen[case.name]

    def _play(self, case: Case) -> Seen:
        self.script.reset(case.answers)
        with self._connect(case) as sock:
            client = sock.getsockname()[1]
            seen = converse(sock, case)
        self.script.settle()
        received = [message.plain() for message in self.script.received]
        seen["upstream"] = [{"at": at} | each for at, each in zip(self.script.ports, received, strict=True)]
        self.clients[case.name] = client
        masked: Seen = self.mask(client).all(seen)
        return masked

    def _connect(self, case: Case) -> socket.socket:
        """From a port that no other case had: the access log tells cases apart by it."""
        while True:
            sock = socket.create_connection(("127.0.0.1", self.ports[case.listener]), timeout=case.patience)
            if sock.getsockname()[1] not in self.clients.values():
                return sock
            sock.close()

    def logged(self, case: Case) -> list[Any]:
        """The case's lines of the access log, without the client's port."""
        client = self.clients[case.name]
        lines = [parse_line(line) for line in self.log.read_text(errors="replace").splitlines()]
        found: list[Any] = self.mask(client).all([line for port, line in lines if port == str(client)])
        return [plain_log(line) for line in found]

    def log_is_quiet(self) -> None:
        """Wait until the access log has stopped growing."""
        before = -1
        while (size := self.log.stat().st_size) != before:
            before = size
            time.sleep(1.5)


def parse_line(line: str) -> tuple[str, Any]:
    if line.startswith("{"):
        fields = json.loads(line)
        return str(fields.pop("client")), fields
    client, _, rest = line.partition(" ")
    return client, rest


def plain_log(line: Any) -> Any:
    """Without what does not count: the order of flags, and what our codec says more exactly than Envoy's."""
    if not isinstance(line, dict):
        return line
    flags = ",".join(sorted(str(line.get("flags", "")).split(",")))
    details = re.sub(r"^(http1\.codec_error)\{.*\}$", r"\1", str(line.get("details")))
    return line | {name: value for name, value in (("flags", flags), ("details", details)) if name in line}


def converse(sock: socket.socket, case: Case) -> Seen:
    """Send, read the answers, and look whether the connection is kept."""
    reader = Reader(sock)
    with contextlib.suppress(OSError):
        for number, piece in enumerate(case.sends):
            if number:
                time.sleep(0.05)
            sock.sendall(piece)
        if case.half_close:
            sock.shutdown(socket.SHUT_WR)
    answers = []
    ending = ""
    try:
        answers += read_answers(sock, reader, case)
    except Closed:
        ending = "closed"
    except TimeoutError:
        ending = "silent"
    return {"answers": answers, "ending": ending or ending_of(sock, reader)}


def read_answers(sock: socket.socket, reader: Reader, case: Case) -> Any:
    for method in case.methods:
        while True:
            message = reader.response(method)
            yield message.plain()
            if message.status >= 200 or message.framing == "tunnel":
                break
        if case.after:
            sock.sendall(case.after)
            sock.settimeout(0.2)
            yield {"tunnel": reader.rest()}


def ending_of(sock: socket.socket, reader: Reader) -> str:
    """What follows the answers: closed, kept, or bytes that nobody asked for."""
    sock.settimeout(0.12)
    try:
        if not reader.unread:
            reader.more()
        return f"more: {reader.unread!r}"
    except TimeoutError:
        return "kept"
    except Closed:
        return "closed"
