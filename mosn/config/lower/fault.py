"""Faults on purpose: the fault filter of an HTTP listener, and what routes, virtual hosts and tables say instead."""

from __future__ import annotations

from typing import Any

from mosn.config.lower.context import Context
from mosn.config.lower.matchers import lower_headers
from mosn.config.rules import unpack
from mosn.model import Fault

FAULT = "envoy.extensions.filters.http.fault.v3.HTTPFault"
_PARTS = (10_000, 100, 1)  # of a million, by FractionalPercent.DenominatorType


def is_fault(config: Any) -> bool:
    return config is not None and config.DESCRIPTOR.full_name == FAULT


def level_fault(ctx: Context, level: Any, path: str, above: Fault | None) -> Fault | None:
    """What a level's typed_per_filter_config says, else what the level above says."""
    for name, payload in level.typed_per_filter_config.items():
        config: Any = unpack(payload)
        if is_fault(config):
            return lower_fault(ctx, config, f'{path}.typed_per_filter_config["{name}"]')
    return above


def lower_fault(ctx: Context, config: Any, path: str) -> Fault | None:
    """None when it does nothing."""
    delay, abort = config.delay, config.abort
    fault: Fault = {
        "delay_ms": ctx.milliseconds(delay, "fixed_delay", 0, f"{path}.delay"),
        "delay_share": _share(delay.percentage),
        "delay_by_header": delay.HasField("header_delay"),
        "abort_status": abort.http_status,
        "abort_share": _share(abort.percentage),
        "abort_by_header": abort.HasField("header_abort"),
        "cluster": config.upstream_cluster,
        "headers": lower_headers(ctx, config.headers, f"{path}.headers"),
    }
    return fault if fault["delay_share"] or fault["abort_share"] else None


def _share(percentage: Any) -> int:
    parts = _PARTS[percentage.denominator] if 0 <= percentage.denominator < len(_PARTS) else 1
    share: int = percentage.numerator * parts
    return min(share, 1_000_000)
