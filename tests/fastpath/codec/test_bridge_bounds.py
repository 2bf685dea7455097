"""What a client's JSON or a server's Hessian can make the bridge spend."""

from __future__ import annotations

import time

import pytest

from mosn._fastpath.codec.bridge_face import MAX_DEPTH, Refused, is_json, to_hessian, to_json

MIB = 1 << 20


def test_depth() -> None:
    assert is_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    assert not is_json(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1))
    to_hessian(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    with pytest.raises(Refused):
        to_hessian(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1))
    assert to_json(b"\x79" * (MAX_DEPTH - 1) + b"\x78")[0] == b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    with pytest.raises(Refused):
        to_json(b"\x79" * MAX_DEPTH + b"\x78")


@pytest.mark.parametrize("data", [b"[" * MIB, b'{"a":' * MIB, b'"' + b"\\u0041" * MIB, b"1" * MIB, b"[1," * MIB])
def test_json_bombs(data: bytes) -> None:
    began = time.perf_counter()
    with pytest.raises(Refused):
        to_hessian(data)
    assert time.perf_counter() - began < 1


def test_repeated_references_end_at_the_limit() -> None:
    """Each list holds the one before twice: 2 to the 40th elements in 120 bytes."""
    data = b"\x7f" + b"\x78" + b"".join(b"\x7a\x51" + bytes([0x91 + i]) + b"\x51" + bytes([0x91 + i]) for i in range(6))
    assert len(to_json(data)[0]) < 1000
    nested = b"W\x78" + b"".join(b"\x7a\x51" + number(i + 1) + b"\x51" + number(i + 1) for i in range(40)) + b"Z"
    began = time.perf_counter()
    with pytest.raises(Refused):
        to_json(nested, most=MIB)
    assert time.perf_counter() - began < 1


def number(value: int) -> bytes:
    return bytes([0x90 + value])


@pytest.mark.parametrize("data", [
    b"\x7f" * MIB, b"W" + b"\x78" * 2 * MIB + b"Z", b"C\x01a\x90" * MIB, b"W" + b"C\x01a\x90\x60" * 5000 + b"Z",
    b"C\x01a\xd7\xff\xff" + b"\x00" * MIB,
])  # fmt: skip
def test_hessian_bombs(data: bytes) -> None:
    """Deep nesting, too many containers, classes or fields."""
    began = time.perf_counter()
    with pytest.raises(Refused):
        to_json(data, most=16 * MIB)
    assert time.perf_counter() - began < 2


def test_text_ends_at_the_limit() -> None:
    assert to_json(b"\x05hello", most=7)[0] == b'"hello"'
    with pytest.raises(Refused):
        to_json(b"\x05hello", most=6)
