"""Answers of the HTTP/2 backend, seen by a slow reader; and answers that the generator must not take for right."""

from __future__ import annotations

import socket
import threading

import pytest

from bench.load import client
from bench.load.client import Exchange
from bench.load.protocols import wire

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = bytes.fromhex("000000 04 00 00000000")
NO_TABLE = bytes.fromhex("000006 04 00 00000000 0001 00000000")
GET = bytes.fromhex("000003 01 05 00000001 828684")
BODY = 1024


def frames_of(stream: socket.socket, wanted: int) -> list[tuple[int, int, int, bytes]]:
    """Kind, flags, stream and payload of frames until so many streams have ended."""
    found = []
    with stream.makefile("rb") as reader:
        while wanted:
            head = reader.read(9)
            frame = (head[3], head[4], int.from_bytes(head[5:], "big"), reader.read(int.from_bytes(head[:3], "big")))
            found.append(frame)
            wanted -= frame[0] == 0 and frame[1] & 1
    return found


def get(stream: int) -> bytes:
    return GET[:5] + stream.to_bytes(4, "big") + GET[9:]


@pytest.mark.parametrize(("settings", "first_byte"), [(SETTINGS, 0x88), (NO_TABLE, 0x20)])
def test_header_blocks_follow_the_other_sides_table(settings: bytes, first_byte: int) -> None:
    with client.backend(Exchange("http2", BODY), 0) as behind:
        with socket.create_connection(("127.0.0.1", behind.port), timeout=5) as connection:
            connection.sendall(PREFACE + settings + get(1) + get(3))
            frames = frames_of(connection, 2)
    blocks = [payload for kind, _, _, payload in frames if kind == 1]
    assert [block[0] for block in blocks] == [first_byte, first_byte]
    assert (len(blocks[1]) < len(blocks[0])) == (settings is SETTINGS)
    assert [stream for kind, _, stream, _ in frames if kind == 0] == [1, 3]


def test_answers_wait_for_the_window() -> None:
    with client.backend(Exchange("http2", BODY), 0) as behind:
        with socket.create_connection(("127.0.0.1", behind.port), timeout=5) as connection:
            connection.sendall(PREFACE + SETTINGS + b"".join(get(number) for number in range(1, 141, 2)))
            # 65,535 bytes hold 63 answers of 1 KiB.
            first = frames_of(connection, 63)
            connection.sendall(bytes.fromhex("000004 08 00 00000000 0000ffff"))
            rest = frames_of(connection, 7)
    streams = [stream for kind, _, stream, _ in first + rest if kind == 0]
    assert streams == list(range(1, 141, 2))


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("000001 01 04 00000001 88  000002 00 01 00000001 6f6b", "right"),
        ("000004 01 04 00000001 3fe11f88  000002 00 01 00000001 6f6b", "right"),
        ("000001 01 04 00000001 8d  000002 00 01 00000001 6f6b", "wrong"),
        ("000001 01 04 00000001 88  000001 00 01 00000001 6f", "wrong"),
        ("000001 01 05 00000001 88", "wrong"),
        ("000004 03 00 00000001 00000007", "wrong"),
        ("000008 07 00 00000000 00000000 00000000", "broken"),
        ("000001 01 05 00000007 88", "broken"),
    ],
)
def test_what_counts_as_an_answer(answer: str, outcome: str) -> None:
    chosen = wire("http2")
    from bench.load.generator import Generator  # compiled by wire()

    ended = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(SETTINGS + bytes.fromhex(answer))
            ended.wait(5)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve)
        server.start()
        clients = Generator(chosen.protocol(), chosen.request(0), 2, listener.getsockname()[1], 1, 4)
        clients.connect(0, 1)
        clients.ask_each(0, 1)
        ended.set()
        server.join()
    assert clients.take()[outcome] == 1
