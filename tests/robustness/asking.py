"""Clients that ask an upstream of tests.robustness.faulty and look whether an answer is the right one."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field

from tests.robustness.faulty import FAULTS, SOUND, body_of

SIZES = (0, 1, 100, 5000, 8192, 40_000, 150_000)
LOST = (ConnectionError, asyncio.IncompleteReadError)


@dataclass
class Found:
    """What became of requests.  `wrong` is what must never be: an answer that belongs to another request."""

    wrong: list[str] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)

    def judge(self, fault: str, number: int, size: int, head: str, body: bytes) -> None:
        status = int(head.split(" ", 2)[1])
        self.outcomes[f"{fault} {status}"] += 1
        if status >= 500:
            self.failed[fault] += 1
            if "\r\nx-id:" in head:
                self.wrong.append(f"{fault} {number}: {head}")
            return
        expected = b"" if status == 204 else body_of(number, size)
        if f"\r\nx-id: {number}\r\n" not in head + "\r\n" or body != expected:
            self.wrong.append(f"{fault} {number}: {head} {body[:60]!r}")


async def read_answer(reader: asyncio.StreamReader) -> tuple[str, bytes]:
    """The head without its empty line, and the body.  Raises IncompleteReadError or ConnectionError when it is cut."""
    head = "HTTP/1.1 1"
    while head.startswith("HTTP/1.1 1"):
        head = (await reader.readuntil(b"\r\n\r\n"))[:-4].decode("latin-1")
    fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:])
    if fields.get("transfer-encoding") == "chunked":
        return head, await read_chunks(reader)
    if "content-length" in fields:
        return head, await reader.readexactly(int(fields["content-length"]))
    return head, b""


async def read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int((await reader.readuntil(b"\r\n")), 16):
        body += (await reader.readexactly(size + 2))[:size]
    while await reader.readuntil(b"\r\n") != b"\r\n":
        pass
    return body


def request(chance: random.Random, fault: str, number: int, size: int) -> bytes:
    path = f"/{fault}/{number}/{size}"
    if chance.random() < 0.7:
        return f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode()
    n = chance.choice((0, 10, 20_000))
    return f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {n}\r\n\r\n".encode() + b"p" * n


async def client(port: int, numbers: list[int], found: Found, faults: tuple[str, ...], seed: int) -> None:
    """Asks `numbers` one after the other over a kept connection, and over a new one when it broke."""
    chance = random.Random(seed)
    reader = writer = None
    for number in numbers:
        fault, size = chance.choice(faults), chance.choice(SIZES)
        if writer is None:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
        assert reader is not None
        try:
            writer.write(request(chance, fault, number, size))
            head, body = await asyncio.wait_for(read_answer(reader), 30)
            found.judge(fault, number, size, head, body)
            keep = "connection: close" not in head
        except LOST:
            found.outcomes[f"{fault} lost"] += 1
            found.failed[fault] += 1
            keep = False
        if not keep:
            writer.close()
            writer = None
    if writer is not None:
        writer.close()


async def ask(port: int, requests: int, clients: int = 32, faults: tuple[str, ...] = FAULTS, seed: int = 1) -> Found:
    found = Found()
    chance = random.Random(seed)
    await asyncio.gather(
        *(
            client(port, list(range(n, requests, clients)), found, faults, chance.getrandbits(32))
            for n in range(clients)
        )
    )
    return found


def sound_failures(found: Found) -> int:
    return sum(n for fault, n in found.failed.items() if fault in SOUND)
