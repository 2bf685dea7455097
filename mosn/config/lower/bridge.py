"""Routes of HTTP listeners that end at an RPC service, and what Java's types are in JSON and on the wire."""

from __future__ import annotations

import re
from typing import Any, Literal

from mosn.config.findings import nearest
from mosn.config.lower.context import Context, wrapped
from mosn.config.rules import unpack
from mosn.model import BridgeParameter, RpcBridge

BRIDGE = "mosn.protocol.v1.RpcBridge"
_PROTOCOLS: dict[str, tuple[Literal["bolt", "dubbo"], int]] = {
    "dubbo": ("dubbo", 0), "bolt": ("bolt", 1), "boltv2": ("bolt", 2),
}  # fmt: skip
_MIB = 1024 * 1024
_MOST_PARAMETERS = 32
_MOST_CONNECTIONS = 16
_MOST_BYTES = 128 * _MIB
_CLASS = re.compile(r"[A-Za-z_$][\w$]*(\.[A-Za-z_$][\w$]*)*\Z", re.ASCII)
_SPACE = re.compile(r"\s*([<>,])\s*")
_GENERIC = re.compile(r"([\w.$]+)<(.*)>\Z", re.ASCII)

_PRIMITIVES = {
    "boolean": "Z", "byte": "B", "short": "S", "int": "I", "long": "J", "float": "F", "double": "D", "char": "C",
}  # fmt: skip
_KINDS = {
    "java.lang.Object": "any", "java.lang.String": "string", "java.lang.Boolean": "boolean", "java.lang.Byte": "byte",
    "java.lang.Short": "short", "java.lang.Integer": "int", "java.lang.Long": "long", "java.lang.Float": "float",
    "java.lang.Double": "double", "java.lang.Character": "char", "java.util.Date": "date",
    "java.math.BigDecimal": "decimal", "java.util.Map": "map", "java.util.List": "list",
    "java.util.Collection": "list", "java.util.Set": "list",
}  # fmt: skip
_WIRE = {"java.util.Set": "java.util.HashSet"}
_ARRAYS = {"java.lang.String": "[string", "java.lang.Object": "[object"}


def route_bridge(ctx: Context, route: Any, path: str) -> RpcBridge | None:
    """The bridge among a route's typed_per_filter_config."""
    found = None
    for name, payload in sorted(route.typed_per_filter_config.items(), key=lambda item: str(item[0])):
        where = f'{path}.typed_per_filter_config["{name}"]'
        config: Any = unpack(payload)
        if config is None or config.DESCRIPTOR.full_name != BRIDGE:
            continue
        if found is not None:
            ctx.report("MC0315", where, "a route has one bridge")
        found = _bridge(ctx, config, where)
    if found is not None and route.WhichOneof("action") != "route":
        ctx.report("MC0315", f"{path}.typed_per_filter_config", "a bridge needs a route to a cluster")
    return found


def _bridge(ctx: Context, config: Any, path: str) -> RpcBridge:
    if config.protocol not in _PROTOCOLS:
        text = f'there is no bridge to "{config.protocol}"'
        ctx.report("MC0204", f"{path}.protocol", text, suggestion=nearest(config.protocol, tuple(_PROTOCOLS)))
    protocol, version = _PROTOCOLS.get(config.protocol, ("dubbo", 0))
    generic = protocol == "dubbo" and wrapped(config, "generic", True)
    parameters = _parameters(ctx, config, path, generic)
    return {
        "protocol": protocol,
        "bolt_version": version,
        "service": config.service,
        "method": config.method,
        "version": config.version,
        "group": config.group,
        "parameters": parameters,
        "any_parameters": generic and not parameters,
        "descriptors": "".join(descriptor(parameter["type"]) for parameter in parameters),
        "generic": generic,
        "class_names": wrapped(config, "class_names", False),
        "forward_headers": [name.lower() for name in config.forward_headers],
        "max_request_bytes": _bytes(ctx, config, "max_request_bytes", _MIB, path),
        "max_response_bytes": _bytes(ctx, config, "max_response_bytes", 16 * _MIB, path),
        "upstream_connections": _connections(ctx, config, path),
        "heartbeat_interval_ms": 15_000,
        "heartbeat_timeout_ms": 5_000,
        "heartbeat_failures": 3,
    }


