"""HPACK: the RFC's own examples, other implementations, the slow decoder, and what a peer cannot make it do."""

from __future__ import annotations

import random

import hpack as other
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mosn._fastpath.codec.hpack_face import Broken, Decoder, Encoder, TooLarge, huffman_decode, huffman_encode
from mosn._fastpath.memory import fail_allocations
from tests.fastpath.codec.hpack_cases import SEQUENCES, Block
from tests.oracle import hpack as oracle

Fields = list[tuple[bytes, bytes]]
NAMES = st.sampled_from([b":path", b":method", b":status", b"cookie", b"x-a", b"x-request-id", b"accept", b"te",
                         b"content-type", b"grpc-status"]) | st.binary(max_size=12)
VALUES = st.sampled_from([b"", b"GET", b"/", b"200", b"gzip, deflate", b"a=b; c=d"]) | st.binary(max_size=60)
BLOCKS = st.lists(st.lists(st.tuples(NAMES, VALUES), max_size=8), max_size=8)


@pytest.mark.parametrize("blocks", SEQUENCES.values(), ids=SEQUENCES)
def test_appendix_c(blocks: list[Block]) -> None:
    decoder = Decoder()
    for block in blocks:
        assert [f[:2] for f in decoder.decode(block.data)] == block.fields
        assert decoder.table() == block.table
        assert decoder.table_size() == sum(len(n) + len(v) + 32 for n, v in block.table)


@pytest.mark.parametrize("blocks", SEQUENCES.values(), ids=SEQUENCES)
def test_every_beginning_is_less_or_broken(blocks: list[Block]) -> None:
    for n in range(len(blocks[0].data)):
        try:
            assert Decoder().decode(blocks[0].data[:n]) == oracle.Decoder().decode(blocks[0].data[:n])
        except Broken:
            with pytest.raises(oracle.Broken):
                oracle.Decoder().decode(blocks[0].data[:n])


@given(BLOCKS)
@settings(max_examples=300, deadline=None)
def test_what_we_write_is_read(blocks: list[Fields]) -> None:
    """By our own decoder, by another, and by the slow one; with the same table on every side."""
    encoder, decoder, slow = Encoder(), Decoder(), oracle.Decoder()
    theirs = other.Decoder()
    for fields in blocks:
        block = encoder.encode(fields)
        assert [f[:2] for f in decoder.decode(block)] == fields
        assert [f[:2] for f in slow.decode(block)] == fields
        assert [tuple(f) for f in theirs.decode(block, raw=True)] == fields
        assert encoder.table() == decoder.table() == slow.entries


@given(BLOCKS, st.booleans())
@settings(max_examples=200, deadline=None)
def test_what_others_write_is_read(blocks: list[Fields], huffman: bool) -> None:
    theirs, decoder = other.Encoder(), Decoder()
    for fields in blocks:
        assert [f[:2] for f in decoder.decode(theirs.encode(fields, huffman=huffman))] == fields


@given(st.lists(st.binary(max_size=80), max_size=4))
@settings(max_examples=1000, deadline=None)
def test_any_bytes_are_what_the_slow_decoder_says(blocks: list[bytes]) -> None:
    fast, slow = Decoder(300, 6), oracle.Decoder(300, 6)
    for block in blocks:
        try:
            found: object = fast.decode(block)
        except (Broken, TooLarge) as error:
            found = type(error).__name__
        try:
            expected: object = slow.decode(block)
        except (oracle.Broken, oracle.TooLarge) as error:
            expected = type(error).__name__
        assert found == expected
        if found == "Broken":
            return
        assert fast.table() == slow.entries


@given(st.binary(max_size=100))
def test_huffman(data: bytes) -> None:
    coded = huffman_encode(data)
    assert huffman_decode(coded) == data == oracle.unpack(coded)


@given(st.binary(max_size=30))
@settings(max_examples=500)
def test_any_bytes_as_huffman(data: bytes) -> None:
    try:
        expected = oracle.unpack(data)
    except oracle.Broken:
        with pytest.raises(Broken):
            huffman_decode(data)
    else:
        assert huffman_decode(data) == expected


BROKEN = {
    "index 0": "80",
    "index behind the table": "be",
    "index of a literal behind the table": "7f0061",
    "integer without end": "ffffffffffffffffff00",
    "integer above 2^31": "ffffffffff0f",
    "string longer than the block": "000561",
    "no value": "000161",
    "huffman: end of string": "0084ffffffff0161",
    "huffman: eight bits of padding": "00821fff0161",
    "huffman: padding with a zero": "0081180161",
    "update above what we allow": "3fe21f",
    "update behind a field": "8220",
}


@pytest.mark.parametrize("block", BROKEN.values(), ids=BROKEN)
def test_broken(block: str) -> None:
    with pytest.raises(Broken):
        Decoder().decode(bytes.fromhex(block))
    with pytest.raises(oracle.Broken):
        oracle.Decoder().decode(bytes.fromhex(block))


