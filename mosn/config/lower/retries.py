"""Retry policies."""

from __future__ import annotations

from typing import Any

from mosn.config.findings import nearest
from mosn.config.lower.context import Context, wrapped
from mosn.config.lower.matchers import lower_headers
from mosn.config.rules import unpack
from mosn.model import RetryPolicy

RETRY_ON = frozenset({
    "5xx", "gateway-error", "reset", "reset-before-request", "connect-failure", "envoy-ratelimited", "retriable-4xx",
    "refused-stream", "retriable-status-codes", "retriable-headers", "http3-post-connect-failure",
    "cancelled", "deadline-exceeded", "internal", "resource-exhausted", "unavailable",
})  # fmt: skip
_PREVIOUS_HOSTS = "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
_BASE_INTERVAL_MS = 25


def lower_retry(ctx: Context, policy: Any, path: str) -> RetryPolicy:
    base, longest = _back_off(ctx, policy, path)
    return {
        "retry_on": _conditions(ctx, policy.retry_on, f"{path}.retry_on"),
        "num_retries": wrapped(policy, "num_retries", 1),
        "per_try_timeout_ms": ctx.milliseconds(policy, "per_try_timeout", 0, path),
        "per_try_idle_timeout_ms": ctx.milliseconds(policy, "per_try_idle_timeout", 0, path),
        "retriable_status_codes": list(policy.retriable_status_codes),
        "retriable_headers": lower_headers(ctx, policy.retriable_headers, f"{path}.retriable_headers"),
        "retriable_request_headers": lower_headers(
            ctx, policy.retriable_request_headers, f"{path}.retriable_request_headers"
        ),
        "base_interval_ms": base,
        "max_interval_ms": longest,
        "previous_hosts": any(_is_previous_hosts(predicate) for predicate in policy.retry_host_predicate),
        "host_selection_retry_max_attempts": policy.host_selection_retry_max_attempts or 1,
    }


def _conditions(ctx: Context, text: str, path: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in RETRY_ON:
            ctx.report("MC0313", path, f'unknown retry condition "{name}"', suggestion=nearest(name, RETRY_ON))
    return [name for name in names if name in RETRY_ON]


def _back_off(ctx: Context, policy: Any, path: str) -> tuple[int, int]:
    """Base and longest interval; Envoy's longest is ten times the base."""
    where = f"{path}.retry_back_off"
    base = ctx.milliseconds(policy.retry_back_off, "base_interval", _BASE_INTERVAL_MS, where)
    longest = ctx.milliseconds(policy.retry_back_off, "max_interval", base * 10, where)
    if longest < base:
        ctx.report("MC0315", f"{where}.max_interval", "is shorter than base_interval")
    return base, longest


def _is_previous_hosts(predicate: Any) -> bool:
    config = unpack(predicate.typed_config)
    return config is not None and config.DESCRIPTOR.full_name == _PREVIOUS_HOSTS
