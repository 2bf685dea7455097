"""Both ends of HTTP/2 for tests: a client on a socket, and an upstream that answers what a test says."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import h2.config
import h2.connection
import h2.events
import h2.exceptions

from tests.proxy.upstream import Closed, Peer

Fields = list[tuple[bytes, bytes]]
OPTIONS = {"typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
    "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
    "explicit_http_config": {"http2_protocol_options": {}},
}}}
"""Fields of a cluster that speaks HTTP/2."""


def request(path: bytes = b"/", method: bytes = b"GET", *more: tuple[bytes, bytes]) -> Fields:
    return [(b":method", method), (b":scheme", b"http"), (b":path", path), (b":authority", b"a.example"), *more]


class Exchange:
    """What came on one stream."""

    def __init__(self) -> None:
        self.heads: list[dict[bytes, bytes]] = []
        self.body = b""
        self.trailers: dict[bytes, bytes] | None = None
        self.ended = False
        self.reset: int | None = None

    @property
    def status(self) -> int:
        return int(self.heads[-1][b":status"])

    @property
    def done(self) -> bool:
        return self.ended or self.reset is not None


class H2Peer:
    """One side of a connection.  `taking`: window updates are sent for what comes."""

    def __init__(self, peer: Peer, *, client: bool, taking: bool = True, checked: bool = True) -> None:
        self.peer = peer
        self.taking = taking
        self.made = h2.connection.H2Connection(h2.config.H2Configuration(
            client_side=client, header_encoding=None, validate_outbound_headers=checked,
            normalize_outbound_headers=checked))
        self.made.initiate_connection()
        self.streams: dict[int, Exchange] = {}
        self.goaways: list[tuple[int, int]] = []
        self.flush()

    @classmethod
    def connect(cls, port: int, **options: Any) -> H2Peer:
        return cls(Peer.connect(port), client=True, **options)

    def flush(self) -> None:
        self.peer.send(self.made.data_to_send())

    def start(self, fields: Fields, body: bytes | None = None, *, end: bool = True) -> int:
        id = self.made.get_next_available_stream_id()
        self.streams[id] = Exchange()
        self.made.send_headers(id, fields, end_stream=end and body is None)
        self.flush()
        if body is not None:
            self.send(id, body, end=end)
        return id

    def send(self, id: int, body: bytes, *, end: bool = False) -> None:
        """As the windows allow; waits for room."""
        while len(body) > 0 or end:
            room = min(self.made.local_flow_control_window(id), self.made.max_outbound_frame_size, len(body))
            if room == 0 and body:
                self.more()
                continue
            self.made.send_data(id, body[:room], end_stream=end and room == len(body))
            body = body[room:]
            self.flush()
            if not body:
                return

    def more(self) -> list[Any]:
        """The events of the next bytes.  Raises Closed."""
        data = self.peer.sock.recv(65536)
        if not data:
            raise Closed("end of stream")
        found = self.made.receive_data(data)
        for event in found:
            self.note(event)
        with contextlib.suppress(OSError):
            self.flush()
        return found

    def note(self, event: Any) -> None:
        stream = self.streams.setdefault(getattr(event, "stream_id", None) or 0, Exchange())
        match event:
            case h2.events.RequestReceived() | h2.events.ResponseReceived() | h2.events.InformationalResponseReceived():
                stream.heads.append(joined(event.headers))
            case h2.events.DataReceived():
                stream.body += event.data
                if self.taking:
                    self.made.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case h2.events.TrailersReceived():
                stream.trailers = joined(event.headers)
            case h2.events.StreamEnded():
                stream.ended = True
            case h2.events.StreamReset():
                stream.reset = event.error_code
            case h2.events.ConnectionTerminated():
                self.goaways.append((event.last_stream_id, event.error_code))

    def wait(self, *ids: int) -> Exchange:
        """Until all of these are over; the last one."""
        while not all(self.streams[id].done for id in ids):
            self.more()
        return self.streams[ids[-1]]

    def ask(self, path: bytes = b"/", method: bytes = b"GET", *more: tuple[bytes, bytes],
            body: bytes | None = None) -> Exchange:
        return self.wait(self.start(request(path, method, *more), body))

    def closed(self) -> bool:
        with contextlib.suppress(Closed, ConnectionError):
            while True:
                self.more()
        return True


def joined(fields: Any) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for name, value in fields:
        found[name] = found[name] + b"," + value if name in found else value
    return found


def serve(answer: Callable[[H2Peer, int, Exchange], None], **options: Any) -> Callable[[Peer], None]:
    """A handler for Upstream: `answer` is called for each request when it is complete."""

    def handler(peer: Peer) -> None:
        side = H2Peer(peer, client=False, **options)
        answered: set[int] = set()
        while True:
            side.more()
            for id, stream in list(side.streams.items()):
                if stream.ended and id not in answered:
                    answered.add(id)
                    answer(side, id, stream)

    return handler


def reply(side: H2Peer, id: int, body: bytes = b"", *more: tuple[bytes, bytes], status: bytes = b"200",
          trailers: Fields | None = None) -> None:
    side.made.send_headers(id, [(b":status", status), *more], end_stream=not body and trailers is None)
    side.flush()
    if body:
        side.send(id, body, end=trailers is None)
    if trailers is not None:
        side.made.send_headers(id, trailers, end_stream=True)
        side.flush()


def echo(side: H2Peer, id: int, stream: Exchange) -> None:
    """Says what it saw: one "name: value" a line, then the body; trailers come back as they were."""
    said = b"".join(b"%s: %s\n" % field for field in stream.heads[0].items())
    reply(side, id, said + b"\n" + stream.body, trailers=list(stream.trailers.items()) if stream.trailers else None)
