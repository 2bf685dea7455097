"""One sidecar for one protocol, before an upstream whose behaviour the method of a request chooses."""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.contract.protocol import Message, Protocol
from tests.proxy.rpc import rpc_listener
from tests.proxy.sidecar import Sidecar, bootstrap, cluster, free_port
from tests.proxy.upstream import Closed, Peer, Upstream

FRAME_BYTES = 8 * 1024 * 1024
LATE = 0.4


def route(protocol: Protocol, method: str, **action: Any) -> dict[str, Any]:
    target = {"cluster": "backend", **action}
    match = {"path": f"/{protocol.service}/{method}"}
    if "direct_response" in action:
        return {"match": match, **action}
    return {"match": match, "route": target}


def routes(protocol: Protocol) -> list[dict[str, Any]]:
    refused = {"status": 403, "body": {"inline_string": "not you"}}
    added = [{"header": {"key": "x-added", "value": "by the route"}}]
    return [
        *(route(protocol, method) for method in ("echo", "late", "close", "nonsense", "fail", "silent")),
        route(protocol, "short", timeout="0.2s"),
        route(protocol, "nohost", cluster="empty"),
        route(protocol, "refused", direct_response=refused),
        {**route(protocol, "added"), "request_headers_to_add": added},
    ]


class Box:
    """A context.  `seen` are the requests that reached the upstream, in their order."""

    def __init__(self, protocol: Protocol, directory: Path) -> None:
        self.protocol = protocol
        self.port = free_port()
        self.seen: list[Message] = []
        self.upstream = Upstream(self._serve)
        limits = {"max_frame_bytes": FRAME_BYTES, "upstream_connections": 2}
        # An idle upstream connection is asked soon, where the protocol has heartbeats.
        beat = {"interval": "0.3s", "timeout": "2s"}
        listener = rpc_listener(
            self.port, routes(protocol), stat_prefix="kit", upstream_heartbeat=beat, **limits, **protocol.config
        )
        clusters = [cluster("backend", self.upstream.port), cluster("empty")]
        self.sidecar = Sidecar(directory, bootstrap([listener], clusters))

    def __enter__(self) -> Box:
        self.sidecar.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.sidecar.__exit__()
        self.upstream.stop()

    def connect(self) -> Peer:
        return Peer.connect(self.port)

    def call(self, peer: Peer, id: int, method: bytes = b"echo", body: bytes = b"hello", **options: Any) -> Message:
        peer.send(self.protocol.request(id, method, body, **options))
        return self.protocol.read(peer)

    # -- the upstream

    def _serve(self, peer: Peer) -> None:
        lock = threading.Lock()
        while True:
            message = self.protocol.read(peer)
            if message.kind == "heartbeat":
                assert self.protocol.heartbeat_answer is not None
                self._send(peer, lock, self.protocol.heartbeat_answer(message.id))
                continue
            self.seen.append(message)
            if message.kind == "request":
                self._answer(peer, lock, message)

    def _answer(self, peer: Peer, lock: threading.Lock, message: Message) -> None:
        protocol = self.protocol
        if message.method == b"close":
            raise Closed("as asked")
        if message.method == b"nonsense":
            self._send(peer, lock, protocol.garbage)
        elif message.method == b"late":
            answer = protocol.response(message.id, message.body)
            threading.Timer(LATE, self._send, (peer, lock, answer)).start()
        elif message.method == b"fail":
            self._send(peer, lock, protocol.failure(message.id, b"it failed"))
        elif message.method not in (b"silent", b"short"):
            self._send(peer, lock, protocol.response(message.id, message.body))

    def _send(self, peer: Peer, lock: threading.Lock, data: bytes) -> None:
        with lock, contextlib.suppress(OSError):
            peer.send(data)

    def wait_seen(self, body: bytes, seconds: float = 5) -> Message:
        """The request with this body, once it has reached the upstream."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for message in list(self.seen):
                if message.body == body:
                    return message
            time.sleep(0.01)
        raise AssertionError(f"no request with the body {body!r} came")
