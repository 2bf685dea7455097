"""What a peer can make the codec spend: time linear in the bytes, memory bounded by the limits."""

from __future__ import annotations

import pytest

from mosn._fastpath.codec.http1_face import Parser, chunk_head
from mosn._fastpath.codec.http1_timing import time_dribble, time_parse

HOST = b"GET / HTTP/1.1\r\nHost: a\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


def head_of(size: int, *, line: int) -> bytes:
    """A request head of about `size` bytes in lines of about `line` bytes."""
    field = b"X: " + b"v" * (line - 5) + b"\r\n"
    return HOST + field * ((size - len(HOST)) // len(field)) + b"\r\n"


@pytest.mark.parametrize("line", [600, 50_000])
def test_dribble_is_linear(line: int) -> None:
    """Four times the bytes, one by one, take about four times as long; quadratic work would take sixteen times."""
    small, large = head_of(14_000, line=line // 4), head_of(56_000, line=line)
    times = [min(time_dribble(data, 1) for _ in range(5)) for data in (small, large)]
    assert times[1] / times[0] < 8


def test_dribble_costs_at_most_a_hundredfold() -> None:
    """Against the same head in one piece; a call for each byte has its price, but a bounded one per byte."""
    data = head_of(50_000, line=500)
    assert min(time_dribble(data, 1) for _ in range(5)) / len(data) < 1000   # ns a byte; measured: about 15
    assert min(time_parse(data, 20) for _ in range(5)) / len(data) < 50      # measured: about 0.3


def test_an_unfinished_head_holds_nothing() -> None:
    parser = Parser()
    data = head_of(50_000, line=500)[:-2]
    for i in range(0, len(data), 1000):
        assert parser.feed(data[i:i + 1000]) == []
        assert parser.bytes_held == 0


def test_a_head_is_refused_at_its_limit() -> None:
    parser = Parser(head_bytes=8192)
    assert parser.feed(HOST + b"X: " + b"v" * 8192) == [("error", "HEAD_TOO_LARGE")]


def test_an_endless_first_line_is_refused() -> None:
    parser = Parser(head_bytes=8192)
    events = [e for _ in range(100) for e in parser.feed(b"G" * 100)]
    assert events == [("error", "HEAD_TOO_LARGE")]


def test_endless_empty_lines_are_refused() -> None:
    parser = Parser(head_bytes=8192)
    assert parser.feed(b"\r\n" * 5000) == [("error", "HEAD_TOO_LARGE")]


def test_unfinished_trailers_hold_at_most_a_line() -> None:
    parser = Parser(trailer_bytes=4096)
    parser.feed(CHUNKED + b"0\r\nA: ")
    for _ in range(40):
        parser.feed(b"b" * 100)
    assert not parser.error
    assert parser.bytes_held <= 16384
    assert parser.feed(b"b" * 100) == [("error", "HEAD_TOO_LARGE")]


def test_trailers_hold_little_more_than_their_bytes() -> None:
    parser = Parser(trailer_bytes=8192, headers=1000)
    parser.feed(CHUNKED + b"0\r\n" + b"A:\r\n" * 1000)
    assert parser.bytes_held <= 100 * 4000


def test_one_byte_chunks_hold_nothing() -> None:
    parser = Parser()
    parser.feed(CHUNKED)
    for _ in range(10_000):
        parser.feed(b"1;ext=value\r\nx\r\n")
    assert parser.bytes_held == 0


def test_many_headers_cost_at_most_a_hundredfold() -> None:
    """The smallest field lines: what a head takes in memory against its bytes."""
    fields = 10_000
    data = HOST + b"A:\r\n" * fields + b"\r\n"
    parser = Parser(headers=fields + 1)
    head, end = parser.feed(data)
    assert len(head.headers) == fields
    assert end == ("end",)
    assert parser.bytes_held == 0
    assert time_parse(HOST + b"A:\r\n" * 90 + b"\r\n", 1000) < 100_000


def test_chunk_sizes_never_exceed_what_follows() -> None:
    """A chunk of 2^63 - 1 bytes is no promise of memory."""
    parser = Parser()
    parser.feed(CHUNKED + chunk_head((1 << 63) - 1) + b"x" * 100)
    assert parser.bytes_held == 0
    assert not parser.error
