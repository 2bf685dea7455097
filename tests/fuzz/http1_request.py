"""Any bytes are requests, the beginning of one, or one protocol error; splitting them changes nothing.

What a head was made of is written again and read back as the same: nothing can be smuggled through the model.
"""

# modules: mosn._fastpath.codec.http1*
# seeds: tests/corpus/http1/requests/*.http

from __future__ import annotations

from driver import fuzz, pieces
from http1_events import check_events, joined

from mosn._fastpath.codec.http1_face import HeadEvent, Message, Parser

SMALL = {"head_bytes": 300, "headers": 5, "chunk_line_bytes": 20, "trailer_bytes": 40}

HOP_BY_HOP = {
    b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade", b"http2-settings",
}


def one_input(data: bytes) -> None:
    limits = SMALL if len(data) % 4 == 0 else {}
    whole = joined(Parser(**limits).feed(data))
    check_events(whole)
    parser = Parser(**limits)
    split = joined(e for piece in pieces(data) for e in parser.feed(piece))
    if split != whole:
        raise AssertionError(f"split {pieces(data)}: {split} instead of {whole}")
    for event in whole:
        if isinstance(event, HeadEvent):
            read_back(event)
            pass_on(event)


def read_back(head: HeadEvent) -> None:
    written = Message(head.headers, method=head.method, path=head.path, authority=head.authority).request()
    if b"http10" in map(str.encode, head.flags):
        return      # written as HTTP/1.1, where the framing may be judged otherwise
    again, *rest = Parser(headers=200, head_bytes=1 << 20).feed(written)
    # The form of the target is not kept.
    kept = tuple(f for f in head.flags if f != "absolute_form")
    if again != head._replace(scheme=b"", flags=kept) or (rest and rest != [("end",)]):
        raise AssertionError(f"{head} was written as {written!r} and read back as {again} {rest}")


def pass_on(head: HeadEvent) -> None:
    """What ends at this hop is gone, also from a head whose Connection is refused."""
    message = Message(head.headers, method=head.method, path=head.path, authority=head.authority)
    message.strip_hop_by_hop()
    left = HOP_BY_HOP & {name for name, _ in message.headers}
    if left or any(name == b"te" and value != b"trailers" for name, value in message.headers):
        raise AssertionError(f"{left} are left of {head}")


if __name__ == "__main__":
    fuzz(one_input)
