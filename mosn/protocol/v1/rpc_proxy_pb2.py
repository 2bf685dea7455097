"""The descriptor of rpc_proxy.proto, written out instead of compiled: building needs no protoc."""

from __future__ import annotations

from envoy.config.accesslog.v3 import accesslog_pb2  # type: ignore[import-untyped]
from envoy.config.core.v3 import base_pb2  # type: ignore[import-untyped]
from envoy.config.route.v3 import route_pb2  # type: ignore[import-untyped]
from google.protobuf import descriptor_pb2, descriptor_pool, duration_pb2, message_factory, wrappers_pb2

_DURATION = ".google.protobuf.Duration"
_UINT32 = ".google.protobuf.UInt32Value"
_FIELDS = {
    "protocol": "",
    "stat_prefix": "",
    "route_config": ".envoy.config.route.v3.RouteConfiguration",
    "max_frame_bytes": _UINT32,
    "max_headers_count": _UINT32,
    "max_concurrent_requests": _UINT32,
    "upstream_connections": _UINT32,
    "idle_timeout": _DURATION,
    "max_stream_duration": _DURATION,
    "upstream_heartbeat": ".mosn.protocol.v1.RpcProxy.Heartbeat",
    "access_log": ".envoy.config.accesslog.v3.AccessLog",
    "upstream_connection_mode": ".mosn.protocol.v1.RpcProxy.UpstreamConnectionMode",
    "declaration": ".envoy.config.core.v3.DataSource",
    "default_service": "",
}
"""Names and types, in the order of their numbers; "" is a string."""
_MODES = ("SHARED", "PER_CLIENT")
_ENUMS = frozenset({"upstream_connection_mode"})
_HEARTBEAT = {"interval": _DURATION, "timeout": _DURATION, "failures": _UINT32}
_REPEATED = frozenset({"access_log"})


def _describe(message: descriptor_pb2.DescriptorProto, fields: dict[str, str]) -> None:
    kinds = descriptor_pb2.FieldDescriptorProto
    for number, (name, kind) in enumerate(fields.items(), 1):
        message.field.add(
            name=name,
            number=number,
            type=kinds.TYPE_ENUM if name in _ENUMS else kinds.TYPE_MESSAGE if kind else kinds.TYPE_STRING,
            type_name=kind or None,
            label=kinds.LABEL_REPEATED if name in _REPEATED else kinds.LABEL_OPTIONAL,
        )


def _file() -> descriptor_pb2.FileDescriptorProto:
    imported = (accesslog_pb2, base_pb2, route_pb2, duration_pb2, wrappers_pb2)
    made = descriptor_pb2.FileDescriptorProto(
        name="mosn/protocol/v1/rpc_proxy.proto",
        package="mosn.protocol.v1",
        syntax="proto3",
        dependency=[module.DESCRIPTOR.name for module in imported],
    )
    proxy = made.message_type.add(name="RpcProxy")
    _describe(proxy.nested_type.add(name="Heartbeat"), _HEARTBEAT)
    modes = proxy.enum_type.add(name="UpstreamConnectionMode")
    for number, name in enumerate(_MODES):
        modes.value.add(name=name, number=number)
    _describe(proxy, _FIELDS)
    return made


DESCRIPTOR = descriptor_pool.Default().AddSerializedFile(_file().SerializeToString())
RpcProxy = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["RpcProxy"])
