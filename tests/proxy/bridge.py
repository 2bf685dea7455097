"""Routes with a bridge, calls as curl makes them, and the arguments that an upstream saw."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tests.oracle.hessian2 import Decoder, Map
from tests.oracle.hessian_draft import Decoder as Draft
from tests.proxy import bolt, dubbo
from tests.proxy.sidecar import bootstrap, cluster, http_listener, route
from tests.proxy.upstream import Peer, parse_fields, status

BRIDGE = "type.googleapis.com/mosn.protocol.v1.RpcBridge"
GREET = [{"name": "name", "type": "java.lang.String"}, {"name": "count", "type": "int"}]
JSON = "content-type: application/json"


def bridged(action: dict[str, Any] | None = None, **bridge: Any) -> dict[str, Any]:
    made = route(**action or {})
    made["typed_per_filter_config"] = {"mosn.rpc_bridge": {"@type": BRIDGE, "protocol": "dubbo", **bridge}}
    return made


def one_route(port: int, *upstreams: int, action: dict[str, Any] | None = None, **bridge: Any) -> dict[str, Any]:
    fields = bridge.pop("cluster", {})
    manager = bridge.pop("manager", {})
    listener = http_listener(port, [bridged(action, **bridge)], **manager)
    return bootstrap([listener], [cluster("backend", *upstreams, **fields)])


@dataclass
class Said:
    status: int
    fields: dict[bytes, bytes]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(peer: Peer, path: str, body: Any = None, *fields: str, method: str = "") -> Said:
    """`body`: bytes as they are, anything else as JSON; None: GET."""
    data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"{method or ('GET' if body is None else 'POST')} {path} HTTP/1.1", "host: a", *fields]
    if body is not None:
        lines += [f"content-length: {len(data)}"] + ([] if fields else [JSON])
    peer.send("\r\n".join(lines).encode() + b"\r\n\r\n" + data)
    head = peer.until(b"\r\n\r\n")
    found = parse_fields(head)
    return Said(status(head), found, b"" if method == "HEAD" else peer.body(head))


def dubbo_values(message: dubbo.Message) -> list[Any]:
    """All that stands in a request, the attachments as a dict."""
    reader, found = Decoder(message.body), []
    while reader.at < len(message.body):
        found.append(reader.value())
    *found, attachments = found
    assert isinstance(attachments, Map)
    return [*found, dict(attachments.pairs)]


def bolt_values(message: bolt.Message) -> list[Any]:
    """The SofaRequest's fields, then the arguments."""
    reader, found = Draft(message.content), []
    while reader.at < len(message.content):
        found.append(reader.value())
    return [dict(found[0].fields), *found[1:]]


def sofa_response(value: bytes, *, error: bytes = b"") -> bytes:
    """The content of an answer: a value in Hessian, or a text that says what is wrong."""
    name = bolt.RESPONSE_CLASS
    fields = b"".join(bytes([len(f)]) + f for f in (b"isError", b"errorMsg", b"appResponse", b"responseProps"))
    said = b"T" + bytes([len(error)]) + error if error else b"FN"
    return b"O" + bytes([0x90 + len(name)]) + name + b"\x94" + fields + b"o\x90" + said + value + b"N"
