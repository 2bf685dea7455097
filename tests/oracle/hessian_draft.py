"""SOFARPC's draft of Hessian 2, slow and obvious: what its servers read and write (sofa-hessian 3.x)."""

from __future__ import annotations

import struct

from tests.oracle.hessian2 import Date, Malformed, Map, Object, Reference
from tests.oracle.hessian2 import Decoder as Hessian2


class Decoder(Hessian2):
    """Strings, ints and the short longs are those of version 2.0; the rest has other tags, and containers end in z."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.types: list[str] = []

    def string(self, tag: int | None = None) -> str | None:
        if tag is None:
            tag = self.byte()
            if tag == ord("N"):
                return None
        units: list[int] = []
        while True:
            if tag <= 0x1f:
                units += self.units(tag)
            elif tag in b"Ss":
                units += self.units(self.number(2))
            else:
                raise Malformed("no string")
            if tag != ord("s"):
                return struct.pack(f">{len(units)}H", *units).decode("utf-16-be", "surrogatepass")
            tag = self.byte()

    def binary(self, tag: int) -> bytes:
        if 0x20 <= tag <= 0x2f:
            return self.take(tag - 0x20)
        data = self.take(self.number(2))
        return data if tag == ord("B") else data + self.binary(self.byte())

    def simple(self, tag: int) -> object:
        match chr(tag):
            case "N" | "T" | "F":
                return {"N": None, "T": True, "F": False}[chr(tag)]
            case "L":
                return self.number(8, signed=True)
            case "w":
                return self.number(4, signed=True)
            case "D":
                return float(struct.unpack(">d", self.take(8))[0])
            case "g" | "h":
                return float(tag - ord("g"))
            case "i":
                return float(self.number(1, signed=True))
            case "j":
                return float(self.number(2, signed=True))
            case "k":
                return float(struct.unpack(">f", self.take(4))[0])
            case "d":
                return Date(self.number(8, signed=True))
            case "R":
                return Reference(self.number(4))
            case "J":
                return Reference(self.number(1))
            case "K":
                return Reference(self.number(2))
        raise Malformed("no tag")

    def value(self, depth: int = 0, *, last: bool = True) -> object:
        tag = self.byte()
        if tag <= 0x1f or tag in b"Ss":
            return self.string(tag)
        if 0x20 <= tag <= 0x2f or tag in b"Bb":
            return self.binary(tag)
        if tag == ord("I") or 0x80 <= tag <= 0xd7:
            return self.integer(tag)
        if tag >= 0xd8 or 0x38 <= tag <= 0x3f:
            return self.long(tag)
        if tag == ord("M"):
            kind = self.kind()
            pairs = []
            while self.peek() != ord("z"):
                pairs.append((self.value(), self.value()))
            self.byte()
            return Map(tuple(pairs), kind)
        if tag == ord("V"):
            return self.list()
        if tag == ord("v"):
            self.types[self.whole()]
            return [self.value() for _ in range(self.whole())]
        if tag in b"Oo":
            return self.instance(tag)
        return self.simple(tag)

    def kind(self) -> str | None:
        if self.peek() == ord("t"):
            self.byte()
            self.types.append("".join(map(chr, self.units(self.number(2)))))
            return self.types[-1]
        if self.peek() == ord("u"):
            self.byte()
            return self.types[self.whole()]
        return None

    def list(self) -> list[object]:
        self.kind()
        said = None
        if self.peek() in b"nl":
            said = self.number(1) if self.byte() == ord("n") else self.number(4)
        found = []
        while self.peek() != ord("z"):
            found.append(self.value())
        self.byte()
        if said not in (None, len(found)):
            raise Malformed("another number of values")
        return found

    def instance(self, tag: int) -> Object:
        while tag == ord("O"):
            name = "".join(map(chr, self.units(self.whole())))
            self.classes.append((name, [str(self.string()) for _ in range(self.whole())]))
            tag = self.byte()
        if tag != ord("o"):
            raise Malformed("a definition without an object")
        index = self.whole()
        if not 0 <= index < len(self.classes):
            raise Malformed("no such class")
        name, fields = self.classes[index]
        return Object(name, tuple((field, self.value()) for field in fields))
