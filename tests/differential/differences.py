"""Where this proxy may differ from Envoy, and why: differences.yaml, applied to what was seen.

A difference that no longer shows fails its test, so the table says what is true.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).parent / "differences.yaml"


@cache
def table() -> dict[str, dict[str, str]]:
    """Case -> {place: reason}."""
    found: dict[str, dict[str, str]] = {}
    for entry in yaml.safe_load(FILE.read_text()):
        for case in entry["cases"]:
            for place in entry["places"]:
                found.setdefault(case, {})[place] = entry["why"]
    return found


def flatten(value: Any, place: str = "") -> dict[str, Any]:
    """Nested dicts and lists as {"answers.0.fields.server": [...]}; lists of plain values stay whole."""
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list) and any(isinstance(each, dict) for each in value):
        items = list(enumerate(value))
    else:
        return {place: value}
    flat: dict[str, Any] = {}
    for key, each in items:
        flat |= flatten(each, f"{place}.{key}" if place else str(key))
    return flat


def compare(envoy: Any, ours: Any) -> dict[str, tuple[Any, Any]]:
    """Place -> (Envoy's value, ours)."""
    left, right = flatten(envoy), flatten(ours)
    places = dict.fromkeys([*left, *right])
    missing = "(absent)"
    return {
        place: (left.get(place, missing), right.get(place, missing))
        for place in places
        if left.get(place, missing) != right.get(place, missing)
    }


def excused(place: str, allowed: dict[str, str]) -> str | None:
    """The listed place that covers this one: itself or something around it."""
    return next((each for each in allowed if place == each or place.startswith(each + ".")), None)


def verdict(case: str, kind: str, envoy: Any, ours: Any) -> str:
    """Empty when all is as it should be, else what is not, line by line."""
    allowed = {place: why for place, why in table().get(case, {}).items() if place.split(".")[0] in kind.split()}
    different = compare(envoy, ours)
    used = {allowed.get(excused(place, allowed) or "") for place in different}
    lines = [
        f"  {place}\n    Envoy: {left!r}\n    ours:  {right!r}"
        for place, (left, right) in different.items()
        if excused(place, allowed) is None
    ]
    stale = set(allowed.values()) - used
    lines += [f"  listed in differences.yaml, but equal: {why}" for why in stale]
    return "\n".join(lines)