def _bytes(ctx: Context, config: Any, name: str, default: int, path: str) -> int:
    value: int = wrapped(config, name, default)
    if not 1 <= value <= _MOST_BYTES:
        ctx.report("MC0109", f"{path}.{name}", f"must be 1 to {_MOST_BYTES}")
    return value


def _connections(ctx: Context, config: Any, path: str) -> int:
    connections: int = wrapped(config, "upstream_connections", 1)
    if not 1 <= connections <= _MOST_CONNECTIONS:
        ctx.report("MC0109", f"{path}.upstream_connections", f"must be 1 to {_MOST_CONNECTIONS}")
    return connections


def _parameters(ctx: Context, config: Any, path: str, generic: bool) -> list[BridgeParameter]:
    made = []
    for index, parameter in enumerate(config.parameters):
        where = f"{path}.parameters[{index}]"
        found = java_parameter(parameter.name, parameter.type, generic=generic)
        if found is None:
            ctx.report("MC0109", f"{where}.type", f'"{parameter.type}" is no Java type that JSON can be made into')
        else:
            made.append(found)
    _check_names(ctx, config, path)
    return made


def _check_names(ctx: Context, config: Any, path: str) -> None:
    names = [parameter.name for parameter in config.parameters]
    if len(names) > _MOST_PARAMETERS:
        ctx.report("MC0109", f"{path}.parameters", f"must be at most {_MOST_PARAMETERS}")
    if any(names) and not all(names):
        ctx.report("MC0315", f"{path}.parameters", "either all parameters have names or none")
    for index, name in enumerate(names):
        if name and name in names[:index]:
            ctx.report("MC0315", f"{path}.parameters[{index}].name", f'"{name}" is the name of another parameter')


def java_parameter(name: str, type: str, *, generic: bool) -> BridgeParameter | None:
    """`type` is what the configuration says; None when it is no type.  A provider that is called generically finds out
    by itself what lists and maps are."""
    base, element = _split(_SPACE.sub(r"\1", type))
    kind = _kind(base)
    element_kind = _kind(element) if element and kind in ("list", "map") else "any"
    if kind is None or element_kind is None:
        return None
    wire = "" if generic or kind not in ("list", "map") else _wire(base, kind)
    return {
        "name": name, "type": java_name(base), "kind": kind, "element": element_kind, "primitive": base in _PRIMITIVES,
        "wire": wire,
    }  # fmt: skip


def _split(type: str) -> tuple[str, str]:
    """"long[]" -> ("long[]", "long"), "java.util.List<X>" -> ("java.util.List", "X"), of a map its values' type."""
    if type.endswith("[]"):
        return type, type[:-2]
    found = _GENERIC.match(type)
    if found is None:
        return type, ""
    inner = found[2].split(",", 1)[-1] if found[1] == "java.util.Map" else found[2]
    return found[1], _split(inner)[0]


def _kind(type: str) -> str | None:
    if type.endswith("[]"):
        if type == "byte[]":
            return "bytes"
        return "list" if _kind(type[:-2]) else None
    if type in _PRIMITIVES:
        return type
    return _KINDS.get(type, "map") if _CLASS.match(type) and type != "void" else None


def _wire(base: str, kind: str) -> str:
    """What stands as the type in front of a list or map of this Java type; a class of fields is a map of its name."""
    if base.endswith("[]"):
        inner = base[:-2]
        return f"[{_wire(inner, kind)}" if inner.endswith("[]") else _ARRAYS.get(inner, f"[{inner}")
    return _WIRE.get(base, base if kind == "map" and base not in _KINDS else "")


def java_name(type: str) -> str:
    """As Class.getName says it: "int", "java.lang.String", "[I", "[Ljava.lang.String;"."""
    if not type.endswith("[]"):
        return type
    inner = java_name(type[:-2])
    return f"[{_PRIMITIVES.get(inner) or (inner if inner.startswith('[') else f'L{inner};')}"


def descriptor(name: str) -> str:
    """Of a name that java_name made: "I", "Ljava/lang/String;", "[I"."""
    if name in _PRIMITIVES:
        return _PRIMITIVES[name]
    return name.replace(".", "/") if name.startswith("[") else f"L{name.replace('.', '/')};"
