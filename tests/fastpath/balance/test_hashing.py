"""The hashes that consistent hashing uses, against published values."""

from __future__ import annotations

import pytest

from mosn._fastpath.hashing import murmur2_of, xxh64_of


@pytest.mark.parametrize(
    ("data", "seed", "expected"),
    [
        (b"", 0, 0xEF46DB3751D8E999),
        (b"a", 0, 0xD24EC4F1A98C6E5B),
        (b"abc", 0, 0x44BC2CF5AD770999),
        (b"Nobody inspects the spammish repetition", 0, 0xFBCEA83C8A378BF1),
        # Envoy's points of a ring.
        (b"127.0.0.1:94_1", 0, 833437586790550860),
        (b"127.0.0.1:90_1", 0, 1033482794131418490),
    ],
)
def test_xxh64(data: bytes, seed: int, expected: int) -> None:
    assert xxh64_of(data, seed) == expected


def slow_xxh64(data: bytes, seed: int) -> int:
    """The specification, step by step."""
    p1, p2, p3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
    p4, p5, mask = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5, (1 << 64) - 1

    def rotate(value: int, bits: int) -> int:
        return ((value << bits) | (value >> (64 - bits))) & mask

    def mix(lane: int, value: int) -> int:
        return rotate((lane + value * p2) & mask, 31) * p1 & mask

    at = 0
    hash = (seed + p5) & mask
    if len(data) >= 32:
        lanes = [(seed + p1 + p2) & mask, (seed + p2) & mask, seed, (seed - p1) & mask]
        while at + 32 <= len(data):
            lanes = [mix(x, int.from_bytes(data[at + 8 * i : at + 8 * i + 8], "little")) for i, x in enumerate(lanes)]
            at += 32
        hash = sum(rotate(lane, bits) for lane, bits in zip(lanes, (1, 7, 12, 18), strict=True)) & mask
        for lane in lanes:
            hash = ((hash ^ mix(0, lane)) * p1 + p4) & mask
    hash = (hash + len(data)) & mask
    while at + 8 <= len(data):
        hash = (rotate(hash ^ mix(0, int.from_bytes(data[at : at + 8], "little")), 27) * p1 + p4) & mask
        at += 8
    if at + 4 <= len(data):
        hash = (rotate(hash ^ (int.from_bytes(data[at : at + 4], "little") * p1 & mask), 23) * p2 + p3) & mask
        at += 4
    for byte in data[at:]:
        hash = rotate(hash ^ (byte * p5 & mask), 11) * p1 & mask
    hash = (hash ^ (hash >> 33)) * p2 & mask
    hash = (hash ^ (hash >> 29)) * p3 & mask
    return hash ^ (hash >> 32)


@pytest.mark.parametrize("seed", [0, 1, 0xFFFFFFFFFFFFFFFF])
def test_xxh64_of_every_length(seed: int) -> None:
    data = bytes((i * 151 + 7) & 0xFF for i in range(150))
    for n in range(len(data)):
        assert xxh64_of(data[:n], seed) == slow_xxh64(data[:n], seed)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        # std::hash<std::string> of libstdc++, 64 bits.
        (b"", 0x553E93901E462A6E),
        (b"a", 0x454DDEE488C1ED6B),
        (b"hash test string", 0xF6FFDEE881CEB339),
        (b"12345678", 0x8C5B90A33A04DCA5),
        (b"0123456789abcdefg", 0x1E959B991607E7F0),
    ],
)
def test_murmur2(data: bytes, expected: int) -> None:
    assert murmur2_of(data) == expected
