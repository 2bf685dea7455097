"""Any bytes are a ClientHello, a request line, the beginning of one, or neither; splitting them changes nothing."""

# modules: mosn._fastpath.codec.*
# seeds: tests/corpus/detect/*.bin tests/corpus/bolt/*.bin tests/corpus/http1/requests/*.http

from __future__ import annotations

from driver import fuzz, pieces

from mosn._fastpath.codec.detect_face import client_hello, frame, request_line

UNDECIDED = "more"


def one_input(data: bytes) -> None:
    for look in (client_hello, lambda seen: frame("bolt", seen), lambda seen: frame("dubbo", seen)):
        stays_as_it_is(look, data)
    if (whole := request_line(data)) != (split := request_line(*pieces(data))):
        raise AssertionError(f"{data!r} is {whole}, cut into {pieces(data)} {split}")


def stays_as_it_is(look: object, data: bytes) -> None:
    """What is decided by some bytes is not changed by the ones behind."""
    seen = b""
    decided: object = UNDECIDED
    for piece in pieces(data):
        seen += piece
        if not seen:
            continue
        found = look(seen)  # type: ignore[operator]
        if decided not in (UNDECIDED, found):
            raise AssertionError(f"{seen!r} is {found}, its beginning was {decided}")
        decided = found


if __name__ == "__main__":
    fuzz(one_input)
