"""bRPC's baidu_std; RpcMeta by Google's own protobuf, from the fields of brpc/policy/baidu_rpc_meta.proto."""

from __future__ import annotations

import struct
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from tests.contract.protocol import Kind, Message, Protocol
from tests.proxy.upstream import Peer

SERVICE = "kit.Service"
_TYPE = descriptor_pb2.FieldDescriptorProto


def _meta() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="kit/rpc_meta.proto", package="kit", syntax="proto2")
    for message, fields in {
        "Request": {"service_name": (1, _TYPE.TYPE_STRING), "method_name": (2, _TYPE.TYPE_STRING),
                    "log_id": (3, _TYPE.TYPE_INT64), "timeout_ms": (8, _TYPE.TYPE_INT32)},
        "Response": {"error_code": (1, _TYPE.TYPE_INT32), "error_text": (2, _TYPE.TYPE_STRING)},
        "Pair": {"key": (1, _TYPE.TYPE_STRING), "value": (2, _TYPE.TYPE_STRING)},
    }.items():  # fmt: skip
        made = file.message_type.add(name=message)
        for name, (number, kind) in fields.items():
            made.field.add(name=name, number=number, type=kind, label=_TYPE.LABEL_OPTIONAL)
    meta = file.message_type.add(name="Meta")
    for name, number, of, label in (
        ("request", 1, "Request", _TYPE.LABEL_OPTIONAL), ("response", 2, "Response", _TYPE.LABEL_OPTIONAL),
        ("user_fields", 9, "Pair", _TYPE.LABEL_REPEATED),
    ):  # fmt: skip
        meta.field.add(name=name, number=number, type=_TYPE.TYPE_MESSAGE, type_name=f".kit.{of}", label=label)
    for name, number in (("compress_type", 3), ("attachment_size", 5)):
        meta.field.add(name=name, number=number, type=_TYPE.TYPE_INT32, label=_TYPE.LABEL_OPTIONAL)
    meta.field.add(name="correlation_id", number=4, type=_TYPE.TYPE_INT64, label=_TYPE.LABEL_OPTIONAL)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("kit.Meta"))


META = _meta()


def frame(meta: Any, body: bytes) -> bytes:
    data: bytes = meta.SerializeToString()
    return b"PRPC" + struct.pack(">II", len(data) + len(body), len(data)) + data + body


def request(
    id: int, method: bytes, body: bytes, *, timeout_ms: int = 3000, headers: dict[bytes, bytes] | None = None
) -> bytes:
    meta = META(correlation_id=id)
    meta.request.service_name, meta.request.method_name = SERVICE, method.decode()
    meta.request.timeout_ms = timeout_ms
    for key, value in (headers or {}).items():
        meta.user_fields.add(key=key.decode(), value=value.decode())
    return frame(meta, body)


def response(id: int, body: bytes, code: int = 0, text: str = "") -> bytes:
    meta = META(correlation_id=id)
    meta.response.SetInParent()
    if code:
        meta.response.error_code, meta.response.error_text = code, text
    return frame(meta, body)


def read(peer: Peer) -> Message:
    fixed = peer.exactly(12)
    magic, size, meta_size = struct.unpack(">4sII", fixed)
    assert magic == b"PRPC"
    data = peer.exactly(size)
    meta = META.FromString(data[:meta_size])
    headers = {pair.key.encode(): pair.value.encode() for pair in meta.user_fields}
    kind: Kind = "request" if meta.HasField("request") else "error" if meta.response.error_code else "response"
    return Message(
        kind, meta.correlation_id, fixed + data, data[meta_size:], meta.response.error_text.encode(),
        meta.request.method_name.encode(), meta.request.timeout_ms, headers,
    )  # fmt: skip


def lying(good: bytes) -> list[bytes]:
    """A body of 4 GiB, metadata longer than the frame, a field longer than the metadata, a varint without an end."""
    return [
        good[:4] + b"\xff\xff\xff\xff" + good[8:],
        good[:8] + b"\xff\xff\xff\xff" + good[12:],
        good[:8] + good[4:6] + b"\xff\xff" + good[12:],
        good[:13] + b"\x7f" + good[14:],
        b"PRPC" + struct.pack(">II", 12, 12) + b"\x20" + b"\xff" * 11,
    ]


BRPC_STD = Protocol(
    name="brpc-std", service=SERVICE, request=request, response=response,
    failure=lambda id, text: response(id, b"", 2001, text.decode()), read=read, heartbeat=None, heartbeat_answer=None,
    lying=lying, oneway=False, timeout=True, headers=True, largest_id=2**63 - 1, config={"protocol": "brpc-std"},
)  # fmt: skip
