"""JSONB, slow and obvious, as far as its values are told apart: the value is made, by recursion.

Whatever is no string, whole number, boolean, null, list or map comes as its tag and bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.oracle.hessian2 import MAX_DEPTH, Malformed, allow_recursion


@dataclass(frozen=True)
class Other:
    """A value that is not looked into, with the values that belong to it."""

    tag: int
    data: bytes = b""
    values: tuple[object, ...] = ()


@dataclass(frozen=True)
class Symbol:
    number: int
    name: object = None


@dataclass(frozen=True)
class Object:
    pairs: tuple[tuple[object, object], ...]


# tag -> bytes behind it, values behind those
OTHERS = {
    0x90: (0, 1), 0x93: (0, 1), 0xa7: (3, 1), 0xa8: (7, 1), 0xa9: (4, 0), 0xaa: (7, 2), 0xab: (8, 0), 0xac: (4, 0),
    0xad: (4, 0), 0xae: (8, 1), 0xb2: (0, 0), 0xb3: (0, 0), 0xb4: (0, 1), 0xb5: (8, 0), 0xb6: (0, 1), 0xb7: (4, 0),
    0xb8: (0, 1), 0xb9: (0, 2), 0xba: (0, 1),
}
# tag -> bytes of a whole number
NUMBERS = {0x48: 4, 0xbc: 2, 0xbd: 1, 0xbe: 8, 0xbf: 4}
ENCODINGS = {0x79: "latin-1", 0x7a: "utf-8", 0x7c: "utf-16-le", 0x7d: "utf-16-be"}


class Decoder:
    """Reads one value after the other from `at`."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        allow_recursion()

    def take(self, n: int) -> bytes:
        if n < 0 or self.at + n > len(self.data):
            raise Malformed("ends early")
        self.at += n
        return self.data[self.at - n:self.at]

    def byte(self) -> int:
        return self.take(1)[0]

    def peek(self) -> int:
        return self.data[self.at] if self.at < len(self.data) else -1

    def number(self, tag: int) -> int | None:
        if tag <= 0x2f:
            return tag
        if tag >= 0xf0:
            return tag - 0x100
        if tag >= 0xd8:
            return tag - 0xe0
        for first, last, zero, n in [(0x30, 0x3f, 0x38, 1), (0x40, 0x47, 0x44, 2), (0xc8, 0xd7, 0xd0, 1),
                                     (0xc0, 0xc7, 0xc4, 2)]:
            if first <= tag <= last:
                return (tag - zero << 8 * n) + int.from_bytes(self.take(n), "big")
        return int.from_bytes(self.take(NUMBERS[tag]), "big", signed=True) if tag in NUMBERS else None

    def int32(self) -> int:
        tag = self.byte()
        value = self.number(tag) if tag <= 0x48 or tag >= 0xf0 else None
        if value is None:
            raise Malformed("no int")
        return value

    def length(self) -> int:
        n = self.int32()
        if not 0 <= n <= len(self.data) - self.at:
            raise Malformed("a length that cannot be")
        return n

    def string(self) -> str | None:
        tag = self.byte()
        if tag == 0xaf:
            return None
        if 0x49 <= tag <= 0x78:
            return self.take(tag - 0x49).decode("latin-1")
        if tag not in ENCODINGS:
            raise Malformed("no string")
        data = self.take(self.length())
        try:
            return data.decode(ENCODINGS[tag], "strict" if tag == 0x7a else "surrogatepass")
        except UnicodeDecodeError as error:
            raise Malformed(str(error)) from None

    def symbol(self) -> Symbol:
        if self.peek() <= 0x48 or self.peek() >= 0xf0:
            return Symbol(self.int32())
        tag = self.byte()
        if 0x49 <= tag <= 0x78:
            name = self.take(tag - 0x49)
        elif 0x79 <= tag <= 0x7e:
            name = self.take(self.length())
        else:
            raise Malformed("no symbol")
        return Symbol(self.int32(), name)

    def value(self, depth: int = 0, *, last: bool = True) -> object:
        tag = self.byte()
        number = self.number(tag)
        if number is not None:
            return number
        if tag in (0xaf, 0xb0, 0xb1):
            return {0xaf: None, 0xb0: False, 0xb1: True}[tag]
        if 0x49 <= tag <= 0x78:
            return Other(tag, self.take(tag - 0x49))
        if 0x79 <= tag <= 0x7e or tag in (0x91, 0xbb):
            return Other(tag, self.take(self.length()))
        inner = depth if last else depth + 1
        if tag == 0xa6:
            self.check(inner)
            return self.object(inner)
        if 0x94 <= tag <= 0xa4:
            return self.elements(self.length() if tag == 0xa4 else tag - 0x94, inner)
        if tag == 0x92:
            self.symbol()
            return Other(tag, values=tuple(self.elements(1, inner)))
        if tag not in OTHERS:
            raise Malformed("no tag")
        n, values = OTHERS[tag]
        return Other(tag, self.take(n), tuple(self.elements(values, inner)))

    def check(self, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise Malformed("too deep")

    def elements(self, n: int, depth: int) -> list[object]:
        if n:
            self.check(depth)
        return [self.value(depth, last=i == n - 1) for i in range(n)]

    def object(self, depth: int) -> Object:
        pairs = []
        while self.peek() != 0xa5:
            if self.peek() == 0x7f:
                self.byte()
                key: object = self.symbol()
            else:
                key = self.value(depth, last=False)
            pairs.append((key, self.value(depth, last=False)))
        self.byte()
        return Object(tuple(pairs))


def is_string(tag: int) -> bool:
    return 0x49 <= tag <= 0x7a or tag in (0x7c, 0x7d)


def attachments(decoder: Decoder) -> list[tuple[bytes | None, bytes | None]] | None:
    """The object that comes next: keys that are strings, values that have a text; symbols are refused as keys."""
    tag = decoder.byte()
    if tag == 0xaf:
        return None
    if tag == 0x92:
        decoder.symbol()
        tag = decoder.byte()
    if tag != 0xa6:
        raise Malformed("no object")
    pairs = []
    while decoder.peek() != 0xa5:
        if decoder.peek() in (0x7b, 0x7e, 0x7f):
            raise Malformed("a name that is not read")
        pairs.append((text(decoder, number=False), text(decoder, number=True)))
    decoder.byte()
    return pairs


def text(decoder: Decoder, *, number: bool) -> bytes | None:
    if is_string(decoder.peek()):
        return str(decoder.string()).encode("utf-8", "surrogatepass")
    value = decoder.value()
    if not number or isinstance(value, Other):
        return None
    if isinstance(value, bool):
        return b"true" if value else b"false"
    return b"%d" % value if isinstance(value, int) else None
