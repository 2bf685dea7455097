"""Any bytes are responses, the beginning of one, or one protocol error; splitting them changes nothing."""

# modules: mosn._fastpath.codec.http1*
# seeds: tests/corpus/http1/responses/*.http

from __future__ import annotations

import zlib

from driver import fuzz, pieces
from http1_events import check_events, joined

from mosn._fastpath.codec.http1_face import Parser

METHODS = (b"GET", b"HEAD", b"CONNECT", b"POST")


def one_input(data: bytes) -> None:
    start = zlib.crc32(data) % 4
    methods = METHODS[start:] + METHODS[:start]
    whole = joined(Parser(response=True, methods=methods).feed(data))
    check_events(whole)
    parser = Parser(response=True, methods=methods)
    split = joined(e for piece in pieces(data) for e in parser.feed(piece))
    if split != whole:
        raise AssertionError(f"split {pieces(data)}: {split} instead of {whole}")


if __name__ == "__main__":
    fuzz(one_input)
