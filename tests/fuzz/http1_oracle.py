"""The codec and the slow decoder of tests/oracle agree on any bytes, requests and responses."""

# modules: mosn._fastpath.codec.http1*
# seeds: tests/corpus/http1/*/*.http

from __future__ import annotations

from driver import fuzz
from http1_events import joined

from mosn._fastpath.codec.http1_face import Parser
from tests.oracle import http1 as oracle

SMALL = {"head_bytes": 300, "headers": 5, "chunk_line_bytes": 20, "trailer_bytes": 40}


def one_input(data: bytes) -> None:
    response = data.startswith(b"H")
    limits = SMALL if len(data) % 4 == 0 else {}
    fast = joined(Parser(response=response, **limits).feed(data))
    slow = oracle.decode(data, response=response, limits=oracle.Limits(**limits))
    if fast != slow:
        raise AssertionError(f"{data!r}: {fast}, the oracle says {slow}")


if __name__ == "__main__":
    fuzz(one_input)
