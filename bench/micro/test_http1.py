"""What reading and writing HTTP/1.1 costs.

Run: .venv/bin/python -m pytest bench/micro/test_http1.py --benchmark-only
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mosn._fastpath.codec.http1_face import Message, chunk_head
from mosn._fastpath.codec.http1_timing import time_chunks, time_dribble, time_parse, time_write

ROUNDS = 20_000
# 430 bytes, ten fields: what a service behind a browser or another service gets.
REQUEST = (
    b"GET /api/v1/users/12345?fields=name,email HTTP/1.1\r\n"
    b"Host: users.default.svc.cluster.local:8080\r\n"
    b"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\r\n"
    b"Accept: application/json\r\n"
    b"Accept-Encoding: gzip, deflate\r\n"
    b"Accept-Language: en-US,en;q=0.9\r\n"
    b"X-Request-Id: 7f9c24e8-3b12-4c5e-9f0a-1d2e3f4a5b6c\r\n"
    b"Content-Type: application/json\r\n"
    b"Authorization: Bearer abcdefghijklmnop\r\n"
    b"X-Custom-Header: some-value\r\n"
    b"Connection: keep-alive\r\n\r\n"
)
SHORT_REQUEST = b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n"
RESPONSE_FIELDS = [
    (b"content-type", b"application/json"),
    (b"content-length", b"1234"),
    (b"date", b"Tue, 01 Jan 2030 00:00:00 GMT"),
    (b"server", b"envoy"),
    (b"x-envoy-upstream-service-time", b"3"),
]
RESPONSE = Message(RESPONSE_FIELDS, status=200).response()
CHUNKS = (chunk_head(1000) + b"x" * 1000 + b"\r\n") * 10 + chunk_head(0) + b"\r\n"


def measure(benchmark: Any, once: Callable[[], float]) -> None:
    """`once` returns nanoseconds of one operation, measured without Python in between; the best of many counts."""
    times: list[float] = []
    benchmark.pedantic(lambda: times.append(once()), rounds=30, iterations=1, warmup_rounds=1)
    benchmark.extra_info["per_operation_ns"] = round(min(times), 1)


@pytest.mark.parametrize("head", [REQUEST, SHORT_REQUEST], ids=["ten_fields", "short"])
def test_parse_request(benchmark: Any, head: bytes) -> None:
    measure(benchmark, lambda: time_parse(head, ROUNDS))


def test_parse_request_in_two_pieces(benchmark: Any) -> None:
    measure(benchmark, lambda: time_dribble(REQUEST, len(REQUEST) // 2 + 1))


def test_parse_response(benchmark: Any) -> None:
    measure(benchmark, lambda: time_parse(RESPONSE, ROUNDS, response=True))


def test_write_request(benchmark: Any) -> None:
    message = Message(RESPONSE_FIELDS, method=b"GET", path=b"/api/v1/users/12345", authority=b"users:8080")
    measure(benchmark, lambda: time_write(message, ROUNDS))


def test_write_response(benchmark: Any) -> None:
    message = Message(RESPONSE_FIELDS, status=200)
    measure(benchmark, lambda: time_write(message, ROUNDS, response=True))


def test_decode_ten_chunks(benchmark: Any) -> None:
    measure(benchmark, lambda: time_chunks(CHUNKS, ROUNDS))
