"""The descriptor of protocol_inspector.proto, written out instead of compiled: building needs no protoc."""

from __future__ import annotations

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory


def _file() -> descriptor_pb2.FileDescriptorProto:
    kinds = descriptor_pb2.FieldDescriptorProto
    made = descriptor_pb2.FileDescriptorProto(
        name="mosn/protocol/v1/protocol_inspector.proto", package="mosn.protocol.v1", syntax="proto3"
    )
    message = made.message_type.add(name="ProtocolInspector")
    message.field.add(name="protocols", number=1, type=kinds.TYPE_STRING, label=kinds.LABEL_REPEATED)
    return made


DESCRIPTOR = descriptor_pool.Default().AddSerializedFile(_file().SerializeToString())
ProtocolInspector = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["ProtocolInspector"])
