"""Scalar fields: what protobuf's JSON reader takes for each type, in the lenient mode that Envoy runs it in.

Numbers and booleans may stand in quotes and enumerations in any case; text may not be a bare number.
Each function returns the value, or raises ValueError with the words of the finding.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Callable
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from mosn.config.nodes import Node, Scalar, describe

_DURATION = re.compile(r"(-?)([0-9]{1,12})(?:\.([0-9]{1,9}))?s\Z")
_MAX_SECONDS = 9_223_372_035
_FLOAT_WORDS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_FLOAT = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?\Z")
_HEX = re.compile(r"[-+]?0[xX][0-9a-fA-F]+\Z")
_BOOLEANS = {
    word: word in ("true", "t", "yes", "y", "1")
    for word in ("true", "t", "yes", "y", "1", "false", "f", "no", "n", "0")
}
_LONGEST = 40
_MAX_FLOAT = 3.4028234663852886e38


def text(node: Node) -> str:
    if isinstance(node, Scalar) and isinstance(node.value, str):
        return node.value
    if isinstance(node, Scalar) and node.value is not None:
        raise ValueError(f'expected text, found {describe(node)}; put it in quotes: "{node.text}"')
    raise ValueError(f"expected text, found {describe(node)}")


def boolean(node: Node) -> bool:
    if isinstance(node, Scalar) and isinstance(node.value, bool):
        return node.value
    if isinstance(node, Scalar) and isinstance(node.value, str) and node.value.lower() in _BOOLEANS:
        return _BOOLEANS[node.value.lower()]
    raise ValueError(f"expected true or false, found {describe(node)}")


def integer(node: Node) -> int:
    value = node.value if isinstance(node, Scalar) else None
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"[-+]?[0-9]{1,20}", value):
        return int(value)
    number = _quoted_number(value) if isinstance(value, str) else value
    if isinstance(number, float) and number.is_integer():
        return int(number)
    raise ValueError(f"expected a whole number, found {describe(node)}")


def _integer_in(low: int, high: int) -> Callable[[Node], int]:
    def convert(node: Node) -> int:
        number = integer(node)
        if not low <= number <= high:
            raise OverflowError(f"{number} is not between {low} and {high}")
        return number

    return convert


def number(node: Node) -> float:
    value = node.value if isinstance(node, Scalar) else None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _finite(value)
    if isinstance(value, str):
        if value in _FLOAT_WORDS:
            return _FLOAT_WORDS[value]
        quoted = _quoted_number(value)
        if quoted is not None:
            return _finite(quoted)
    raise ValueError(f"expected a number, found {describe(node)}")


def _quoted_number(text: str) -> float | None:
    if len(text) > _LONGEST:
        return None
    if _HEX.match(text):
        return float(int(text, 16))
    return float(text) if _FLOAT.match(text) else None


def _finite(value: int | float) -> float:
    try:
        result = float(value)
    except OverflowError:
        result = math.inf
    if math.isinf(result):
        raise OverflowError("the number is too large")
    return result


def single(node: Node) -> float:
    value = number(node)
    if math.isfinite(value) and abs(value) > _MAX_FLOAT:
        raise OverflowError("the number is too large for a 32-bit float")
    return value


def binary(node: Node) -> bytes:
    """Base64, standard or URL-safe, padded or not."""
    value = text(node).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(value + "=" * (-len(value) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("expected bytes in base64") from None


def duration(node: Node) -> tuple[int, int]:
    """Seconds and nanoseconds of "1.5s"."""
    value = node.value if isinstance(node, Scalar) else None
    match = _DURATION.match(value) if isinstance(value, str) else None
    if not match:
        raise ValueError(f'expected a duration such as "1.5s", found {describe(node)}')
    sign = -1 if match[1] else 1
    seconds, nanos = int(match[2]), int((match[3] or "").ljust(9, "0"))
    if seconds > _MAX_SECONDS:
        raise OverflowError("a duration is shorter than 9223372036s (292 years)")
    return sign * seconds, sign * nanos


_INT32 = _integer_in(-(2**31), 2**31 - 1)
_INT64 = _integer_in(-(2**63), 2**63 - 1)
_UINT32 = _integer_in(0, 2**32 - 1)
_UINT64 = _integer_in(0, 2**64 - 1)

CONVERTERS: dict[int, Callable[[Node], Any]] = {
    FieldDescriptor.TYPE_STRING: text,
    FieldDescriptor.TYPE_BOOL: boolean,
    FieldDescriptor.TYPE_BYTES: binary,
    FieldDescriptor.TYPE_DOUBLE: number,
    FieldDescriptor.TYPE_FLOAT: single,
    FieldDescriptor.TYPE_INT32: _INT32,
    FieldDescriptor.TYPE_SINT32: _INT32,
    FieldDescriptor.TYPE_SFIXED32: _INT32,
    FieldDescriptor.TYPE_INT64: _INT64,
    FieldDescriptor.TYPE_SINT64: _INT64,
    FieldDescriptor.TYPE_SFIXED64: _INT64,
    FieldDescriptor.TYPE_UINT32: _UINT32,
    FieldDescriptor.TYPE_FIXED32: _UINT32,
    FieldDescriptor.TYPE_UINT64: _UINT64,
    FieldDescriptor.TYPE_FIXED64: _UINT64,
}
"""By `FieldDescriptor.type`; messages, groups and enumerations are the decoder's."""
