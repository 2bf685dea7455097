"""An encoder of Hessian 2.0 for tests, which picks among all the ways to write a value; and strategies for values."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

from hypothesis import strategies as st

from tests.oracle.hessian2 import Date, Map, Object

Value = object


class Encoder:
    """Encodes values one behind the other; `choose` decides between forms."""

    def __init__(self, seed: int = 0) -> None:
        self.random = random.Random(seed)
        self.classes: list[tuple[str, tuple[str, ...]]] = []

    def pick(self, *forms: Callable[[], bytes] | None) -> bytes:
        return self.random.choice([f for f in forms if f])()

    def int(self, n: int) -> bytes:
        return self.pick(
            (lambda: bytes([0x90 + n])) if -16 <= n < 48 else None,
            (lambda: struct.pack(">H", 0xc800 + n)) if -2048 <= n < 2048 else None,
            (lambda: (0xd40000 + n).to_bytes(3, "big")) if -0x40000 <= n < 0x40000 else None,
            lambda: b"I" + struct.pack(">i", n),
        )

    def long(self, n: int) -> bytes:
        return self.pick(
            (lambda: bytes([0xe0 + n])) if -8 <= n < 16 else None,
            (lambda: struct.pack(">H", 0xf800 + n)) if -2048 <= n < 2048 else None,
            (lambda: (0x3c0000 + n).to_bytes(3, "big")) if -0x40000 <= n < 0x40000 else None,
            (lambda: b"Y" + struct.pack(">i", n)) if -2**31 <= n < 2**31 else None,
            lambda: b"L" + struct.pack(">q", n),
        )

    def number(self, n: int) -> bytes:
        return self.int(n) if -2**31 <= n < 2**31 and self.random.random() < 0.7 else self.long(n)

    def double(self, x: float) -> bytes:
        return self.pick(
            (lambda: bytes([0x5b + int(x)])) if x in (0.0, 1.0) else None,
            (lambda: b"\x5d" + struct.pack(">b", int(x))) if x in range(-128, 128) else None,
            (lambda: b"\x5e" + struct.pack(">h", int(x))) if x in range(-32768, 32768) else None,
            lambda: b"D" + struct.pack(">d", x),
        )

    def string(self, text: str) -> bytes:
        units = [text.encode("utf-16-be", "surrogatepass")[i:i + 2] for i in range(0, 2 * _units(text), 2)]
        written = [u.decode("utf-16-be", "surrogatepass").encode("utf-8", "surrogatepass") for u in units]
        out = b""
        while self.random.random() < 0.2:
            n = self.random.randint(0, len(written))
            out += b"R" + struct.pack(">H", min(n, 0xffff)) + b"".join(written[:n])
            written = written[n:]
        n, last = len(written), b"".join(written)
        return out + self.pick(
            (lambda: bytes([n])) if n < 32 else None,
            (lambda: struct.pack(">H", 0x3000 + n)) if n < 1024 else None,
            lambda: b"S" + struct.pack(">H", n),
        ) + last

    def binary(self, data: bytes) -> bytes:
        out = b""
        while self.random.random() < 0.2:
            n = self.random.randint(0, len(data))
            out += b"A" + struct.pack(">H", n) + data[:n]
            data = data[n:]
        n = len(data)
        return out + self.pick(
            (lambda: bytes([0x20 + n])) if n < 16 else None,
            (lambda: struct.pack(">H", 0x3400 + n)) if n < 1024 else None,
            lambda: b"B" + struct.pack(">H", n),
        ) + data

    def list(self, values: list[Value]) -> bytes:
        n = len(values)
        kind = self.string("[int")
        # Which form is chosen first: the values are written behind what begins them.
        head, end = self.random.choice([
            (b"U" + kind, b"Z"), (b"W", b"Z"), (b"V" + kind + self.int(n), b""), (b"X" + self.int(n), b""),
            *([(bytes([0x70 + n]) + kind, b""), (bytes([0x78 + n]), b"")] if n < 8 else []),
        ])
        return head + b"".join(map(self.value, values)) + end

    def map(self, value: Map) -> bytes:
        head = b"H" if value.type is None else b"M" + self.string(str(value.type))
        return head + b"".join(self.value(v) for pair in value.pairs for v in pair) + b"Z"

    def object(self, value: Object) -> bytes:
        names = tuple(name for name, _ in value.fields)
        out = b""
        if (value.name, names) not in self.classes:
            self.classes.append((value.name, names))
            out = b"C" + self.string(value.name) + self.int(len(names)) + b"".join(map(self.string, names))
        index = self.classes.index((value.name, names))
        short = index < 16 and self.random.random() < 0.5
        out += bytes([0x60 + index]) if short else b"O" + self.int(index)
        return out + b"".join(self.value(v) for _, v in value.fields)

    def value(self, value: Value) -> bytes:
        match value:
            case None:
                return b"N"
            case bool():
                return b"T" if value else b"F"
            case int():
                return self.number(value)
            case float():
                return self.double(value)
            case str():
                return self.string(value)
            case bytes():
                return self.binary(value)
            case Date():
                return b"J" + struct.pack(">q", value.milliseconds)
            case list():
                return self.list(value)
            case Map():
                return self.map(value)
            case Object():
                return self.object(value)
        raise TypeError(value)


def _units(text: str) -> int:
    return len(text.encode("utf-16-be", "surrogatepass")) // 2


LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-2**63, 2**63 - 1), st.integers(-3000, 3000),
    st.floats(allow_nan=False), st.sampled_from([0.0, 1.0, -128.0, 300.0]),
    st.text(max_size=80), st.text("aé世😀", max_size=40), st.binary(max_size=80),
    st.builds(Date, st.integers(-2**63, 2**63 - 1)),
)
NAMES = st.sampled_from(["a.B", "com.example.Person", "x" * 40])


def _containers(inner: st.SearchStrategy[Value]) -> st.SearchStrategy[Value]:
    return st.one_of(
        st.lists(inner, max_size=10),
        st.builds(Map, st.lists(st.tuples(inner, inner), max_size=5).map(tuple), st.none() | NAMES),
        st.builds(Object, NAMES, st.lists(st.tuples(st.sampled_from("abc"), inner), max_size=4).map(tuple)),
    )


VALUES: st.SearchStrategy[Value] = st.recursive(LEAVES, _containers, max_leaves=25)
