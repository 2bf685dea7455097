"""Hessian 2.0: single values, written by hand, and what readers of strings, numbers and maps make of them."""

from __future__ import annotations

import pytest

from mosn._fastpath.codec.hessian2_face import (
    Malformed,
    Reader,
    put_int,
    put_map,
    put_rpc_exception,
    put_string,
    sofa_request,
)
from tests.oracle import hessian2 as oracle

# Examples of the specification (Hessian 2.0 serialization protocol, section 4) and their value.
EXAMPLES: list[tuple[bytes, object]] = [
    (b"\x20", b""), (b"\x23\x01\x02\x03", b"\1\2\3"), (b"B\x00\x02ab", b"ab"), (b"A\x00\x01aB\x00\x01b", b"ab"),
    (b"\x34\x01a", b"a"), (b"T", True), (b"F", False), (b"N", None),
    (b"\x4a\x00\x00\x00\xd0\x4b\x92\x84\xb8", oracle.Date(894621091000)),
    (b"\x4b\x00\xe3\x83\x8f", oracle.Date(14910351 * 60000)),
    (b"\x5b", 0.0), (b"\x5c", 1.0), (b"\x5d\x00", 0.0), (b"\x5d\x80", -128.0), (b"\x5e\x80\x00", -32768.0),
    (b"\x5f\x00\x00\x2f\xda", 12.25), (b"D\x40\x28\x80\x00\x00\x00\x00\x00", 12.25),
    (b"\x90", 0), (b"\x80", -16), (b"\xbf", 47), (b"\xc8\x00", 0), (b"\xc0\x00", -2048), (b"\xc7\x00", -256),
    (b"\xcf\xff", 2047), (b"\xd4\x00\x00", 0), (b"\xd0\x00\x00", -262144), (b"\xd7\xff\xff", 262143),
    (b"I\x00\x00\x01\x2c", 300), (b"\xe0", 0), (b"\xd8", -8), (b"\xef", 15), (b"\xf8\x00", 0),
    (b"\xf0\x00", -2048), (b"\xff\xff", 2047), (b"\x3c\x00\x00", 0), (b"\x38\x00\x00", -262144),
    (b"\x3f\xff\xff", 262143), (b"Y\x00\x00\x01\x2c", 300), (b"L\x00\x00\x00\x00\x00\x00\x01\x2c", 300),
    (b"\x00", ""), (b"\x05hello", "hello"), (b"\x01\xc3\x83", "\xc3"), (b"\x30\x05hello", "hello"),
    (b"S\x00\x05hello", "hello"), (b"R\x00\x02heS\x00\x03llo", "hello"), (b"R\x00\x02he\x03llo", "hello"),
    (b"\x02\xed\xa0\xbd\xed\xb8\x80", "\U0001f600"),
    (b"R\x00\x01\xed\xa0\xbd\x01\xed\xb8\x80", "\U0001f600"),
    (b"\x57\x90\x91Z", [0, 1]), (b"\x58\x92\x90\x91", [0, 1]), (b"V\x04[int\x92\x90\x91", [0, 1]),
    (b"U\x04[int\x90\x91Z", [0, 1]), (b"\x72\x04[int\x90\x91", [0, 1]), (b"\x7a\x90\x91", [0, 1]), (b"\x78", []),
    (b"H\x91\x03feeZ", oracle.Map(((1, "fee"),))), (b"M\x03a.B\x91\x03feeZ", oracle.Map(((1, "fee"),), "a.B")),
    (b"M\x90\x91\x03feeZ", oracle.Map(((1, "fee"),), 0)),
    (b"C\x0bexample.Car\x92\x05color\x05modelO\x90\x03red\x08corvette",
     oracle.Object("example.Car", (("color", "red"), ("model", "corvette")))),
    (b"C\x0bexample.Car\x91\x05color\x60\x03red", oracle.Object("example.Car", (("color", "red"),))),
    (b"Q\x90", oracle.Reference(0)),
]

