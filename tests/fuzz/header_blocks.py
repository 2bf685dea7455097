"""Any bytes are header blocks or broken, and the slow decoder agrees on which; what was read can be written again."""

# modules: mosn._fastpath.codec.hpack* mosn._fastpath.codec.frames
# seeds: tests/corpus/hpack/*.bin

from __future__ import annotations

from driver import fuzz, pieces

from mosn._fastpath.codec.hpack_face import Broken, Decoder, Encoder, TooLarge, huffman_decode, huffman_encode
from tests.oracle import hpack as oracle


def agree(blocks: list[bytes]) -> None:
    fast, slow, encoder, reader = Decoder(2000, 20), oracle.Decoder(2000, 20), Encoder(), Decoder()
    for block in blocks:
        try:
            found: object = fast.decode(block)
        except (Broken, TooLarge) as error:
            found = type(error).__name__
        try:
            expected: object = slow.decode(block)
        except (oracle.Broken, oracle.TooLarge) as error:
            expected = type(error).__name__
        if found != expected:
            raise AssertionError(f"{block!r} of {blocks!r}: {found} instead of {expected}")
        if found == "Broken":
            return
        if fast.table() != slow.entries:
            raise AssertionError(f"{blocks!r} leaves {fast.table()} instead of {slow.entries}")
        if isinstance(found, list) and [f[:2] for f in reader.decode(encoder.encode(found))] != [f[:2] for f in found]:
            raise AssertionError(f"{found} was written as something else")


def one_input(data: bytes) -> None:
    if len(data) > 2000:
        return      # the slow decoder is for short things
    agree([data])
    agree(pieces(data))
    if huffman_decode(huffman_encode(data)) != data:
        raise AssertionError(data)


if __name__ == "__main__":
    fuzz(one_input)
