"""Dubbo frames: those of the corpus, and a way to make others."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from mosn._fastpath.codec.hessian2_face import put_map, put_string

CORPUS = Path(__file__).parents[2] / "corpus" / "dubbo"
REQUEST, TWO_WAY, EVENT = 0x80, 0x40, 0x20
HESSIAN2, FASTJSON2 = 2, 23


@dataclass(frozen=True)
class Case:
    name: str
    data: bytes

    @property
    def readable(self) -> bool:
        """A request whose fields this build reads."""
        return self.data[2] & 0xa0 == REQUEST and self.data[2] & 31 in (HESSIAN2, FASTJSON2)


def load(*under: str) -> list[Case]:
    paths = sorted(p for where in under for p in (CORPUS / where).rglob("*.bin"))
    return [Case(str(p.relative_to(CORPUS).with_suffix("")), p.read_bytes()) for p in paths]


def frame(body: bytes, *, flags: int = REQUEST | TWO_WAY | HESSIAN2, status: int = 0, id: int = 7) -> bytes:
    return struct.pack(">HBBQI", 0xdabb, flags, status, id, len(body)) + body


def h2(*texts: str | None) -> bytes:
    return b"".join(b"N" if t is None else put_string(t.encode()) for t in texts)


LEADING = ("2.0.2", "com.example.Greeter", "1.0.0", "greet", "Ljava/lang/String;I")
ARGUMENTS = h2("world") + b"\x95"
ATTACHED = [(b"path", b"com.example.Greeter"), (b"interface", b"com.example.Greeter"), (b"version", b"1.0.0"),
            (b"group", b"blue"), (b"timeout", b"1000"), (b"userId", b"42")]


def request(*leading: str | None, arguments: bytes = ARGUMENTS, attachments: bytes | None = None,
            flags: int = REQUEST | TWO_WAY | HESSIAN2) -> bytes:
    body = h2(*(leading or LEADING)) + arguments
    return frame(body + (put_map(ATTACHED) if attachments is None else attachments), flags=flags)


def documents(*documents: bytes) -> bytes:
    return b"".join(struct.pack(">I", len(d)) + d for d in documents)


def js(text: str | None) -> bytes:
    return b"\xaf" if text is None else put_string(text.encode(), jsonb=True)


def jsonb_object(entries: list[tuple[bytes, bytes]]) -> bytes:
    return b"\xa6" + b"".join(put_string(t, jsonb=True) for e in entries for t in e) + b"\xa5"


def jsonb_request(*leading: str | None, arguments: tuple[bytes, ...] = (js("world"), b"\x05"),
                  attachments: bytes | None = None) -> bytes:
    last = jsonb_object(ATTACHED) if attachments is None else attachments
    body = documents(*map(js, leading or LEADING), *arguments, *([last] if last else []))
    return frame(body, flags=REQUEST | TWO_WAY | FASTJSON2)