BAD = {
    "nothing": b"", "reserved @": b"@", "reserved E": b"E", "reserved G": b"G", "reserved P": b"P", "end alone": b"Z",
    "short int": b"I\0\0\0", "short long": b"L\0\0\0\0\0\0\0", "short double": b"D\0", "short date": b"J\0",
    "string too short": b"\x05hell", "chunk without an end": b"R\0\1a", "chunk before a number": b"R\0\1a\x90",
    "binary too short": b"\x25abc", "chunked binary without an end": b"A\0\1a", "binary, then a string": b"A\0\1a\1a",
    "lone continuation": b"\x01\x80", "overlong of two": b"\x01\xc0\x80", "overlong slash": b"\x01\xc1\xaf",
    "overlong of three": b"\x01\xe0\x9f\xbf", "not continued": b"\x01\xc3a", "not continued twice": b"\x01\xe4\xb8a",
    "four bytes": b"\x02\xf0\x9f\x98\x80", "cut character": b"\x01\xe4\xb8",
    "list longer than its bytes": b"X\x93\x90\x91", "list of 2^31-1": b"XI\x7f\xff\xff\xff\x90",
    "list of -1": b"XI\xff\xff\xff\xff", "list whose length is no int": b"X\x01a", "typed list of 2^31-1":
    b"V\x01aI\x7f\xff\xff\xff", "endless list": b"W\x90\x91", "list without a type": b"V\x5b",
    "map without an end": b"H\x91\x92", "map with half an entry": b"H\x91Z", "object without class": b"O\x90\x90",
    "object of class -1": b"C\x01a\x90O\x8f", "direct object without class": b"\x60", "class 1 of 1": b"C\x01a\x90\x61",
    "class without an object": b"C\x01a\x90", "class of -1 fields": b"C\x01a\x8f\x60",
    "class of 2^31-1 fields": b"C\x01aI\x7f\xff\xff\xff\x60", "class whose field is null": b"C\x01a\x91N\x60\x90",
    "reference to nothing": b"Q", "reference to a string": b"Q\x01a",
}


@pytest.mark.parametrize(("data", "value"), EXAMPLES, ids=[d.hex() for d, _ in EXAMPLES])
def test_examples(data: bytes, value: object) -> None:
    decoder = oracle.Decoder(data + b"rest")
    assert decoder.value() == value
    reader = Reader(data + b"rest")
    reader.skip()
    assert reader.used == decoder.at == len(data)
    for n in range(len(data)):
        with pytest.raises(Malformed):
            Reader(data[:n]).skip()


@pytest.mark.parametrize("data", BAD.values(), ids=BAD.keys())
def test_malformed(data: bytes) -> None:
    with pytest.raises(oracle.Malformed):
        oracle.Decoder(data).value()
    with pytest.raises(Malformed):
        Reader(data).skip()


@pytest.mark.parametrize(("data", "value"), [e for e in EXAMPLES if isinstance(e[1], str) or e[1] is None])
def test_strings(data: bytes, value: str | None) -> None:
    assert Reader(data).string() == (None if value is None else value.encode())


@pytest.mark.parametrize("data", [b"T", b"\x90", b"H", b"D\0\0\0\0\0\0\0\0", b"\x5b", b"\x20", b"C", b""])
def test_a_string_is_a_string(data: bytes) -> None:
    """hessian-lite would take a number or a boolean for a string; a rule would not know."""
    with pytest.raises(Malformed):
        Reader(data).string()


@pytest.mark.parametrize(("data", "value"), [e for e in EXAMPLES if type(e[1]) is int])
def test_numbers(data: bytes, value: int) -> None:
    assert Reader(data).int64() == value
    if (data[0] < 0x80 and data[0] != ord("I")) or data[0] >= 0xd8:
        with pytest.raises(Malformed):
            Reader(data).int32()
    else:
        assert Reader(data).int32() == value


def test_map_values_that_have_a_text() -> None:
    data = (b"H\x01a\x01b" b"\x01i\x91" b"\x01l" b"L\xff\xff\xff\xff\xff\xff\xff\xff" b"\x01tT\x01fF\x01nN"
            b"\x01d\x5c" b"\x01m" b"H\x01x\x01yZ" b"\x91\x01z" b"\x03min" b"L\x80\0\0\0\0\0\0\0" b"Z")
    reader = Reader(data + b"!")
    assert reader.map() == [
        (b"a", b"b"), (b"i", b"1"), (b"l", b"-1"), (b"t", b"true"), (b"f", b"false"), (b"n", None), (b"d", None),
        (b"m", None), (None, b"z"), (b"min", b"-9223372036854775808"),
    ]
    assert reader.used == len(data)
    assert Reader(b"N").map() is None
    assert Reader(b"M\x01tZ").map() == []


@pytest.mark.parametrize("data", [b"", b"H", b"H\x01a", b"H\x01aZ", b"M", b"M\x5bZ", b"W\x90Z", b"Ha", b"H\x01a\x02b"])
def test_broken_maps(data: bytes) -> None:
    with pytest.raises(Malformed):
        Reader(data).map()


# -- writing

