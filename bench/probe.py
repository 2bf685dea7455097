"""Ask one question the slow and obvious way, so that a proxy that answers wrongly is never measured."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Callable

from bench.load.client import Exchange
from bench.load.protocols import wire

TIMEOUT = 10.0


class WrongAnswer(Exception):
    """The proxy answered, but not what the backend said."""


def probe_http1(exchange: Exchange, port: int) -> None:
    """A request over http.client; status and body must be the backend's."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    try:
        method = "POST" if exchange.request_body else "GET"
        connection.request(method, "/bench/item?id=42", b"q" * exchange.request_body)
        answer = connection.getresponse()
        expect(answer.status, 200, "status")
        expect(answer.read(), b"a" * exchange.body, "body")
    finally:
        connection.close()


def probe_tcp(exchange: Exchange, port: int) -> None:
    """Bytes there and the same bytes back."""
    sent = wire("tcp").request(exchange.request_body)
    got = bytearray()
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT) as connection:
        connection.sendall(sent)
        while len(got) < len(sent) and (piece := connection.recv(len(sent))):
            got += piece
    expect(bytes(got), sent, "bytes echoed")


def expect(got: object, wanted: object, what: str) -> None:
    """Raise WrongAnswer, with the beginning of both, unless equal."""
    if got != wanted:
        raise WrongAnswer(f"{what}: wanted {str(wanted)[:80]}, got {str(got)[:80]}; check its configuration")


PROBES: dict[str, Callable[[Exchange, int], None]] = {"http1": probe_http1, "tcp": probe_tcp}


def probe(exchange: Exchange, port: int) -> None:
    """Raise OSError or http.client.HTTPException when there is no answer, WrongAnswer when it is not right."""
    PROBES[exchange.protocol](exchange, port)
