"""Any bytes are JSON or not as Python's reader says; any bytes are Hessian that becomes JSON, or refused; any answer is
an HTTP response with JSON in it.
"""

# modules: mosn._fastpath.codec.*
# seeds: tests/corpus/bridge/*.bin tests/corpus/dubbo/values/*.bin tests/corpus/dubbo/recorded/*/*.response.bin

from __future__ import annotations

import json

from driver import fuzz

from mosn._fastpath.codec.bridge_face import Bridging, Refused, is_json, to_hessian, to_json
from tests.fastpath.codec.bridged import decode, natural, same

PARAMETERS: list[dict[str, object]] = [
    {"name": "a", "kind": "int", "type": "int", "primitive": True},
    {"name": "b", "kind": "list", "element": "date", "type": "java.util.List"},
    {"name": "c", "kind": "bytes", "type": "[B"},
]
DUBBO = Bridging({"protocol": "dubbo", "generic": True, "any_parameters": True})
TYPED = Bridging({"protocol": "dubbo", "parameters": PARAMETERS, "descriptors": "ILjava/util/List;[B"})
BOLT = Bridging({"protocol": "bolt", "parameters": PARAMETERS, "forward_headers": ["x-a"]})


def refuse_constant(name: str) -> None:
    raise ValueError(name)


def python_reads(data: bytes) -> object:
    value = json.loads(data.decode("utf-8"), parse_constant=refuse_constant)
    json.dumps(value, ensure_ascii=False).encode("utf-8")
    return value


def one_json(data: bytes) -> None:
    try:
        value = python_reads(data)
    except (ValueError, RecursionError):
        if is_json(data):
            raise AssertionError(f"{data!r} is no JSON") from None
        return
    for draft in (False, True):
        try:
            made = to_hessian(data, draft=draft)
        except Refused:
            continue        # numbers that nothing holds, too much depth
        if b'"' not in data and not same(decode(made, draft=draft), natural(value)):
            raise AssertionError(f"{data!r} was written as {made!r}")


def one_hessian(data: bytes) -> None:
    for draft in (False, True):
        try:
            text, _ = to_json(data, draft=draft)
        except Refused:
            continue
        json.loads(text)


def one_answer(bridge: Bridging, frame: bytes) -> None:
    try:
        status, text = bridge.answer(frame)
    except ValueError:
        return
    if not 100 <= status < 600:
        raise AssertionError(f"{status} of {frame!r}")
    json.loads(text)


def one_input(data: bytes) -> None:
    one_json(data)
    one_hessian(data)
    for bridge in (DUBBO, TYPED, BOLT):
        for path, body in ((b"/a.B/c", data), (b"/a.B/c?" + data, b""), (data, b"[1]")):
            try:
                bridge.request(path, body, headers=[(b"x-a", data)], timeout_ms=5)
            except Refused:
                pass
    one_answer(DUBBO, data)
    one_answer(DUBBO, b"\xda\xbb\x02\x14" + bytes(8) + len(data).to_bytes(4, "big") + data)
    one_answer(BOLT, b"\1\0\0\2\1\0\0\0\0\1\0\0" + bytes(4) + len(data).to_bytes(4, "big") + data)


if __name__ == "__main__":
    fuzz(one_input)
