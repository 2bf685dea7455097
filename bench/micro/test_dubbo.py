"""What reading and changing a Dubbo request costs, and stepping over Hessian 2.0 values.

Run: .venv/bin/python -m pytest bench/micro/test_dubbo.py --benchmark-only
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import pytest

from mosn._fastpath.codec.dubbo_face import time_read, time_write
from mosn._fastpath.codec.hessian2_face import put_map, put_string, time_skip

ROUNDS = 20_000
LEADING = (b"2.0.2", b"com.example.demo.GreetingService", b"1.0.0", b"sayHello", b"Ljava/lang/String;")
# What Dubbo 3 attaches to a call, and a trace.
ATTACHED = [
    (b"path", LEADING[1]), (b"remote.application", b"storefront"), (b"interface", LEADING[1]), (b"version", b"1.0.0"),
    (b"timeout", b"3000"), (b"group", b"blue"),
    (b"traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
]


def frame(body: bytes, serialization: int) -> bytes:
    return struct.pack(">HBBQI", 0xdabb, 0xc0 | serialization, 0, 7, len(body)) + body


def hessian2(argument: bytes) -> bytes:
    return frame(b"".join(map(put_string, LEADING)) + argument + put_map(ATTACHED), 2)


def fastjson2(argument: bytes) -> bytes:
    def text(value: bytes) -> bytes:
        return put_string(value, jsonb=True)

    attached = b"\xa6" + b"".join(text(t) for entry in ATTACHED for t in entry) + b"\xa5"
    documents = [*map(text, LEADING), text(argument), attached]
    return frame(b"".join(struct.pack(">I", len(d)) + d for d in documents), 23)


SMALL = hessian2(put_string(b"world"))
SMALL_JSONB = fastjson2(b"world")
KIBIBYTES_16 = hessian2(put_string(b"x" * 16384))
PERSON = (b"C\x12com.example.Person\x94\x04name\x03age\x06height\x06friend" + b"\x60\x03Ann\xb9D\x3f\xfc\0\0\0\0\0\0")
PEOPLE = PERSON + b"\x60\x03Bob\xb9D\x3f\xfc\0\0\0\0\0\0" * 99 + b"N"


def measure(benchmark: Any, once: Callable[[], float]) -> None:
    """`once` returns nanoseconds of one operation, measured without Python in between; the best of many counts."""
    times: list[float] = []
    benchmark.pedantic(lambda: times.append(once()), rounds=30, iterations=1, warmup_rounds=1)
    benchmark.extra_info["per_operation_ns"] = round(min(times), 1)


@pytest.mark.parametrize("data", [SMALL, SMALL_JSONB], ids=["hessian2", "fastjson2"])
def test_read_service(benchmark: Any, data: bytes) -> None:
    """Service and method, without a look at what is behind them."""
    measure(benchmark, lambda: time_read(data, ROUNDS, service=True))


@pytest.mark.parametrize("data", [SMALL, SMALL_JSONB, KIBIBYTES_16], ids=["hessian2", "fastjson2", "hessian2_16k"])
def test_read_attachments(benchmark: Any, data: bytes) -> None:
    measure(benchmark, lambda: time_read(data, ROUNDS))


@pytest.mark.parametrize("data", [SMALL, SMALL_JSONB], ids=["hessian2", "fastjson2"])
def test_write_with_an_attachment(benchmark: Any, data: bytes) -> None:
    measure(benchmark, lambda: time_write(data, ROUNDS))


def test_skip_a_hundred_objects(benchmark: Any) -> None:
    measure(benchmark, lambda: time_skip(PEOPLE, 2000))


@pytest.mark.parametrize("text", ["x" * 30000, "世界" * 10000], ids=["ascii", "chinese"])
def test_skip_a_long_string(benchmark: Any, text: str) -> None:
    data = put_string(text.encode())
    measure(benchmark, lambda: time_skip(data, 500))
