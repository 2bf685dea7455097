"""Runtime values: the static layers of layered_runtime, by dotted key.

Envoy looks keys up at every request; here they are constants of the configuration, read when it is lowered.
"""

from __future__ import annotations

import math
from typing import Any

from mosn.config.findings import Findings

Runtime = dict[str, Any]
"""Dotted key -> bool, number, text, or {"numerator": .., "denominator": ..}."""


def runtime_of(bootstrap: Any, findings: Findings) -> Runtime:
    """Later layers override earlier ones."""
    values: Runtime = {}
    names = set()
    for index, layer in enumerate(bootstrap.layered_runtime.layers):
        if layer.name in names:
            findings.add("MC0301", f"layered_runtime.layers[{index}].name", f'a layer "{layer.name}" exists already')
        names.add(layer.name)
        if layer.WhichOneof("layer_specifier") == "static_layer":
            layer_values: Runtime = {}
            _flatten(layer.static_layer, "", layer_values)
            for key in [key for key, value in layer_values.items() if value is None]:
                path = f"layered_runtime.layers[{index}].static_layer.{key}"
                findings.add("MC0109", path, "a runtime value is a number, text, a boolean, or a fraction")
            values.update(layer_values)
    return values


def _flatten(struct: Any, prefix: str, values: Runtime) -> None:
    for key, value in struct.fields.items():
        kind = value.WhichOneof("kind")
        if kind in ("number_value", "string_value", "bool_value"):
            values[prefix + key] = getattr(value, kind)
        elif kind != "struct_value":
            values[prefix + key] = None
        elif set(value.struct_value.fields) <= {"numerator", "denominator"} and value.struct_value.fields:
            fields = value.struct_value.fields
            values[prefix + key] = {
                "numerator": fields["numerator"].number_value,
                "denominator": fields["denominator"].string_value or "HUNDRED",
            }
        else:
            _flatten(value.struct_value, f"{prefix}{key}.", values)


def runtime_number(runtime: Runtime, key: str) -> float | None:
    """The number under a key; YAML's plain 2.5 is text to Envoy, which takes it for a number here."""
    value = runtime.get(key) if key else None
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    return value if isinstance(value, float) and math.isfinite(value) else None


def runtime_integer(runtime: Runtime, key: str, default: int) -> int:
    """The whole number under a key; anything else there is as if it were not there, as in Envoy."""
    value = runtime_number(runtime, key)
    return int(value) if value is not None and value.is_integer() and 0 <= value < 2**63 else default
