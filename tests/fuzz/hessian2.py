"""Any bytes are Hessian 2.0 (or JSONB) values or malformed, and the slow decoders agree on which and how long."""

# modules: mosn._fastpath.codec.hessian2* mosn._fastpath.codec.jsonb
# seeds: tests/corpus/dubbo/values/*.bin tests/corpus/dubbo/recorded/*/*.bin

from __future__ import annotations

from collections.abc import Callable

from driver import fuzz

from mosn._fastpath.codec.hessian2_face import Malformed, Reader, put_string, sofa_request
from tests.oracle import hessian2 as oracle
from tests.oracle import jsonb


def outcome(read: Callable[[], object], used: Callable[[], int]) -> tuple[int, object] | None:
    try:
        value = read()
    except (Malformed, oracle.Malformed):
        return None
    return used(), value


def compare(data: bytes, *, is_jsonb: bool) -> None:
    decoder_of = jsonb.Decoder if is_jsonb else oracle.Decoder
    for fast, slow in [
        (Reader.skip, lambda d: (d.value(), None)[1]),
        (Reader.string, lambda d: None if (t := d.string()) is None else t.encode("utf-8", "surrogatepass")),
        (Reader.map, (jsonb if is_jsonb else oracle).attachments),
    ]:
        reader, decoder = Reader(data, jsonb=is_jsonb), decoder_of(data)
        found = outcome(lambda fast=fast, reader=reader: fast(reader), lambda reader=reader: reader.used)
        expected = outcome(lambda slow=slow, decoder=decoder: slow(decoder), lambda decoder=decoder: decoder.at)
        if found != expected:
            raise AssertionError(f"{fast.__name__} of {data!r}: {found} instead of {expected}")


def one_input(data: bytes) -> None:
    if len(data) > 2000:
        return      # the slow decoders are for short things
    compare(data, is_jsonb=False)
    compare(data, is_jsonb=True)
    for text in (put_string(data), put_string(data, jsonb=True)):
        if not text:
            raise AssertionError("nothing was written")
    try:
        sofa_request(data)
    except Malformed:
        pass
    written = Reader(put_string(data)).string()
    if written is None or written.decode("utf-8", "surrogatepass") is None:
        raise AssertionError(f"{data!r} was written as {written!r}")


if __name__ == "__main__":
    fuzz(one_input)
