"""h11 and httptools read the good corpus files as we do; where they do not, the difference has a reason here."""

from __future__ import annotations

import h11
import httptools
import pytest

from tests.fastpath.codec.http1_cases import Case, load

GOOD = [c for c in load() if c.whole]
Message = tuple[bytes, list[tuple[bytes, bytes]], bytes]

# Files that the other one reads differently or refuses, and why.  A file that agrees again must leave this list.
H11_DIFFERS = {
    "requests/leading_crlf": "takes no empty lines before a request",
    "requests/pipeline_crlf_between": "takes no empty lines before a request",
}
HTTPTOOLS_DIFFERS = {
    "requests/chunked_trailers_forbidden": "refuses framing fields among trailers, which we drop",
    "requests/method_g": "knows a list of methods only",
    "requests/method_getx": "knows a list of methods only",
    "requests/method_symbols": "knows a list of methods only",
    "responses/head_chunked": "is not told that the request was HEAD",
    "responses/head_length": "is not told that the request was HEAD",
}


def ours(case: Case) -> list[Message]:
    """(method or status, fields without Host and framing, body) of each message."""
    messages: list[Message] = []
    for event in case.events:
        if hasattr(event, "method"):
            first = event.method or str(event.status).encode()
            messages.append((first, plain(event.headers), b""))
        elif event[0] == "data":
            first, fields, body = messages[-1]
            messages[-1] = (first, fields, body + event[1])
    return messages


def plain(fields: object) -> list[tuple[bytes, bytes]]:
    dropped = (b"host", b"content-length", b"transfer-encoding")
    return [(bytes(n).lower(), bytes(v)) for n, v in fields if bytes(n).lower() not in dropped]


class Collector:
    """httptools' callbacks."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.fields: list[tuple[bytes, bytes]] = []
        self.body = b""
        self.parser: object = None

    def on_message_begin(self) -> None:
        self.fields, self.body, self.headers_done = [], b"", False

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.headers_done:
            self.fields.append((name, value))

    def on_headers_complete(self) -> None:
        self.headers_done = True
        first = self.parser.get_method() if hasattr(self.parser, "get_method") else self.status()
        self.messages.append((first, plain(self.fields), b""))

    def status(self) -> bytes:
        return str(self.parser.get_status_code()).encode()

    def on_body(self, data: bytes) -> None:
        first, fields, body = self.messages[-1]
        self.messages[-1] = (first, fields, body + data)


def by_httptools(case: Case) -> list[Message]:
    collector = Collector()
    kind = httptools.HttpResponseParser if case.response else httptools.HttpRequestParser
    collector.parser = kind(collector)
    try:
        collector.parser.feed_data(case.data)
    except httptools.HttpParserUpgrade:
        pass
    return collector.messages


def by_h11(case: Case) -> list[Message]:
    role = h11.CLIENT if case.response else h11.SERVER
    connection = h11.Connection(role, max_incomplete_event_size=1 << 20)
    messages: list[Message] = []
    methods = list(case.methods)
    if case.response:
        ask(connection, methods)
    connection.receive_data(case.data)
    while True:
        event = connection.next_event()
        if event in (h11.NEED_DATA, h11.PAUSED) or isinstance(event, h11.ConnectionClosed):
            return messages
        if isinstance(event, h11.Request):
            messages.append((event.method, plain(event.headers), b""))
        elif isinstance(event, h11.Response | h11.InformationalResponse):
            messages.append((str(event.status_code).encode(), plain(event.headers), b""))
        elif isinstance(event, h11.Data):
            first, fields, body = messages[-1]
            messages[-1] = (first, fields, body + bytes(event.data))
        elif isinstance(event, h11.EndOfMessage):
            next_cycle(connection, case, methods)


def ask(connection: h11.Connection, methods: list[bytes]) -> None:
    method = methods.pop(0) if methods else b"GET"
    connection.send(h11.Request(method=method, target="/", headers=[("Host", "a")]))
    connection.send(h11.EndOfMessage())


def next_cycle(connection: h11.Connection, case: Case, methods: list[bytes]) -> None:
    """Answer, so that h11 goes on with the next message; not possible when it wants to close."""
    if not case.response:
        connection.send(h11.Response(status_code=200, headers=[("Content-Length", "0")]))
        connection.send(h11.EndOfMessage())
    if connection.our_state is h11.DONE and connection.their_state is h11.DONE:
        connection.start_next_cycle()
        if case.response:
            ask(connection, methods)


each_good_case = pytest.mark.parametrize("case", GOOD, ids=[c.name for c in GOOD])


@each_good_case
def test_httptools(case: Case) -> None:
    try:
        theirs = by_httptools(case)
    except httptools.HttpParserError:
        theirs = []
    assert (theirs != ours(case)) == (case.name in HTTPTOOLS_DIFFERS)


@each_good_case
def test_h11(case: Case) -> None:
    try:
        theirs = by_h11(case)
    except h11.RemoteProtocolError:
        theirs = []
    assert (theirs != ours(case)) == (case.name in H11_DIFFERS)