@pytest.mark.parametrize(("n", "head"), [
    (0, b"\0"), (31, b"\x1f"), (32, b"\x30\x20"), (1023, b"\x33\xff"), (1024, b"S\x04\x00"), (32768, b"S\x80\x00"),
])
def test_lengths_of_strings(n: int, head: bytes) -> None:
    assert put_string(b"x" * n) == head + b"x" * n


def test_long_strings_are_written_in_chunks() -> None:
    assert put_string(b"x" * 32769) == b"R\x80\x00" + b"x" * 32768 + b"\x01x"


def test_a_pair_is_not_cut() -> None:
    text = "x" * 32767 + "\U0001f600" + "y"
    written = put_string(text.encode())
    assert written.startswith(b"R\x7f\xff")
    assert Reader(written).string() == text.encode()


@pytest.mark.parametrize(("text", "written"), [
    ("é", b"\x01\xc3\xa9"), ("世", b"\x01\xe4\xb8\x96"), ("😀", b"\x02\xed\xa0\xbd\xed\xb8\x80"),
])
def test_characters(text: str, written: bytes) -> None:
    assert put_string(text.encode()) == written
    assert Reader(written).string() == text.encode()


@pytest.mark.parametrize("text", [b"\x80", b"\xff", b"\xc3", b"\xc0\x80", b"\xe0\x80\x80", b"\xf0\x80\x80\x80",
                                  b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"a\xe4\xb8"])
def test_what_is_not_utf8_is_marked(text: bytes) -> None:
    written = Reader(put_string(text)).string()
    assert written is not None
    assert b"?" in written
    assert written.decode()


@pytest.mark.parametrize("value", [0, 47, 48, -16, -17, 2047, 2048, -2048, -2049, 262143, 262144, -262144, -262145,
                                   2**31 - 1, -2**31])
def test_ints(value: int) -> None:
    assert Reader(put_int(value)).int32() == value
    assert oracle.Decoder(put_int(value)).value() == value


def test_maps() -> None:
    entries = [(b"a", b"1"), ("\u4e16".encode(), "\U0001f600".encode())]
    assert Reader(put_map(entries)).map() == entries


def test_rpc_exception() -> None:
    value = oracle.Decoder(put_rpc_exception(4, b"no")).value()
    assert value == oracle.Object("org.apache.dubbo.rpc.RpcException", (("code", 4), ("detailMessage", "no")))


# -- SofaRequest

CLASS = b"O\xbc" + b"com.alipay.sofa.rpc.core.request.SofaRequest"
FIELDS = {"targetAppName": b"N", "methodName": b"\x03say", "targetServiceUniqueName": b"\x05a:1.0",
          "requestProps": b"M\x01aM\x01b\x01czz", "methodArgSigs": b"Vt\0\x07[stringn\x02\x01a\x01bz"}


def request(*names: str, values: dict[str, bytes] = FIELDS) -> bytes:
    defined = b"".join(bytes([len(n)]) + n.encode() for n in names)
    return CLASS + bytes([0x90 + len(names)]) + defined + b"o\x90" + b"".join(values[n] for n in names)


@pytest.mark.parametrize("names", [
    ("targetAppName", "methodName", "targetServiceUniqueName", "requestProps", "methodArgSigs"),
    ("methodArgSigs", "requestProps", "targetServiceUniqueName", "methodName"),
    ("methodName", "requestProps", "targetServiceUniqueName"),
])
def test_sofa_request(names: tuple[str, ...]) -> None:
    assert sofa_request(request(*names)) == (b"say", b"a:1.0")


def test_sofa_request_without_a_service() -> None:
    assert sofa_request(request("methodName", "requestProps")) == (b"say", b"")
    assert sofa_request(request("targetServiceUniqueName", values={"targetServiceUniqueName": b"N"})) == (b"", b"")


def test_sofa_request_cut_anywhere() -> None:
    data = request("requestProps", "methodArgSigs", "methodName", "targetServiceUniqueName")
    for n in range(len(data)):
        with pytest.raises(Malformed):
            sofa_request(data[:n])


@pytest.mark.parametrize("data", [
    b"", b"O", b"N", b"O\x91a", CLASS.replace(b"Request", b"Reques_"), CLASS + b"I\x7f\xff\xff\xff",
    request("methodName").replace(b"o\x90", b"o\x91"), request("methodName", values={"methodName": b"\x91"}),
    request("requestProps", values={"requestProps": b"O\x91a\x90o\x90"}),
    request("requestProps", "methodName", values={"requestProps": b"M" * 100_000, "methodName": b"\x01a"}),
])
def test_no_sofa_request(data: bytes) -> None:
    with pytest.raises(Malformed):
        sofa_request(data)
