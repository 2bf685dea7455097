"""Calls as frames and answers as JSON: Dubbo generic and direct, SOFARPC on BOLT 1 and 2."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from mosn._fastpath.codec.bridge_face import Bridging, Refused
from mosn._fastpath.codec.frame_face import FrameEvent, Frames
from tests.oracle.hessian2 import Decoder, Map, Object
from tests.oracle.hessian_draft import Decoder as Draft
from tests.proxy import bolt

RECORDED = Path(__file__).parents[2] / "corpus" / "dubbo" / "recorded"
NAME = {"name": "name", "kind": "string", "type": "java.lang.String"}
COUNT = {"name": "count", "kind": "int", "type": "int", "primitive": True}
TAGS = {"name": "tags", "kind": "list", "element": "long", "type": "java.util.List"}
GENERIC = {"protocol": "dubbo", "generic": True, "any_parameters": True, "version": "1.0.0", "group": "blue"}
DIRECT = {
    "protocol": "dubbo", "parameters": [NAME, COUNT], "descriptors": "Ljava/lang/String;I",
    "service": "com.example.Greeter", "method": "greet",
}  # fmt: skip
BOLT = {"protocol": "bolt", "parameters": [NAME, COUNT]}


def values(body: bytes, decoder: type[Decoder] = Decoder) -> list[object]:
    reader, found = decoder(body), []
    while reader.at < len(body):
        found.append(reader.value())
    return found


def attachments(value: object) -> dict[object, object]:
    assert isinstance(value, Map)
    return dict(value.pairs)


def test_a_generic_call_without_types() -> None:
    frame = Bridging(GENERIC).request(b"/api/com.example.Greeter/greet?x=1", b'["Ann", 3]', timeout_ms=1500)
    assert frame[:16] == struct.pack(">HBBQI", 0xdabb, 0xc2, 0, 0, len(frame) - 16)
    found = values(frame[16:])
    assert found[:-1] == [
        "2.0.2", "com.example.Greeter", "1.0.0", "$invoke",
        "Ljava/lang/String;[Ljava/lang/String;[Ljava/lang/Object;", "greet", None, ["Ann", 3],
    ]  # fmt: skip
    assert attachments(found[-1]) == {
        "path": "com.example.Greeter", "interface": "com.example.Greeter", "version": "1.0.0", "group": "blue",
        "generic": "true", "timeout": "1500",
    }  # fmt: skip


def test_a_generic_call_with_types() -> None:
    spec = {**GENERIC, "any_parameters": False, "parameters": [NAME, COUNT, TAGS]}
    frame = Bridging(spec).request(b"/a.B/c", b'{"tags":[1,2],"count":"4","name":null}')
    assert values(frame[16:])[5:8] == ["c", ["java.lang.String", "int", "java.util.List"], [None, 4, [1, 2]]]


def test_a_direct_call() -> None:
    frame = Bridging({**DIRECT, "forward_headers": ["x-request-id", "x-not-there"]}).request(
        b"/whatever", b'["Ann",3]', headers=[(b"x-request-id", b"7"), (b"x-other", b"8")]
    )
    found = values(frame[16:])
    assert found[:-1] == ["2.0.2", "com.example.Greeter", None, "greet", "Ljava/lang/String;I", "Ann", 3]
    assert attachments(found[-1]) == {
        "path": "com.example.Greeter", "interface": "com.example.Greeter", "x-request-id": "7",
    }  # fmt: skip
    # As the sidecar's own reader, which is proven on recorded frames, sees it.
    (event,) = Frames("dubbo").feed(frame)
    assert isinstance(event, FrameEvent)
    assert (event.kind, event.path) == ("request", b"/com.example.Greeter/greet")


@pytest.mark.parametrize("version", [1, 2])
def test_a_call_on_bolt(version: int) -> None:
    spec = {**BOLT, "bolt_version": version, "version": "2.0", "forward_headers": ["traceparent"]}
    frame = Bridging(spec).request(b"/com.example.Greeter/greet", b'["Ann",3]', headers=[(b"traceparent", b"00-1")])
    (event,) = Frames("bolt").feed(frame)
    assert isinstance(event, FrameEvent)
    assert (event.kind, event.timeout_ms, frame[0]) == ("request", 3000, version)
    assert (event.authority, event.path) == (b"com.example.Greeter:2.0", b"/com.example.Greeter:2.0/greet")
    assert dict(event.headers) == {
        b"x-mosn-protocol": b"bolt", b"x-mosn-class": bolt.REQUEST_CLASS, b"service": b"com.example.Greeter:2.0",
        b"sofa_head_target_service": b"com.example.Greeter:2.0", b"sofa_head_method_name": b"greet",
        b"traceparent": b"00-1",
    }  # fmt: skip
    request, *arguments = values(event.body, Draft)
    assert arguments == ["Ann", 3]
    assert request == Object("com.alipay.sofa.rpc.core.request.SofaRequest", (
        ("targetAppName", None), ("methodName", "greet"), ("targetServiceUniqueName", "com.example.Greeter:2.0"),
        ("requestProps", None), ("methodArgSigs", ["java.lang.String", "int"]),
    ))  # fmt: skip


@pytest.mark.parametrize(("path", "service"), [
    (b"/a.B:3.0:x/c", b"a.B:3.0:x"), (b"/a.B/c", b"a.B:1.0"), (b"/x/y/a.B/c?q", b"a.B:1.0"),
])  # fmt: skip
def test_the_unique_name_on_bolt(path: bytes, service: bytes) -> None:
    (event,) = Frames("bolt").feed(Bridging({"protocol": "bolt"}).request(path, b"[]"))
    assert isinstance(event, FrameEvent)
    assert event.authority == service


@pytest.mark.parametrize(("query", "arguments"), [
    (b"name=Ann&count=3", ["Ann", 3]), (b"count=-1", [None, -1]), (b"count=1&name=a%20b%2Bc+d&other=x", ["a b+c d", 1]),
    (b"count=1&name=%E4%BD%A0", ["\u4f60", 1]), (b"name&count=0", ["", 0]),
])  # fmt: skip
def test_arguments_in_the_query(query: bytes, arguments: list[object]) -> None:
    assert values(Bridging(DIRECT).request(b"/?" + query)[16:])[5:7] == arguments


def test_a_list_in_the_query() -> None:
    spec = {**DIRECT, "parameters": [TAGS], "descriptors": "Ljava/util/List;"}
    assert values(Bridging(spec).request(b"/?tags=1&tags=2")[16:])[5] == [1, 2]
    assert values(Bridging(spec).request(b"/")[16:])[5] == []


def test_one_object_is_the_argument_of_a_parameter_without_a_name() -> None:
    user = {"kind": "map", "wire": "com.example.User", "type": "com.example.User"}
    spec = {**DIRECT, "parameters": [user], "descriptors": "Lcom/example/User;"}
    body = b'{"name":"Ann"}'
    assert values(Bridging(spec).request(b"/", body)[16:])[5] == Map((("name", "Ann"),), "com.example.User")
    assert values(Bridging(GENERIC).request(b"/a.B/c", body)[16:])[7] == [Map((("name", "Ann"),))]


@pytest.mark.parametrize(("spec", "path", "body", "status", "why"), [
    (GENERIC, b"/", b"[]", 404, "/service/method"), (GENERIC, b"/a.B/", b"[]", 404, "/service/method"),
    (GENERIC, b"/a.B/c%20d", b"[]", 404, "/service/method"), (GENERIC, b"/a B/c", b"[]", 404, "/service/method"),
    (GENERIC, b"/a.B/c", b"[1", 400, "not JSON"), (GENERIC, b"/a.B/c", b"[1]x", 400, "not JSON"),
    (GENERIC, b"/a.B/c?x=1", b"", 400, "declared"), (GENERIC, b"/a.B/c", json.dumps([0] * 33).encode(), 400, "32"),
    (DIRECT, b"/", b"[]", 400, "takes 2"), (DIRECT, b"/", b'["a",1,2]', 400, "takes 2"),
    (DIRECT, b"/", b'"a"', 400, "takes 2"), (DIRECT, b"/", b'{"nam":1}', 400, "no parameter"),
    (DIRECT, b"/", b'{"name":"a","name":"b"}', 400, "argument 1 (name) is given twice"),
    (DIRECT, b"/", b'{"name":"a"}', 400, "argument 2 (count) is missing"),
    (DIRECT, b"/", b'["a","b"]', 400, "argument 2 (count) has a text"), (DIRECT, b"/", b'["a",null]', 400, "primitive"),
    (DIRECT, b"/?name=a", b"", 400, "argument 2 (count) is missing"), (DIRECT, b"/?count=1&count=2", b"", 400, "twice"),
    (DIRECT, b"/?count=%3", b"", 400, "escaped"), (DIRECT, b"/?count=1&name=%ff", b"", 400, "escaped"),
    ({**BOLT, "forward_headers": ["x"]}, b"/a.B/c", b'["a",1]', 431, "headers"),
])  # fmt: skip
def test_refusals(spec: dict[str, object], path: bytes, body: bytes, status: int, why: str) -> None:
    with pytest.raises(Refused) as refused:
        Bridging(spec).request(path, body, headers=[(b"x", b"v" * 32768)])
    assert refused.value.args[0] == status
    assert why in refused.value.args[1]


# -- answers

def dubbo_answer(body: bytes, status: int = 20, serialization: int = 2) -> bytes:
    return struct.pack(">HBBQI", 0xdabb, serialization, status, 1, len(body)) + body


def exception(name: bytes, message: bytes) -> bytes:
    """With a cause that is the exception itself, as Java has it where there is none."""
    return (b"C" + bytes([len(name)]) + name + b"\x93\x0ddetailMessage\x05cause\x0astackTrace" + b"\x60"
            + bytes([len(message)]) + message + b"\x51\x90" + b"\x78")


GENERIC_EXCEPTION = (
    b"C\x30\x2dorg.apache.dubbo.rpc.service.GenericException\x93\x0eexceptionClass\x10exceptionMessage\x0ddetailMessage"
    b"\x60\x05a.Bad\x04oops\x05other"
)


@pytest.mark.parametrize(("frame", "status", "expected"), [
    (dubbo_answer(b"\x91\x05hello"), 200, "hello"), (dubbo_answer(b"\x92"), 200, None),
    (dubbo_answer(b"\x95HZ"), 200, None),
    (dubbo_answer(b"\x94\x7a\x91\x92H\x05dubbo\x052.0.2Z"), 200, [1, 2]),
    (dubbo_answer(b"\x90" + exception(b"a.Trouble", b"no")), 500, {"error": "a.Trouble", "message": "no"}),
    (dubbo_answer(b"\x93" + GENERIC_EXCEPTION + b"HZ"), 500, {"error": "a.Bad", "message": "oops"}),
    (dubbo_answer(b"\x90" + exception(b"java.lang.NoSuchMethodException", b"x")), 404,
     {"error": "java.lang.NoSuchMethodException", "message": "x"}),
    (dubbo_answer(b"\x0bno\n\tat a.B.c", 70), 500, {"error": "Dubbo status 70", "message": "no"}),
    (dubbo_answer(b"\x04slow", 31), 504, {"error": "Dubbo status 31", "message": "slow"}),
    (dubbo_answer(b"\x04full", 100), 503, {"error": "Dubbo status 100", "message": "full"}),
    (dubbo_answer(b"\x1fNot found exported service: a.B", 70), 404,
     {"error": "Dubbo status 70", "message": "Not found exported service: a.B"}),
])  # fmt: skip
def test_answers_of_dubbo(frame: bytes, status: int, expected: object) -> None:
    found, text = Bridging(GENERIC).answer(frame)
    assert (found, json.loads(text)) == (status, expected)


@pytest.mark.parametrize("frame", [
    dubbo_answer(b"\x91"), dubbo_answer(b""), dubbo_answer(b"\x97N"), dubbo_answer(b"\x91\x79\x51\x90"),
    dubbo_answer(b"\0\0\0\1\1", 20, 23), dubbo_answer(b"\x90C\x01a"),
    dubbo_answer(b"\x91" + (b"R\x04\x00" + b"a" * 1024) * 1025 + b"\x00"),
])  # fmt: skip
def test_answers_that_cannot_be_told(frame: bytes) -> None:
    status, text = Bridging(GENERIC).answer(frame)
    assert (status, json.loads(text)["error"]) == (502, "bad answer")


@pytest.mark.parametrize("version", ["2.7.23-hessian2", "3.3.6-hessian2"])
def test_recorded_answers(version: str) -> None:
    """Every answer of a real provider is a response."""
    frames = [path for path in sorted((RECORDED / version).glob("*.response.bin")) if "heartbeat" not in path.name]
    found = {path.name.split(".")[0]: Bridging(GENERIC).answer(path.read_bytes()) for path in frames}
    failed = {name: status for name, (status, _) in found.items() if status != 200}
    assert failed == {"fail": 500, "generic_unknown": 404}
    said = {name: json.loads(text) for name, (_, text) in found.items()}
    assert said["fail"] == {"error": "example.Example$Trouble", "message": "no luck"}
    assert said["echo_emoji"] == "\U0001f600 and \U0001f680"
    assert said["older"]["friend"]["name"] == "Bob"
    assert said["shapes"]["date"] == "2023-11-14T22:13:20.000Z"


def sofa_response(error: bytes, message: bytes, value: bytes) -> bytes:
    name = bolt.RESPONSE_CLASS
    fields = b"".join(bytes([len(f)]) + f for f in (b"isError", b"errorMsg", b"appResponse", b"responseProps"))
    return b"O" + bytes([0x90 + len(name)]) + name + b"\x94" + fields + b"o\x90" + error + message + value + b"N"


ERROR = [(b"sofa_head_response_error", b"true")]
THROWN = b"O\x99a.Trouble\x92\x0ddetailMessage\x05causeo\x91\x02noJ\x01"


@pytest.mark.parametrize(("frame", "status", "expected"), [
    (bolt.response(1, sofa_response(b"F", b"N", b"\x05hello")), 200, "hello"),
    (bolt.response(1, sofa_response(b"F", b"N", b"N")), 200, None),
    (bolt.response(1, sofa_response(b"F", b"N", b"V\x91\x92z"), v2=1, crc=False), 200, [1, 2]),
    (bolt.response(1, sofa_response(b"F", b"N", THROWN), headers=ERROR), 500, {"error": "a.Trouble", "message": "no"}),
    (bolt.response(1, sofa_response(b"T", b"\x04oops", b"N"), headers=ERROR), 500,
     {"error": "SofaResponse", "message": "oops"}),
    (bolt.response(1, sofa_response(b"T", b"\x04oops", b"N")), 500, {"error": "SofaResponse", "message": "oops"}),
    (bolt.response(1, b"", status=7), 504, {"error": "BOLT status 7", "message": "the server could not answer"}),
    (bolt.response(1, b"", status=4), 503, {"error": "BOLT status 4", "message": "the server could not answer"}),
])  # fmt: skip
def test_answers_on_bolt(frame: bytes, status: int, expected: object) -> None:
    found, text = Bridging(BOLT).answer(frame)
    assert (found, json.loads(text)) == (status, expected)


@pytest.mark.parametrize("frame", [
    bolt.response(1, b""), bolt.response(1, b"{}", codec=12), bolt.response(1, sofa_response(b"F", b"N", b"V")[:-1]),
])  # fmt: skip
def test_answers_on_bolt_that_cannot_be_told(frame: bytes) -> None:
    assert Bridging(BOLT).answer(frame)[0] == 502
