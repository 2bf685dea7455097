"""The Hessian 2.0 and JSONB readers and the slow decoders agree on values, on damaged values and on any bytes."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import example, given, settings
from hypothesis import strategies as st

from mosn._fastpath.codec.hessian2_face import Malformed, Reader, put_string
from tests.fastpath.codec.guard_page import GuardedPages
from tests.fastpath.codec.hessian2_values import VALUES, Encoder
from tests.oracle import hessian2 as oracle
from tests.oracle import jsonb as jsonb_oracle

Found = tuple[int, object] | None


def outcome(read: Callable[[], object], used: Callable[[], int]) -> Found:
    """What was read and how many bytes that took; None for malformed."""
    try:
        value = read()
    except (Malformed, oracle.Malformed):
        return None
    return used(), value


def decoded(decoder: oracle.Decoder | jsonb_oracle.Decoder) -> None:
    decoder.value()


def skipped(data: bytes) -> Found:
    reader = Reader(data)
    return outcome(lambda: reader.skip(), lambda: reader.used)


def expected(data: bytes) -> Found:
    decoder = oracle.Decoder(data)
    return outcome(lambda: decoded(decoder), lambda: decoder.at)


@given(VALUES, st.integers(0, 2**32))
def test_any_value_is_skipped(value: object, seed: int) -> None:
    data = Encoder(seed).value(value)
    assert skipped(data + b"\x05after") == (len(data), None)
    decoder = oracle.Decoder(data)
    decoder.value()
    assert decoder.at == len(data)


@given(VALUES, st.integers(0, 2**32))
def test_every_beginning_is_malformed(value: object, seed: int) -> None:
    data = Encoder(seed).value(value)
    for n in range(len(data)):
        assert skipped(data[:n]) is None


@given(st.lists(VALUES, min_size=2, max_size=4), st.integers(0, 2**32))
def test_values_behind_each_other_share_their_classes(values: list[object], seed: int) -> None:
    encoder = Encoder(seed)
    pieces = [encoder.value(v) for v in values]
    reader = Reader(b"".join(pieces))
    for piece in pieces:
        start = reader.used
        reader.skip()
        assert reader.used == start + len(piece)


@given(VALUES, st.integers(0, 2**32), st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), max_size=4))
def test_damaged_values(value: object, seed: int, changes: list[tuple[int, int]]) -> None:
    data = bytearray(Encoder(seed).value(value))
    for at, byte in changes:
        data[at % len(data)] = byte
    assert skipped(bytes(data)) == expected(bytes(data))


@given(st.binary(max_size=60))
@example(b"X\x92\x92\x92")
@settings(max_examples=1000)
def test_any_bytes(data: bytes) -> None:
    assert skipped(data) == expected(data)


TAGS = st.sampled_from([bytes([t]) for t in b"CHMOQUVWXZNTFRSAB"] + [
    b"\x90", b"\x91", b"\x92", b"\x60", b"\x61", b"\x70", b"\x71", b"\x78", b"\x79", b"\x7a", b"\x01a", b"\x00",
    b"C\x01a\x91\x01b", b"\x01\xe4", b"\0\1", b"I\x7f\xff\xff\xff",
])


@given(st.lists(TAGS, max_size=30).map(b"".join))
@settings(max_examples=1000)
def test_bytes_that_look_like_values(data: bytes) -> None:
    assert skipped(data) == expected(data)
    reader, decoder = Reader(data), oracle.Decoder(data)
    assert outcome(reader.map, lambda: reader.used) == outcome(
        lambda: oracle.attachments(decoder), lambda: decoder.at)


@given(st.text(max_size=200) | st.text("a\u00e9\u4e16\U0001f600", max_size=200), st.integers(0, 2**32))
def test_strings_in_any_form(text: str, seed: int) -> None:
    encoded = text.encode("utf-8", "surrogatepass")
    data = Encoder(seed).string(text)
    reader = Reader(data)
    # Two lone halves that stand beside each other are one character, in Java too.
    joined = text.encode("utf-16-be", "surrogatepass").decode("utf-16-be", "surrogatepass")
    assert reader.string() == joined.encode("utf-8", "surrogatepass")
    assert reader.used == len(data)
    if text == joined and not any("\ud800" <= c <= "\udfff" for c in text):
        assert Reader(put_string(encoded)).string() == encoded
        assert Reader(put_string(encoded, jsonb=True), jsonb=True).string() == encoded


@given(VALUES, st.integers(0, 2**32))
@settings(max_examples=50)
def test_nothing_is_read_outside(value: object, seed: int) -> None:
    data = Encoder(seed).value(value)[:4096]
    with GuardedPages(1) as pages:
        for n in range(len(data) + 1):
            for address in (pages.at_end(data[:n]), pages.at_start(data[:n])):
                for read in (Reader.skip, Reader.string, Reader.map, Reader.int64):
                    reader = Reader(address=address, size=n)
                    outcome(lambda read=read, reader=reader: read(reader), lambda: 0)


# -- JSONB

JSONB_TAGS = st.sampled_from([
    b"\xa6", b"\xa5", b"\xaf", b"\xb1", b"\x94", b"\x95", b"\x96", b"\xa4\x02", b"\xa4\x48\x7f\xff\xff\xff", b"\x49",
    b"\x4aa", b"\x4bbc", b"\x79\x02\xe9b", b"\x7a\x03\xe4\xb8\x96", b"\x7c\x02\x16\x4e", b"\x7d\x02\x4e\x16",
    b"\x7b\x02ab", b"\x7d\x04\xd8\x3d\xde\x00", b"\x7e\x01a", b"\x92", b"\x7f", b"\x7f\x4aa\x00", b"\x01", b"\x38\x30",
    b"\x44\x01\x02", b"\xbd\xff",
    b"\xbc\x80\x00", b"\xbe\x80\0\0\0\0\0\0\0", b"\xbf\xff\xff\xff\xff", b"\xd0\x10", b"\xc4\x00\x10", b"\xe1",
    b"\x91\x02ab", b"\xb5\0\0\0\0\0\0\0\0", b"\xb9\x01", b"\xae\0\0\0\0\0\0\0\0", b"\xaa\0\0\0\0\0\0\0", b"\x93",
])


@given(st.lists(JSONB_TAGS, max_size=30).map(b"".join) | st.binary(max_size=40))
@settings(max_examples=2000)
def test_jsonb(data: bytes) -> None:
    for fast, slow in [
        (Reader.skip, decoded), (Reader.map, jsonb_oracle.attachments),
        (Reader.string, lambda d: encoded(d.string())), (Reader.int32, lambda d: d.int32()),
    ]:
        reader, decoder = Reader(data, jsonb=True), jsonb_oracle.Decoder(data)
        found = outcome(lambda fast=fast, reader=reader: fast(reader), lambda reader=reader: reader.used)
        assert found == outcome(lambda slow=slow, decoder=decoder: slow(decoder), lambda decoder=decoder: decoder.at)


def encoded(text: str | None) -> bytes | None:
    return None if text is None else text.encode("utf-8", "surrogatepass")


@given(st.lists(JSONB_TAGS, max_size=12).map(b"".join))
@settings(max_examples=100)
def test_jsonb_reads_nothing_outside(data: bytes) -> None:
    with GuardedPages(1) as pages:
        for n in range(len(data) + 1):
            for read in (Reader.skip, Reader.string, Reader.map, Reader.int64):
                reader = Reader(address=pages.at_end(data[:n]), size=n, jsonb=True)
                outcome(lambda read=read, reader=reader: read(reader), lambda: 0)
