"""HPACK (RFC 7541) the slow and obvious way: what the compiled decoder has to agree with."""

from __future__ import annotations

from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH
from hpack.table import HeaderTable

CODES = {
    (REQUEST_CODES_LENGTH[symbol], REQUEST_CODES[symbol]): symbol for symbol in range(len(REQUEST_CODES))
}
END_OF_STRING = 256
Field = tuple[bytes, bytes, bool]


class Broken(Exception):
    pass


class TooLarge(Exception):
    pass


class Decoder:
    def __init__(self, list_bytes: int = 65536, fields: int = 1000) -> None:
        self.list_bytes, self.fields = list_bytes, fields
        self.entries: list[tuple[bytes, bytes]] = []
        self.max_size = self.allowed = 4096
        self.update_due = False

    def decode(self, block: bytes) -> list[Field]:
        self.block, self.at = block, 0
        found: list[Field] = []
        while self.at < len(block):
            first = block[self.at]
            if first & 0xe0 == 0x20:
                self.resize(bool(found))
            elif self.update_due:
                raise Broken
            elif first & 0x80:
                found.append((*self.entry(self.integer(7)), False))
            elif first & 0x40:
                name, value = self.literal(6)
                self.add(name, value)
                found.append((name, value, False))
            else:
                found.append((*self.literal(4), bool(first & 0x10)))
        if len(found) > self.fields or sum(len(n) + len(v) + 32 for n, v, _ in found) > self.list_bytes:
            raise TooLarge
        return found

    def resize(self, late: bool) -> None:
        size = self.integer(5)
        if late or size > self.allowed:
            raise Broken
        self.update_due = False
        self.max_size = size
        self.evict()

    def allow(self, size: int) -> None:
        self.allowed, self.update_due = size, size < self.max_size

    def add(self, name: bytes, value: bytes) -> None:
        self.entries.insert(0, (name, value))
        self.evict()

    def size(self) -> int:
        return sum(len(n) + len(v) + 32 for n, v in self.entries)

    def evict(self) -> None:
        while self.size() > self.max_size:
            self.entries.pop()

    def entry(self, index: int) -> tuple[bytes, bytes]:
        if 1 <= index <= 61:
            name, value = HeaderTable.STATIC_TABLE[index - 1]
            return name, value
        if not 62 <= index < 62 + len(self.entries):
            raise Broken
        return self.entries[index - 62]

    def literal(self, prefix: int) -> tuple[bytes, bytes]:
        index = self.integer(prefix)
        name = self.entry(index)[0] if index else self.string()
        return name, self.string()

    def byte(self) -> int:
        if self.at >= len(self.block):
            raise Broken
        self.at += 1
        return self.block[self.at - 1]

    def integer(self, prefix: int) -> int:
        value = self.byte() & (1 << prefix) - 1
        if value < (1 << prefix) - 1:
            return value
        for shift in range(0, 35, 7):
            byte = self.byte()
            value += (byte & 127) << shift
            if byte < 128:
                if value >= 1 << 31:
                    raise Broken
                return value
        raise Broken

    def string(self) -> bytes:
        huffman = self.at < len(self.block) and self.block[self.at] & 0x80
        n = self.integer(7)
        if n > len(self.block) - self.at:
            raise Broken
        self.at += n
        data = self.block[self.at - n:self.at]
        return unpack(data) if huffman else data


def unpack(data: bytes) -> bytes:
    """The bytes behind a Huffman code."""
    out = bytearray()
    length = code = 0
    for byte in data:
        for shift in range(7, -1, -1):
            length, code = length + 1, code << 1 | byte >> shift & 1
            symbol = CODES.get((length, code))
            if symbol == END_OF_STRING:
                raise Broken
            if symbol is not None:
                out.append(symbol)
                length = code = 0
    if length > 7 or code != (1 << length) - 1:
        raise Broken
    return bytes(out)
