"""JSON to Hessian and back, beside json and the slow decoders, in both dialects of Hessian."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mosn._fastpath.codec.bridge_face import MAX_DEPTH, Refused, is_json, to_hessian, to_json
from tests.fastpath.codec.bridged import decode, natural, plain, same
from tests.fastpath.codec.hessian2_values import VALUES, Encoder
from tests.oracle.hessian2 import Date, Map, Object

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
LONGS = st.integers(-(2**63), 2**63 - 1)
SIMPLE = st.none() | st.booleans() | LONGS | st.floats(allow_nan=False, allow_infinity=False) | TEXT
JSON = st.recursive(SIMPLE, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=20)


def refuse_constant(name: str) -> None:
    raise ValueError(name)


def python_reads(data: bytes) -> bool:
    """json takes more than RFC 8259: NaN and Infinity, half surrogates; and UTF-16, which is not asked here."""
    try:
        value = json.loads(data.decode("utf-8"), parse_constant=refuse_constant)
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        return False
    return True


@given(JSON, st.booleans(), st.booleans())
def test_any_json_reaches_java_as_it_is(value: object, draft: bool, ascii_only: bool) -> None:
    data = json.dumps(value, ensure_ascii=ascii_only).encode()
    made = to_hessian(data, draft=draft)
    assert same(decode(made, draft=draft), natural(value))
    text, used = to_json(made, draft=draft)
    assert used == len(made)
    if "class" not in data.decode():
        assert same(json.loads(text), value)


@given(st.binary(max_size=60) | st.text('[]{}",:0123456789.eE+-\\utrfn alse\x7f\n', max_size=40).map(str.encode))
def test_what_is_json(data: bytes) -> None:
    assert is_json(data) == python_reads(data)
    if is_json(data):
        try:
            to_hessian(data)
        except Refused as error:
            assert "number" in str(error)


@example(Map(((2.225073858507e-311, None), (5e-324, 1)), None), 0)
@given(VALUES, st.integers(0, 2**32))
def test_any_hessian_value_is_told_as_it_is(value: object, seed: int) -> None:
    data = Encoder(seed).value(value)
    try:
        expected = plain(decode(data))
    except (KeyError, ValueError):
        return
    try:
        text, used = to_json(data, most=1 << 22)
    except Refused:
        assert deep(expected)
        return
    assert used == len(data)
    assert same(json.loads(text), expected)


def deep(value: object, left: int = MAX_DEPTH) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return left == 0 or any(deep(item, left - 1) for item in inner if isinstance(item, dict | list))


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_a_value_or_refused(data: bytes, draft: bool) -> None:
    try:
        text, used = to_json(data, draft=draft)
    except Refused:
        return
    assert used <= len(data)
    json.loads(text)


DECLARED = [
    (b"12", "int", 12), (b'"12"', "int", 12), (b"12", "long", 12), (b"-129", "byte", None), (b"127", "byte", 127),
    (b"40000", "short", None), (b"2147483648", "int", None), (b"9223372036854775808", "long", None),
    (b"-9223372036854775808", "long", -2**63), (b"1.5", "int", None), (b"1e3", "long", None), (b"7", "double", 7.0),
    (b'"7.25"', "double", 7.25), (b"1e999", "double", None), (b'"x"', "char", "x"), (b'"xy"', "char", None),
    (b'"\xe2\x82\xac"', "char", "\u20ac"), (b"12", "string", None), (b"true", "string", None), (b'"a"', "int", None),
    (b"true", "boolean", True), (b'"false"', "boolean", False), (b"1", "boolean", None), (b"null", "int", "null"),
    (b"[]", "int", None), (b"{}", "list", None), (b"[1]", "map", None), (b'"AQID"', "bytes", b"\1\2\3"),
    (b'"-_8"', "bytes", b"\xfb\xff"), (b'"A"', "bytes", None), (b'"A?"', "bytes", None),
    (b"0", "date", Date(0)), (b'"1970-01-01"', "date", Date(0)), (b'"1969-12-31T23:59:59.999Z"', "date", Date(-1)),
    (b'"2024-02-29T12:00:00+08:00"', "date", Date(1709179200000)), (b'"2023-02-29"', "date", None),
    (b'"2024-13-01"', "date", None), (b'"2024-01-01T24:00:00Z"', "date", None),
    (b'"2024-01-01T1:00:00Z"', "date", None),
    (b'"2024-01-01T00:00:00"', "date", None), (b'"0001-01-01"', "date", Date(-62135596800000)),
    (b'"1.10"', "decimal", Object("java.math.BigDecimal", (("value", "1.10"),))), (b'"1.1x"', "decimal", None),
]  # fmt: skip


@pytest.mark.parametrize("draft", [False, True])
@pytest.mark.parametrize(("data", "kind", "expected"), DECLARED)
def test_declared_types(data: bytes, kind: str, expected: object, draft: bool) -> None:
    if expected is None:
        with pytest.raises(Refused):
            to_hessian(data, {"kind": kind}, draft=draft)
        return
    found = decode(to_hessian(data, {"kind": kind}, draft=draft), draft=draft)
    assert found == (None if expected == "null" else expected)


def test_longs_are_longs_however_small() -> None:
    assert to_hessian(b"5", {"kind": "long"}) == b"\xe5"
    assert to_hessian(b"5", {"kind": "int"}) == b"\x95"
    assert to_hessian(b"[5]", {"kind": "list", "element": "long"})[-1:] == b"\xe5"


def test_types_stand_in_front() -> None:
    for draft in (False, True):
        made = to_hessian(b'{"a":1}', {"kind": "map", "wire": "com.example.User"}, draft=draft)
        assert decode(made, draft=draft) == Map((("a", 1),), "com.example.User")
    assert to_hessian(b"[]", {"kind": "list", "wire": "[int"}).startswith(b"V\x04[int")
    with pytest.raises(Refused, match="primitive"):
        to_hessian(b"null", {"kind": "int", "primitive": True})


def test_only_the_configuration_names_classes() -> None:
    made = to_hessian(b'{"class":"java.lang.Runtime"}')
    assert decode(made) == Map((("class", "java.lang.Runtime"),), None)


CLASS = b"C\x03a.B\x92\x01x\x01y"


@pytest.mark.parametrize(("data", "text"), [
    (CLASS + b"\x60\x91\x92", b'{"x":1,"y":2}'),
    (b"\x7a" + CLASS + b"\x60\x91\x92\x60\x93\x94", b'[{"x":1,"y":2},{"x":3,"y":4}]'),
    (b"\x7a\x79\x91\x51\x91", b"[[1],[1]]"),
    (b"H\x05class\x03a.B\x01x\x91Z", b'{"x":1}'),
    (b"H\x91\x92TFZ", b'{"1":2,"true":false}'),
    (b"M\x03a.B\x01x\x91Z", b'{"x":1}'),
    (b"J" + (1709208000500).to_bytes(8, "big"), b'"2024-02-29T12:00:00.500Z"'),
    (b"J" + (10**17).to_bytes(8, "big"), b"100000000000000000"),
    (b"HJ" + (10**17).to_bytes(8, "big") + b"\x91J" + bytes(8) + b"\x92Z",
     b'{"100000000000000000":1,"1970-01-01T00:00:00.000Z":2}'),
    (b"HD\x7f\xf0\0\0\0\0\0\0\x91Z", b'{"Infinity":1}'),
    (b"D\x7f\xf0\0\0\0\0\0\0", b'"Infinity"'),
    (b"\x01\xed\xa0\xbd", b'"\\ud83d"'),
    (b"\x23\1\2\3", b'"AQID"'), (b"A\0\1\1\x22\2\3", b'"AQID"'),
    (b"C\x14java.math.BigDecimal\x91\x05value\x60\x041.10", b"1.10"),
])  # fmt: skip
def test_what_java_says(data: bytes, text: bytes) -> None:
    assert to_json(data) == (text, len(data))


def test_class_names_are_kept_where_they_are_wanted() -> None:
    assert to_json(CLASS + b"\x60\x91\x92", class_names=True)[0] == b'{"class":"a.B","x":1,"y":2}'
    assert to_json(b"M\x03a.BZ", class_names=True)[0] == b'{"class":"a.B"}'
    assert to_json(b"H\x05class\x03a.BZ", class_names=True)[0] == b'{"class":"a.B"}'


DRAFT = b"O\x93a.B\x92\x01x\x01y"


@pytest.mark.parametrize(("data", "text"), [
    (DRAFT + b"o\x90\x91\x92", b'{"x":1,"y":2}'),
    (b"V" + DRAFT + b"o\x90\x91\x92o\x90\x93\x94z", b'[{"x":1,"y":2},{"x":3,"y":4}]'),
    (b"Vn\x02Vt\0\4[intn\1\x91zJ\1z", b"[[1],[1]]"),
    (b"VVt\0\4[intl\0\0\0\1\x91zv\x90\x91\x92z", b"[[1],[2]]"),
    (b"Mt\0\3a.B\x01x\x91z", b'{"x":1}'), (b"d" + bytes(8), b'"1970-01-01T00:00:00.000Z"'),
    (b"s\0\1aS\0\1b", b'"ab"'), (b"b\0\1\1\x22\2\3", b'"AQID"'), (b"k\x3f\xc0\0\0", b"1.5"),
    (b"w\xff\xff\xff\xff", b"-1"),
])  # fmt: skip
def test_what_java_says_in_the_draft(data: bytes, text: bytes) -> None:
    assert to_json(data, draft=True) == (text, len(data))


@pytest.mark.parametrize("data", [
    b"\x79\x51\x90", b"H\x01a\x51\x90Z", b"\x51\x90", b"H\x78\x91Z", b"H" + CLASS + b"\x60\x91\x92\x91Z", b"W", b"\x60",
    b"\x7a\x91", b"C\x01a\x91\x01b", b"X\xd4\xff\xff", b"M\x91Z",
])  # fmt: skip
def test_what_cannot_be_told(data: bytes) -> None:
    """Cycles, containers as keys, unknown classes and types, values that end early."""
    with pytest.raises(Refused):
        to_json(data)
