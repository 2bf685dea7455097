"""Which answers are tried again."""

from __future__ import annotations

from typing import Any, cast

import pytest

from mosn._fastpath.proxy.route_exchange import Exchange
from mosn._fastpath.proxy.route_face import retries, retry_names
from mosn.model import HeaderMatcher, RetryPolicy

NAMES = ["5xx", "gateway-error", "connect-failure", "retriable-4xx", "refused-stream", "retriable-status-codes",
         "retriable-headers", "reset", "reset-before-request", "envoy-ratelimited",
         "http3-post-connect-failure"]  # fmt: skip
GRPC_NAMES = ["cancelled", "deadline-exceeded", "internal", "resource-exhausted", "unavailable"]


def matcher(name: str, value: str) -> HeaderMatcher:
    string: Any = {"kind": "exact", "value": value, "ignore_case": False}
    return {"name": name, "kind": "string", "present": True, "string": string, "range_start": 0, "range_end": 0,
            "invert": False, "treat_missing_as_empty": False}  # fmt: skip


def policy(*on: str, **more: Any) -> RetryPolicy:
    return cast(RetryPolicy, {
        "retry_on": list(on), "num_retries": 1, "per_try_timeout_ms": 0, "per_try_idle_timeout_ms": 0,
        "retriable_status_codes": [], "retriable_headers": [], "retriable_request_headers": [],
        "base_interval_ms": 25, "max_interval_ms": 250, "previous_hosts": False,
        "host_selection_retry_max_attempts": 1, **more,
    })  # fmt: skip


def retried(chosen: RetryPolicy | None, status: int, *headers: tuple[str, str], on: int | None = None) -> bool:
    exchange = Exchange()
    exchange.respond(status, headers)
    return retries(chosen, exchange, on)[0]


def test_names_are_bits() -> None:
    bits = [retry_names(name) for name in NAMES]
    assert bits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]
    assert [retry_names(name, grpc=True) for name in GRPC_NAMES] == [1 << 16 + n for n in range(5)]
    assert retry_names("5xx,reset") == retry_names(" 5xx , reset ,") == 1 | 128
    assert retry_names("") == retry_names(",,") == retry_names("5xx5xx, 5XX, bogus") == 0
    assert retry_names("cancelled") == 0 and retry_names("5xx", grpc=True) == 0


@pytest.mark.parametrize(
    ("on", "statuses"),
    [("5xx", range(500, 600)), ("gateway-error", [502, 503, 504]), ("retriable-4xx", [409]), ("connect-failure", []),
     ("reset", []), ("refused-stream", []), ("retriable-status-codes", []), ("retriable-headers", []),
     ("envoy-ratelimited", []), ("unavailable", [])],
)  # fmt: skip
def test_statuses(on: str, statuses: list[int]) -> None:
    assert [status for status in range(100, 700) if retried(policy(on), status)] == list(statuses)


def test_retriable_status_codes() -> None:
    chosen = policy("retriable-status-codes", retriable_status_codes=[404, 418])
    assert [status for status in range(100, 600) if retried(chosen, status)] == [404, 418]
    assert not retried(policy("5xx", retriable_status_codes=[404]), 404)


def test_retriable_headers() -> None:
    chosen = policy("retriable-headers", retriable_headers=[matcher("x-again", "yes"), matcher("x-other", "1")])
    assert retried(chosen, 200, ("x-again", "yes")) and retried(chosen, 200, ("x-other", "1"))
    assert not retried(chosen, 200, ("x-again", "no")) and not retried(chosen, 500)


def test_ratelimited_answers_are_another_matter() -> None:
    limited = ("x-envoy-ratelimited", "true")
    assert not retried(policy("5xx", "gateway-error"), 503, limited)
    assert retried(policy("5xx", "envoy-ratelimited"), 503, limited)
    assert retried(policy("envoy-ratelimited"), 429, limited)


@pytest.mark.parametrize(
    ("name", "status"),
    [("cancelled", 1), ("deadline-exceeded", 4), ("resource-exhausted", 8), ("internal", 13), ("unavailable", 14)],
)
def test_grpc_statuses(name: str, status: int) -> None:
    for answer in range(0, 20):
        assert retried(policy(name), 200, ("grpc-status", str(answer))) == (answer == status)
    assert not retried(policy("5xx"), 200, ("grpc-status", str(status)))


def test_without_a_policy_the_request_may_ask() -> None:
    assert retried(None, 503, on=retry_names("5xx")) and not retried(None, 503, on=0)
    assert not retried(None, 503, on=retry_names("retriable-status-codes,retriable-headers"))


def test_retriable_request_headers() -> None:
    chosen = policy("5xx", retriable_request_headers=[matcher("x-safe", "1"), matcher(":method", "GET")])
    allowed = [retries(chosen, made)[1] for made in (
        Exchange("GET"), Exchange("POST"), Exchange("POST", headers=[("x-safe", "1")]),
        Exchange("POST", headers=[("x-safe", "2")]))]  # fmt: skip
    assert allowed == [True, False, True, False]
    assert retries(policy("5xx"), Exchange("POST"))[1] and retries(None, Exchange("POST"))[1]
