"""What reading and writing a header block costs.

Run: .venv/bin/python -m pytest bench/micro/test_hpack.py --benchmark-only
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mosn._fastpath.codec.hpack_face import Encoder, time_decode, time_encode, time_huffman

ROUNDS = 20_000
# A gRPC request of a mesh; after the first time most of it is in the table.
REQUEST = [
    (b":method", b"POST"), (b":scheme", b"http"), (b":path", b"/com.example.demo.Greeter/SayHello"),
    (b":authority", b"greeter.demo.svc.cluster.local:8080"), (b"te", b"trailers"),
    (b"content-type", b"application/grpc"), (b"user-agent", b"grpc-go/1.70.0"), (b"grpc-timeout", b"2999999u"),
    (b"x-request-id", b"7c1e8a1f-0b5e-4e4c-9a4c-2f3f1d7a9b10"),
]


def measure(benchmark: Any, once: Callable[[], float]) -> None:
    """`once` returns nanoseconds of one operation, measured without Python in between; the best of many counts."""
    times: list[float] = []
    benchmark.pedantic(lambda: times.append(once()), rounds=30, iterations=1, warmup_rounds=1)
    benchmark.extra_info["per_operation_ns"] = round(min(times), 1)


def test_read_a_first_request(benchmark: Any) -> None:
    """Literals without indexing: nothing of it is in a table."""
    block = b"".join(
        b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value for name, value in REQUEST)
    measure(benchmark, lambda: time_decode(block, ROUNDS))


def test_read_huffman(benchmark: Any) -> None:
    block = Encoder().encode([(name, value, True) for name, value in REQUEST])
    measure(benchmark, lambda: time_decode(block, ROUNDS))


def test_write_a_repeated_request(benchmark: Any) -> None:
    measure(benchmark, lambda: time_encode(REQUEST, ROUNDS))


def test_huffman(benchmark: Any) -> None:
    measure(benchmark, lambda: time_huffman(REQUEST[3][1], ROUNDS))
