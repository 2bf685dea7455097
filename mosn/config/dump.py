"""The configuration as Envoy's /config_dump shows it, with secrets masked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from google.protobuf import json_format
from google.protobuf.message import Message
from udpa.annotations import sensitive_pb2  # type: ignore[import-untyped]

from mosn.config.api import TYPE_PREFIX
from mosn.config.lower.snapshot import static_resources
from mosn.config.rules import children, unpack

if TYPE_CHECKING:
    from mosn.config.load import LoadedConfig

MASK = "[redacted]"
_ADMIN = f"{TYPE_PREFIX}envoy.admin.v3."


def config_dump_of(loaded: LoadedConfig) -> dict[str, Any]:
    updated = datetime.fromtimestamp(loaded.loaded_at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    listeners, clusters = static_resources(loaded.bootstrap)
    routes = [config for resource in listeners for config in route_configs(resource.message)]

    def entries(key: str, messages: list[Any]) -> list[dict[str, Any]]:
        return [{key: _typed(message), "last_updated": updated} for message in messages]

    return {
        "configs": [
            {
                "@type": f"{_ADMIN}BootstrapConfigDump",
                "bootstrap": to_json(loaded.bootstrap),
                "last_updated": updated,
            },
            {
                "@type": f"{_ADMIN}ClustersConfigDump",
                "version_info": loaded.version,
                "static_clusters": entries("cluster", [resource.message for resource in clusters]),
            },
            {
                "@type": f"{_ADMIN}ListenersConfigDump",
                "version_info": loaded.version,
                "static_listeners": entries("listener", [resource.message for resource in listeners]),
            },
            {"@type": f"{_ADMIN}RoutesConfigDump", "static_route_configs": entries("route_config", routes)},
        ]
    }


def route_configs(message: Message) -> Iterator[Message]:
    """Route configurations that stand inside a listener."""
    for _, child in children(message, ""):
        if child.DESCRIPTOR.full_name == "envoy.config.route.v3.RouteConfiguration":
            yield child
        else:
            yield from route_configs(child)


def _typed(message: Message) -> dict[str, Any]:
    return {"@type": TYPE_PREFIX + message.DESCRIPTOR.full_name, **to_json(message)}


def to_json(message: Message, *, masked: bool = True) -> dict[str, Any]:
    """JSON with proto field names.  Fields that the API marks as sensitive are masked."""
    copy = type(message)()
    copy.CopyFrom(message)
    _prepare(copy, masked)
    return json_format.MessageToDict(copy, preserving_proto_field_name=True)


def _prepare(message: Any, masked: bool) -> None:
    """Mask, and open every Any as far as it is known (json_format cannot show the others)."""
    if message.DESCRIPTOR.full_name == "google.protobuf.Any":
        _prepare_any(message, masked)
        return
    for field, value in message.ListFields():
        if masked and field.GetOptions().Extensions[sensitive_pb2.sensitive]:
            _mask(message, field)
            continue
        kind: Any = field.message_type
        if kind is None:
            continue
        if kind.GetOptions().map_entry:
            if kind.fields_by_name["value"].message_type is not None:
                for item in value.values():
                    _prepare(item, masked)
        elif field.is_repeated:
            for item in value:
                _prepare(item, masked)
        else:
            _prepare(value, masked)


def _prepare_any(payload: Any, masked: bool) -> None:
    inner = unpack(payload)
    if inner is None:
        payload.Clear()
        return
    _prepare(inner, masked)
    payload.value = inner.SerializeToString(deterministic=True)


def _mask(message: Any, field: Any) -> None:
    """Replace text and bytes; a sensitive message is masked all through, other scalars are cleared."""
    value = getattr(message, field.name)
    if field.message_type is not None and not field.message_type.GetOptions().map_entry:
        for item in value if field.is_repeated else (value,):
            for inner, _ in item.ListFields():
                _mask(item, inner)
    elif field.type in (field.TYPE_STRING, field.TYPE_BYTES) and not field.is_repeated:
        setattr(message, field.name, MASK if field.type == field.TYPE_STRING else MASK.encode())
    else:
        message.ClearField(field.name)
