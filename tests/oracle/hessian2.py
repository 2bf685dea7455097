"""Hessian 2.0, slow and obvious: the whole value is made, by recursion, from the grammar.

Values: None, bool, int, float, Date, str (with surrogate pairs joined), bytes, list, Map (pairs), Object, Reference.
"""

from __future__ import annotations

import struct
import sys
from dataclasses import dataclass

MAX_DEPTH = 512


class Malformed(ValueError):
    """Not Hessian 2.0, or more strictly not what its writers write."""


@dataclass(frozen=True)
class Date:
    milliseconds: int


@dataclass(frozen=True)
class Reference:
    index: int


@dataclass(frozen=True)
class Map:
    pairs: tuple[tuple[object, object], ...]
    type: object = None


@dataclass(frozen=True)
class Object:
    name: str
    fields: tuple[tuple[str, object], ...]


def allow_recursion() -> None:
    """Containers that are a last element may be as many inside each other as there are bytes."""
    sys.setrecursionlimit(max(sys.getrecursionlimit(), 100_000))


class Decoder:
    """Reads one value after the other from `at`."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.classes: list[tuple[str, list[str]]] = []
        allow_recursion()

    def take(self, n: int) -> bytes:
        if n < 0 or self.at + n > len(self.data):
            raise Malformed("ends early")
        self.at += n
        return self.data[self.at - n:self.at]

    def byte(self) -> int:
        return self.take(1)[0]

    def number(self, n: int, *, signed: bool = False) -> int:
        return int.from_bytes(self.take(n), "big", signed=signed)

    def peek(self) -> int:
        return self.data[self.at] if self.at < len(self.data) else -1

    # -- strings and binaries

    def units(self, n: int) -> list[int]:
        return [self.unit() for _ in range(n)]

    def unit(self) -> int:
        first = self.byte()
        if first < 0x80:
            return first
        if 0xc2 <= first <= 0xdf:
            return (first & 0x1f) << 6 | self.continuation()
        if 0xe0 <= first <= 0xef:
            unit = (first & 0x0f) << 12 | self.continuation() << 6 | self.continuation()
            if unit >= 0x800:
                return unit
        raise Malformed("not UTF-8")

    def continuation(self) -> int:
        byte = self.byte()
        if byte & 0xc0 != 0x80:
            raise Malformed("not UTF-8")
        return byte & 0x3f

    def string(self, tag: int | None = None) -> str | None:
        """A string, or None for null when the tag has not been read before."""
        if tag is None:
            tag = self.byte()
            if tag == ord("N"):
                return None
        units: list[int] = []
        while True:
            if tag <= 0x1f:
                units += self.units(tag)
            elif 0x30 <= tag <= 0x33:
                units += self.units((tag - 0x30) * 256 + self.byte())
            elif tag in b"SR":
                units += self.units(self.number(2))
            else:
                raise Malformed("no string")
            if tag != ord("R"):
                break
            tag = self.byte()
        return struct.pack(f">{len(units)}H", *units).decode("utf-16-be", "surrogatepass")

    def binary(self, tag: int) -> bytes:
        if 0x20 <= tag <= 0x2f:
            return self.take(tag - 0x20)
        if 0x34 <= tag <= 0x37:
            return self.take((tag - 0x34) * 256 + self.byte())
        if tag == ord("B"):
            return self.take(self.number(2))
        if tag == ord("A"):
            return self.take(self.number(2)) + self.binary(self.byte())
        raise Malformed("no binary")

    # -- numbers

    def integer(self, tag: int) -> int | None:
        if 0x80 <= tag <= 0xbf:
            return tag - 0x90
        if 0xc0 <= tag <= 0xcf:
            return (tag - 0xc8) * 256 + self.byte()
        if 0xd0 <= tag <= 0xd7:
            return (tag - 0xd4) * 65536 + self.number(2)
        return self.number(4, signed=True) if tag == ord("I") else None

    def whole(self) -> int:
        """An int, and nothing else."""
        value = self.integer(self.byte())
        if value is None:
            raise Malformed("no int")
        return value

    def long(self, tag: int) -> int | None:
        if 0xd8 <= tag <= 0xef:
            return tag - 0xe0
        if tag >= 0xf0:
            return (tag - 0xf8) * 256 + self.byte()
        if 0x38 <= tag <= 0x3f:
            return (tag - 0x3c) * 65536 + self.number(2)
        if tag == ord("Y"):
            return self.number(4, signed=True)
        return self.number(8, signed=True) if tag == ord("L") else None

    def double(self, tag: int) -> float | None:
        match tag:
            case 0x5b | 0x5c:
                return float(tag - 0x5b)
            case 0x5d:
                return float(self.number(1, signed=True))
            case 0x5e:
                return float(self.number(2, signed=True))
            case 0x5f:
                return self.number(4, signed=True) / 1000
            case 0x44:
                return float(struct.unpack(">d", self.take(8))[0])
        return None

    def count(self) -> int:
        n = self.whole()
        if not 0 <= n <= len(self.data) - self.at:
            raise Malformed("a number of values that cannot be there")
        return n

    # -- values

    def value(self, depth: int = 0, *, last: bool = True) -> object:
        """`depth` containers that go on behind this value; `last`: its own does not."""
        tag = self.byte()
        if tag in b"NTF":
            return {ord("N"): None, ord("T"): True, ord("F"): False}[tag]
        for number in (self.integer, self.long, self.double):
            found = number(tag)
            if found is not None:
                return found
        if tag == ord("J"):
            return Date(self.number(8, signed=True))
        if tag == ord("K"):
            return Date(self.number(4, signed=True) * 60000)
        if tag == ord("Q"):
            return Reference(self.whole())
        if tag <= 0x1f or 0x30 <= tag <= 0x33 or tag in b"SR":
            return self.string(tag)
        if 0x20 <= tag <= 0x2f or 0x34 <= tag <= 0x37 or tag in b"AB":
            return self.binary(tag)
        return self.container(tag, depth, last)

    def container(self, tag: int, depth: int, last: bool) -> object:
        inner = depth if last else depth + 1
        if tag == ord("C"):
            self.define()
            self.check(inner)
            return self.value(inner)
        if tag == ord("O") or 0x60 <= tag <= 0x6f:
            return self.object(self.whole() if tag == ord("O") else tag - 0x60, inner)
        if tag in b"HM":
            return self.map(self.type() if tag == ord("M") else None, inner)
        if tag in b"UW":
            if tag == ord("U"):
                self.type()
            return self.endless(inner)
        if tag == ord("V") or 0x70 <= tag <= 0x77:
            self.type()
        elif tag != ord("X") and not 0x78 <= tag <= 0x7f:
            raise Malformed("no tag")
        return self.elements(self.count() if tag in b"VX" else tag & 7, inner)

    def check(self, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise Malformed("too deep")

    def type(self) -> object:
        tag = self.byte()
        reference = self.integer(tag)
        return self.string(tag) if reference is None else reference

    def define(self) -> None:
        name = self.string(self.byte())
        fields = [self.string(self.byte()) for _ in range(self.count())]
        self.classes.append((str(name), [str(f) for f in fields]))

    def object(self, index: int, depth: int) -> Object:
        if not 0 <= index < len(self.classes):
            raise Malformed("no such class")
        name, fields = self.classes[index]
        return Object(name, tuple(zip(fields, self.elements(len(fields), depth), strict=True)))

    def elements(self, n: int, depth: int) -> list[object]:
        if n:
            self.check(depth)
        return [self.value(depth, last=i == n - 1) for i in range(n)]

    def endless(self, depth: int) -> list[object]:
        self.check(depth)
        found = []
        while self.peek() != ord("Z"):
            found.append(self.value(depth, last=False))
        self.byte()
        return found

    def map(self, type: object, depth: int) -> Map:
        self.check(depth)
        pairs = []
        while self.peek() != ord("Z"):
            pairs.append((self.value(depth, last=False), self.value(depth, last=False)))
        self.byte()
        return Map(tuple(pairs), type)


def text(value: object) -> bytes | None:
    """What a header says for this value, if anything."""
    if isinstance(value, bool):
        return b"true" if value else b"false"
    if isinstance(value, int):
        return b"%d" % value
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else None


def attachments(decoder: Decoder) -> list[tuple[bytes | None, bytes | None]] | None:
    """The map that comes next, as the readers give it: keys that are strings, values that have a text."""
    tag = decoder.peek()
    if tag not in (ord("N"), ord("H"), ord("M")):
        raise Malformed("no map")
    if tag == ord("N"):
        decoder.byte()
        return None
    decoder.byte()
    if tag == ord("M"):
        decoder.type()
    pairs = []
    while decoder.peek() != ord("Z"):
        # Each key and value is read for itself: how deep it is counts from there.
        key, value = decoder.value(), decoder.value()
        pairs.append((text(key) if isinstance(key, str) else None, text(value)))
    decoder.byte()
    return pairs
