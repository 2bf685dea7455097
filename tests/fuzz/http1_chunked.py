"""Any bytes behind the head of a chunked request are a body, the beginning of one, or one protocol error."""

# modules: mosn._fastpath.codec.http1*
# seeds: tests/corpus/http1/requests/*chunk*.http tests/corpus/http1/requests/*trailer*.http

from __future__ import annotations

from driver import fuzz, pieces
from http1_events import check_events, joined

from mosn._fastpath.codec.http1_face import Parser

HEAD = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
SMALL = {"chunk_line_bytes": 20, "trailer_bytes": 40}


def one_input(data: bytes) -> None:
    # The seeds are whole requests.
    head, end, rest = data.partition(b"\r\n\r\n")
    body = rest if end and head.startswith(b"POST") else data
    limits = SMALL if len(data) % 4 == 0 else {}
    whole = joined(Parser(**limits).feed(HEAD + body))
    check_events(whole)
    parser = Parser(**limits)
    split = joined(e for piece in [HEAD, *pieces(body)] for e in parser.feed(piece))
    if split != whole:
        raise AssertionError(f"split {pieces(body)}: {split} instead of {whole}")


if __name__ == "__main__":
    fuzz(one_input)