def test_sizes_go_down_and_up() -> None:
    """RFC 7541 4.2: the smallest size since the last block is said, then the present one."""
    encoder, decoder = Encoder(), Decoder()
    fields = [(b"user-agent", b"curl/8")]
    decoder.decode(encoder.encode(fields))
    encoder.allow(0)
    encoder.allow(4096)
    block = encoder.encode(fields)
    assert block.startswith(bytes.fromhex("203fe11f"))
    assert [f[:2] for f in decoder.decode(block)] == fields
    assert len(decoder.table()) == 1


def test_an_update_is_due_after_a_smaller_setting() -> None:
    decoder = Decoder()
    decoder.allow(100)
    with pytest.raises(Broken):
        decoder.decode(b"\x82")
    decoder = Decoder()
    decoder.allow(100)
    assert decoder.decode(bytes.fromhex("3f4582")) == [(b":method", b"GET", False)]


def test_secrets_are_never_indexed() -> None:
    encoder, decoder = Encoder(), Decoder()
    secrets = [(b"authorization", b"Bearer abc"), (b"cookie", b"sid=1"), (b"x-key", b"v", True)]
    for _ in range(3):
        assert [f[2] for f in decoder.decode(encoder.encode(secrets))] == [True, True, True]
    assert encoder.table() == []


def test_what_repeats_becomes_one_byte_each() -> None:
    encoder = Encoder()
    fields = [(b":method", b"POST"), (b":path", b"/pkg.Service/Method"), (b"x-tenant", b"blue"), (b"te", b"trailers")]
    sizes = [len(encoder.encode(fields)) for _ in range(4)]
    assert sizes[2:] == [4, 4] and sizes[0] > 30


def test_what_changes_each_time_takes_no_place() -> None:
    encoder = Encoder()
    for i in range(100):
        encoder.encode([(b"x-request-id", b"%d" % i), (b"content-length", b"%d" % i), (b"x-other", b"%d" % i)])
    assert encoder.table() == []


def test_a_bomb_costs_nothing() -> None:
    """One large entry named thousands of times: too large, and the memory stays small."""
    decoder = Decoder(list_bytes=60000, fields=100)
    encoder_says = b"\x40\x01x" + b"\x7f\xa1\x1e" + b"v" * 4000 + b"\xbe" * 16000
    with pytest.raises(TooLarge):
        decoder.decode(encoder_says)
    assert decoder.table_size() == 1 + 4000 + 32
    assert decoder.memory() <= 16384
    assert len(decoder.decode(b"\xbe")) == 1


def test_a_block_that_is_too_large_keeps_the_table_right() -> None:
    encoder, decoder = Encoder(), Decoder(list_bytes=200, fields=3)
    with pytest.raises(TooLarge):
        decoder.decode(encoder.encode([(b"user-agent", b"%d" % i + b"x" * 50) for i in range(10)]))
    assert decoder.table() == encoder.table()
    assert decoder.decode(encoder.encode([(b"user-agent", b"9" + b"x" * 50)]))[0][1][:1] == b"9"


@given(BLOCKS)
@settings(max_examples=100, deadline=None)
def test_a_saved_state_goes_on(blocks: list[Fields]) -> None:
    """Written down and read back between any two blocks, nothing is different."""
    encoder, decoder = Encoder(), Decoder()
    for fields in blocks:
        new_encoder, new_decoder = Encoder(), Decoder()
        new_encoder.restore(encoder.save())
        new_decoder.restore(decoder.save())
        encoder, decoder = new_encoder, new_decoder
        assert [f[:2] for f in decoder.decode(encoder.encode(fields))] == fields
        assert encoder.table() == decoder.table()


def test_a_state_that_is_none() -> None:
    encoder = Encoder()
    encoder.encode([(b"user-agent", b"x")])
    state = encoder.save()
    for n in range(len(state)):
        with pytest.raises(ValueError):
            Encoder().restore(state[:n])
        with pytest.raises(ValueError):
            Decoder().restore(state[:n])


def test_out_of_memory() -> None:
    """Whichever allocation fails, it says so; nothing is written where there is no memory."""
    block = Encoder().encode([(b"x-%d" % i, b"v" * 900) for i in range(20)])
    refused = 0
    for n in range(12):
        decoder = Decoder(1 << 20)
        fail_allocations(n)
        try:
            decoder.decode(block)
        except MemoryError:
            refused += 1
        finally:
            fail_allocations(-1)
    assert 2 < refused < 12


def test_a_long_life() -> None:
    """Thousands of blocks through small tables: entries come and go, and both sides stay together."""
    rng = random.Random(7541)
    encoder, decoder = Encoder(), Decoder()
    for i in range(3000):
        if i % 100 == 50:
            encoder.allow(rng.choice([0, 64, 500, 4096]))
        fields = [(b"user-agent" if rng.random() < 0.5 else b"x-%d" % rng.randrange(9),
                   bytes([97 + rng.randrange(3)]) * rng.randrange(200)) for _ in range(rng.randrange(5))]
        assert [f[:2] for f in decoder.decode(encoder.encode(fields))] == fields
    assert encoder.table() == decoder.table()
