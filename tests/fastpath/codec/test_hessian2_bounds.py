"""What a peer can make the Hessian 2.0 and JSONB readers spend: time linear in the bytes, little memory, no C stack."""

from __future__ import annotations

import pytest

from mosn._fastpath.codec.hessian2_face import MAX_DEPTH, Malformed, Reader, time_skip

MIB = 1 << 20


@pytest.mark.parametrize("data", [
    b"W" * MIB, b"H" * MIB, b"H\x90" * MIB, b"\x7a" * MIB, b"V\x90\x92" * MIB,
    b"C\x01a\x91\x01b" + b"\x60" * MIB, b"C\x01a\x92\x01b\x01c" + b"\x60" * MIB, b"C\x01a\x90" * MIB,
    b"M\x90" * MIB, b"U\x90" * MIB, b"R\0\0" * MIB, b"A\0\0" * MIB,
])
def test_bombs(data: bytes) -> None:
    """Deep nesting, endless chunks, classes without an object."""
    reader = Reader(data)
    with pytest.raises(Malformed):
        reader.skip()
    assert reader.bytes_held <= 16 * len(data)


@pytest.mark.parametrize("data", [b"\xa6" * MIB, b"\x95" * MIB, b"\x96" * MIB, b"\x92\x00" * MIB, b"\xa6\x4aa" * MIB,
                                  b"\x90" * MIB, b"\xb9" * MIB, b"\x93" * MIB])
def test_bombs_of_jsonb(data: bytes) -> None:
    reader = Reader(data, jsonb=True)
    with pytest.raises(Malformed):
        reader.skip()
    assert reader.bytes_held == 0


@pytest.mark.parametrize("jsonb", [False, True])
def test_the_depth_that_is_allowed(jsonb: bool) -> None:
    two, one, zero = (b"\x96", b"\x95", b"\x94") if jsonb else (b"\x7a", b"\x79", b"\x78")
    nested = two * MAX_DEPTH
    Reader(nested + zero * (MAX_DEPTH + 1), jsonb=jsonb).skip()
    with pytest.raises(Malformed):
        Reader(two * (MAX_DEPTH + 2) + zero * (MAX_DEPTH + 3), jsonb=jsonb).skip()
    # A list in a list in a list, each the last element, is not deep.
    Reader(one * MIB + zero, jsonb=jsonb).skip()


@pytest.mark.parametrize("length", [b"I\x7f\xff\xff\xff", b"I\x80\0\0\0", b"I\xff\xff\xff\xff", b"\xd7\xff\xff"])
@pytest.mark.parametrize("before", [b"X", b"V\x90", b"C\x01a"])
def test_lying_lengths_take_nothing(before: bytes, length: bytes) -> None:
    reader = Reader(before + length + b"\x90" * 100)
    with pytest.raises(Malformed):
        reader.skip()
    assert reader.bytes_held <= 4096


def test_classes_take_little_memory() -> None:
    """The smallest class definition is four bytes, and its object one."""
    count = 100_000
    data = b"X" + b"I" + count.to_bytes(4, "big") + b"C\x00\x90\x60" * count
    reader = Reader(data)
    reader.skip()
    assert reader.used == len(data)
    assert reader.bytes_held <= 6 * len(data)


def test_a_chunked_string_takes_its_bytes() -> None:
    data = b"R\0\1a" * 100_000 + b"\0"
    reader = Reader(data)
    assert reader.string() == b"a" * 100_000
    assert reader.bytes_held <= 2 * len(data)


def test_a_map_of_many_entries() -> None:
    data = b"H" + b"".join(b"\x05%05d\x01v" % i for i in range(100_000)) + b"Z"
    entries = Reader(data).map()
    assert entries is not None
    assert len(entries) == 100_000


@pytest.mark.parametrize(("piece", "jsonb"), [
    (b"\x90", False), (b"H\x01a\x01bZ", False), (b"\x01a", False), (b"W\x90Z", False), (b"R\0\1a\0", False),
    (b"\x7b\x90\x91\x92", False), (b"\xa6\x4aa\x4bbc\xa5", True), (b"\x96\x01\x02", True),
])
def test_time_is_linear(piece: bytes, jsonb: bool) -> None:
    """Eight times the bytes take about eight times as long; quadratic work would take sixty-four times."""
    small, large = 2000, 16000

    def data(n: int) -> bytes:
        head = b"\xa4\x48" if jsonb else b"XI"
        return head + n.to_bytes(4, "big") + piece * n

    times = [min(time_skip(data(n), 5, jsonb=jsonb) for _ in range(5)) for n in (small, large)]
    assert times[1] / times[0] < 24
    assert times[1] / len(data(large)) < 200        # ns a byte; measured: about 3
