"""What is written, read back; and which fields end at this hop."""

from __future__ import annotations

import http
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mosn._fastpath.codec.http1_face import (
    ERRORS,
    Message,
    Parser,
    chunk_head,
    error_text,
    known_header,
    reason,
)
from mosn._fastpath.head import HEADER_NAMES

Field = tuple[bytes, bytes]
names = st.text(string.ascii_lowercase + string.digits + "-_!~", min_size=1, max_size=70).map(str.encode)
values = st.binary(max_size=200).map(lambda b: bytes(c for c in b if c >= 32 and c != 127).strip(b" "))
fields = st.lists(st.tuples(names.map(lambda n: b"x-" + n), values), max_size=20)


def test_request() -> None:
    message = Message([(b"accept", b"*/*"), (b"x-empty", b"")], method=b"GET", path=b"/a?b", authority=b"example.com")
    assert message.request() == b"GET /a?b HTTP/1.1\r\nhost: example.com\r\naccept: */*\r\nx-empty: \r\n\r\n"


def test_request_proper_case() -> None:
    message = Message([(b"x-b3-traceid", b"a"), (b"a_b-1c", b"d")], method=b"GET", path=b"/", authority=b"h")
    assert message.request(proper_case=True) == b"GET / HTTP/1.1\r\nHost: h\r\nX-B3-Traceid: a\r\nA_B-1c: d\r\n\r\n"


def test_connect_writes_the_authority() -> None:
    message = Message([], method=b"CONNECT", path=b"/ignored", authority=b"a.com:443")
    assert message.request() == b"CONNECT a.com:443 HTTP/1.1\r\nhost: a.com:443\r\n\r\n"


def test_response() -> None:
    message = Message([(b"content-length", b"0")], status=404)
    assert message.response() == b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"
    assert message.response(http10=True) == b"HTTP/1.0 404 Not Found\r\ncontent-length: 0\r\n\r\n"
    assert message.response(proper_case=True) == b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize("status", [*range(100, 1000)])
def test_any_status_is_read_back(status: int) -> None:
    (head, *_) = Parser(response=True).feed(Message([], status=status).response())
    assert head.status == status


def test_reasons_are_the_registered_ones() -> None:
    # Envoy's words (and RFC 7231's) where RFC 9110 has others or has only a number.
    differ = {413, 414, 416, 418, 422}
    for status in http.HTTPStatus:
        if status not in differ:
            assert reason(status).decode() == status.phrase
    assert reason(299) == b"Unknown"
    assert reason(65535) == b"Unknown"


def test_trailers() -> None:
    assert Message([(b"grpc-status", b"0")]).trailers() == b"grpc-status: 0\r\n\r\n"
    assert Message([]).trailers() == b"\r\n"


@settings(max_examples=200, deadline=None)
@given(fields)
def test_request_is_read_back(items: list[Field]) -> None:
    written = Message(items, method=b"POST", path=b"/p", authority=b"a:1").request()
    head, end = Parser(head_bytes=1 << 20).feed(written)
    assert (head.method, head.path, head.authority, list(head.headers)) == (b"POST", b"/p", b"a:1", items)
    assert end == ("end",)


@settings(max_examples=200, deadline=None)
@given(fields)
def test_trailers_are_read_back(items: list[Field]) -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    parser = Parser(trailer_bytes=1 << 20)
    events = parser.feed(head + chunk_head(0) + Message(items).trailers())
    assert [list(e[1]) for e in events if e[0] == "trailers"] == ([items] if items else [])


@given(st.integers(0, (1 << 64) - 1))
def test_chunk_head(size: int) -> None:
    assert chunk_head(size) == b"%x\r\n" % size


def test_known_names() -> None:
    for name in HEADER_NAMES[1:]:
        assert known_header(name.encode()) == name.encode()
        assert known_header(name.encode() + b"x") == b""
        assert known_header(name.encode()[:-1]) == (b"te" if name == "te-" else b"")
    assert known_header(b"") == b""


@settings(max_examples=300)
@given(st.sampled_from(HEADER_NAMES[1:]), st.integers(0, 100), st.sampled_from(string.printable))
def test_neighbours_of_known_names_are_unknown(name: str, at: int, letter: str) -> None:
    at %= len(name)
    other = name[:at] + letter + name[at + 1:]
    assert known_header(other.encode()) == (other.encode() if other in HEADER_NAMES else b"")


def test_every_error_has_a_text() -> None:
    assert len({error_text(name) for name in ERRORS}) == len(ERRORS)


# -- hop by hop

def stripped(*items: Field) -> list[Field] | None:
    message = Message(items)
    return list(message.headers) if message.strip_hop_by_hop() else None


def test_hop_by_hop_fields_go() -> None:
    kept = [(b"accept", b"*/*"), (b"trailer", b"x"), (b"content-length", b"5")]
    gone = [
        (b"connection", b"close"), (b"keep-alive", b"timeout=5"), (b"proxy-connection", b"keep-alive"),
        (b"transfer-encoding", b"chunked"), (b"upgrade", b"h2c"), (b"http2-settings", b"AAMAAABk"), (b"te", b"gzip"),
    ]
    assert stripped(*gone, *kept) == kept


def test_fields_that_connection_names_go() -> None:
    items = [(b"connection", b"close, X-One ,,\tx-two"), (b"x-one", b"1"), (b"x-two", b"2"), (b"x-three", b"3")]
    assert stripped(*items) == [(b"x-three", b"3")]


def test_known_fields_that_connection_names_go() -> None:
    assert stripped((b"connection", b"Cookie"), (b"cookie", b"a"), (b"accept", b"b")) == [(b"accept", b"b")]


def test_several_connection_fields_count() -> None:
    assert stripped((b"connection", b"x-one"), (b"connection", b"x-two"), (b"x-one", b"1"), (b"x-two", b"2")) == []


@pytest.mark.parametrize("value", [b"trailers", b"gzip, Trailers", b"trailers , deflate"])
def test_te_keeps_trailers_only(value: bytes) -> None:
    assert stripped((b"te", value), (b"connection", b"te")) == [(b"te", b"trailers")]


@pytest.mark.parametrize("value", [b"gzip", b"trailersx", b"", b"trailers;q=1", b","])
def test_te_without_trailers_goes(value: bytes) -> None:
    assert stripped((b"te", value)) == []


@pytest.mark.parametrize("name", [
    b"Host", b":authority", b":", b"content-length", b"X-Forwarded-For", b"x-forwarded-host", b"x-forwarded-proto",
])
def test_what_must_stay_cannot_be_named(name: bytes) -> None:
    assert stripped((b"connection", b"close, " + name), (b"accept", b"*/*")) is None


def test_refused_heads_lose_their_hop_by_hop_fields_too() -> None:
    items = [(b"connection", b"host"), (b"transfer-encoding", b"chunked"), (b"te", b"gzip"), (b"accept", b"*/*")]
    message = Message(items)
    assert not message.strip_hop_by_hop()
    assert list(message.headers) == [(b"accept", b"*/*")]


def test_at_most_ten_names() -> None:
    names = [b"x-%d" % i for i in range(11)]
    assert stripped((b"connection", b",".join(names[:10]))) == []
    assert stripped((b"connection", b",".join(names))) is None
