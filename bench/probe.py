"""Ask one question the slow and obvious way, so that a proxy that answers wrongly is never measured."""

from __future__ import annotations

import http.client
import socket
import ssl
import struct
from collections.abc import Callable

from bench.load.client import Exchange
from bench.load.protocols import wire

TIMEOUT = 10.0
# Of the one request on an RPC wire.
ID = 77


class WrongAnswer(Exception):
    """The proxy answered, but not what the backend said."""


def probe_http1(exchange: Exchange, port: int) -> None:
    """A request over http.client; status and body must be the backend's."""
    if exchange.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        # The certificate was made for this one run.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            "127.0.0.1", port, timeout=TIMEOUT, context=context
        )
    else:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    try:
        method = "POST" if exchange.request_body else "GET"
        connection.request(method, "/bench/item?id=42", b"q" * exchange.request_body)
        answer = connection.getresponse()
        expect(answer.status, 200, "status")
        expect(answer.read(), b"a" * exchange.body, "body")
    finally:
        connection.close()


def probe_http2(exchange: Exchange, port: int) -> None:
    """One stream on a connection of its own: the status 200 as its one-byte name, and the body."""
    greeting = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000 04 00 00000000")
    question = bytearray(wire("http2").request(0))
    question[5:9] = (1).to_bytes(4, "big")
    with (
        socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT) as connection,
        connection.makefile("rb") as frames,
    ):
        connection.sendall(greeting + question[: 9 + int.from_bytes(question[:3], "big")])
        kinds: dict[int, bytes] = {0: b"", 1: b""}
        ended = False
        while not ended and len(head := frames.read(9)) == 9:
            payload = frames.read(int.from_bytes(head[:3], "big"))
            if head[3] in kinds:
                kinds[head[3]] += payload
                ended = bool(head[4] & 1)
    # The encoder may first say how big its table is (001xxxxx, here without continuation).
    block = kinds[1]
    while block and block[0] & 0xE0 == 0x20:
        block = block[1:] if block[0] & 0x1F != 0x1F else block[3:]
    expect(block[:1], b"\x88", "status (indexed)")
    expect(kinds[0], b"a" * exchange.body, "body")


def probe_tcp(exchange: Exchange, port: int) -> None:
    """Bytes there and the same bytes back."""
    sent = wire("tcp").request(exchange.request_body)
    got = bytearray()
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT) as connection:
        connection.sendall(sent)
        while len(got) < len(sent) and (piece := connection.recv(len(sent))):
            got += piece
    expect(bytes(got), sent, "bytes echoed")


def ask_bytes(request: bytes, port: int, head: int, length_at: int) -> bytes:
    """One frame there, one frame back: a head that ends in the length of what follows it."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT) as connection,
        connection.makefile("rb") as answers,
    ):
        connection.sendall(request)
        first = answers.read(head)
        lengths = {20: ">HHI", 16: ">I"}[head]
        rest = sum(struct.unpack_from(lengths, first, length_at)) if len(first) == head else 0
        return bytes(first + answers.read(rest))


def probe_bolt(exchange: Exchange, port: int) -> None:
    """Class and content must be the backend's, the id ours. The proxy may add headers."""
    question = wire("bolt").request(exchange.request_body)
    got = ask_bytes(question[:5] + ID.to_bytes(4, "big") + question[9:], port, 20, 12)
    wanted = wire("bolt").answer(exchange.body)
    expect(got[:5] + got[9:12], wanted[:5] + wanted[9:12], "head")
    expect(int.from_bytes(got[5:9], "big"), ID, "id")
    expect(got[-exchange.body :], wanted[-exchange.body :], "content")


def probe_dubbo(exchange: Exchange, port: int) -> None:
    """Everything must be the backend's, but the id ours."""
    question = wire("dubbo").request(exchange.request_body)
    got = ask_bytes(question[:4] + ID.to_bytes(8, "big") + question[12:], port, 16, 12)
    wanted = wire("dubbo").answer(exchange.body)
    expect(int.from_bytes(got[4:12], "big"), ID, "id")
    expect(got[:4] + got[12:], wanted[:4] + wanted[12:], "answer")


def expect(got: object, wanted: object, what: str) -> None:
    """Raise WrongAnswer, with the beginning of both, unless equal."""
    if got != wanted:
        raise WrongAnswer(f"{what}: wanted {str(wanted)[:80]}, got {str(got)[:80]}; check its configuration")


PROBES: dict[str, Callable[[Exchange, int], None]] = {
    "http1": probe_http1,
    "http2": probe_http2,
    "tcp": probe_tcp,
    "bolt": probe_bolt,
    "dubbo": probe_dubbo,
}


def probe(exchange: Exchange, port: int) -> None:
    """Raise OSError or http.client.HTTPException when there is no answer, WrongAnswer when it is not right."""
    PROBES[exchange.protocol](exchange, port)
