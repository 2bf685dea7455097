"""The descriptor of rpc_bridge.proto, written out instead of compiled: building needs no protoc."""

from __future__ import annotations

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, wrappers_pb2

_BOOL = ".google.protobuf.BoolValue"
_UINT32 = ".google.protobuf.UInt32Value"
_PARAMETER = {"name": "", "type": ""}
_FIELDS = {
    "protocol": "",
    "service": "",
    "method": "",
    "version": "",
    "group": "",
    "parameters": ".mosn.protocol.v1.RpcBridge.Parameter",
    "generic": _BOOL,
    "class_names": _BOOL,
    "forward_headers": "",
    "max_request_bytes": _UINT32,
    "max_response_bytes": _UINT32,
    "upstream_connections": _UINT32,
}
"""Names and types of messages, in the order of their numbers; "" is a string."""
_REPEATED = frozenset({"parameters", "forward_headers"})


def _describe(message: descriptor_pb2.DescriptorProto, fields: dict[str, str]) -> None:
    kinds = descriptor_pb2.FieldDescriptorProto
    for number, (name, kind) in enumerate(fields.items(), 1):
        message.field.add(
            name=name,
            number=number,
            type=kinds.TYPE_MESSAGE if kind else kinds.TYPE_STRING,
            type_name=kind or None,
            label=kinds.LABEL_REPEATED if name in _REPEATED else kinds.LABEL_OPTIONAL,
        )


def _file() -> descriptor_pb2.FileDescriptorProto:
    made = descriptor_pb2.FileDescriptorProto(
        name="mosn/protocol/v1/rpc_bridge.proto",
        package="mosn.protocol.v1",
        syntax="proto3",
        dependency=[wrappers_pb2.DESCRIPTOR.name],
    )
    bridge = made.message_type.add(name="RpcBridge")
    _describe(bridge.nested_type.add(name="Parameter"), _PARAMETER)
    _describe(bridge, _FIELDS)
    return made


DESCRIPTOR = descriptor_pool.Default().AddSerializedFile(_file().SerializeToString())
RpcBridge = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["RpcBridge"])
