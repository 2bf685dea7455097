"""The codec and the slow decoder agree on any bytes, however they are split."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from mosn._fastpath.codec.http1_face import Parser
from tests.fastpath.codec.http1_cases import Case, feed, load
from tests.oracle import http1 as oracle

CASES = load()
LIMITS = {"head_bytes": 400, "headers": 6, "chunk_line_bytes": 24, "trailer_bytes": 48}
# What attacks are made of.
PIECES = [
    b"\r\n", b"\r\n\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b",", b";", b"/", b"#", b"\x7f", b"\xff", b"0", b"5",
    b"0\r\n\r\n", b"5\r\nhello\r\n", b"HTTP/1.1", b"HTTP/1.0", b"GET / HTTP/1.1\r\n", b"HTTP/1.1 200 OK\r\n",
    b"Host: a\r\n", b"Content-Length: 5\r\n", b"Content-Length: 0\r\n", b"Transfer-Encoding: chunked\r\n",
    b"Connection: close\r\n", b"Connection: upgrade\r\n", b"Upgrade: websocket\r\n", b"Expect: 100-continue\r\n",
    b"chunked", b"CONNECT ", b"http://", b"x" * 64, b"X-Y: z\r\n" * 3,
]


def cut(data: bytes, places: list[int]) -> list[bytes]:
    at = sorted({p % (len(data) + 1) for p in places})
    return [data[i:j] for i, j in zip([0, *at], [*at, len(data)], strict=True)]


@st.composite
def mutated(draw: st.DrawFn) -> tuple[Case, bytes]:
    """A corpus file with a few pieces put in, taken out or doubled."""
    case = draw(st.sampled_from(CASES))
    data = case.data
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(data)))
        end = start + draw(st.integers(0, 12))
        new = draw(st.one_of(st.sampled_from(PIECES), st.binary(max_size=3), st.just(data[start:end] * 2)))
        data = data[:start] + new + data[end:]
    return case, data


assembled = st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join)
splits = st.lists(st.integers(0, 5000), max_size=6)


def check(data: bytes, places: list[int], *, response: bool, methods: tuple[bytes, ...] = (),
          limits: dict[str, int]) -> None:
    expected = oracle.decode(data, response=response, methods=methods, limits=oracle.Limits(**limits))
    parser = Parser(response=response, methods=methods, **limits)
    assert feed(parser, cut(data, places)) == expected


@settings(max_examples=1500, deadline=None)
@given(mutated(), splits)
def test_mutated_corpus(mutation: tuple[Case, bytes], places: list[int]) -> None:
    case, data = mutation
    check(data, places, response=case.response, methods=case.methods, limits=case.limits)


@settings(max_examples=1500, deadline=None)
@given(assembled, splits, st.booleans())
def test_assembled(data: bytes, places: list[int], response: bool) -> None:
    check(data, places, response=response, limits=LIMITS)


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=300), splits, st.booleans())
def test_any_bytes(data: bytes, places: list[int], response: bool) -> None:
    check(data, places, response=response, limits=LIMITS)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from([*b"\r\n\t :aA-\x00\x7f\x80"]), min_size=100, max_size=200).map(bytes), splits)
def test_field_lines(tail: bytes, places: list[int]) -> None:
    """Lines and faults at every position within a step of 64 bytes."""
    check(b"GET / HTTP/1.1\r\nHost: a\r\nA: " + tail, places, response=False, limits=LIMITS)
