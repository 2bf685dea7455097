"""What JSON a Hessian value is, by the slow decoders, and the other way round."""

from __future__ import annotations

import base64
import datetime
import json
import math
import struct

from tests.oracle import hessian2, hessian_draft
from tests.oracle.hessian2 import Date, Map, Object

EPOCH = datetime.datetime(1970, 1, 1)


def decode(data: bytes, *, draft: bool = False) -> object:
    """The one value of these bytes."""
    decoder = hessian_draft.Decoder(data) if draft else hessian2.Decoder(data)
    value = decoder.value()
    assert decoder.at == len(data)
    return value


def plain(value: object) -> object:
    """A decoded value as json.loads gives it; KeyError for what JSON cannot say."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, Map):
        return {key(k): plain(v) for k, v in value.pairs if not (k == "class" and isinstance(v, str))}
    if isinstance(value, Object):
        if value.name == "java.math.BigDecimal" and len(value.fields) == 1:
            return json.loads(str(value.fields[0][1]))
        return {name: plain(v) for name, v in value.fields}
    if isinstance(value, Date):
        return date(value.milliseconds)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, hessian2.Reference):
        raise KeyError("a reference")
    return value


def date(milliseconds: int) -> object:
    try:
        return (EPOCH + datetime.timedelta(milliseconds=milliseconds)).isoformat(timespec="milliseconds") + "Z"
    except OverflowError:
        return milliseconds


def key(value: object) -> str:
    said = plain(value)
    if isinstance(said, dict | list):
        raise KeyError("a container is no key")
    return said if isinstance(said, str) else json.dumps(said)


def natural(value: object) -> object:
    """What a JSON value is on the wire without a declared type, as the slow decoders give it."""
    if isinstance(value, dict):
        return Map(tuple((name, natural(item)) for name, item in value.items()))
    return [natural(item) for item in value] if isinstance(value, list) else value


def same_key(a: object, b: object) -> bool:
    """A number has more than one shortest text now and then: 5.960464477539062e-08 is 5.960464477539063e-08."""
    try:
        return a == b or float(str(a)) == float(str(b))
    except ValueError:
        return False


def same(a: object, b: object) -> bool:
    """Equal, and floats bit by bit."""
    if isinstance(a, float) and isinstance(b, float):
        return struct.pack(">d", a) == struct.pack(">d", b)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, Map) and isinstance(b, Map):
        return same([list(p) for p in a.pairs], [list(p) for p in b.pairs])
    if isinstance(a, dict) and isinstance(b, dict):
        return len(a) == len(b) and all(same_key(k, m) and same(a[k], b[m]) for k, m in zip(a, b, strict=True))
    return type(a) is type(b) and a == b
