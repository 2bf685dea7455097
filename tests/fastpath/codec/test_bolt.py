"""The BOLT codec against frames made by hand."""

from __future__ import annotations

import random
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest

from mosn._fastpath.codec.frame_face import FrameEvent, Frames
from tests.proxy import bolt

CORPUS = Path(__file__).parents[2] / "corpus" / "bolt"
VERSIONS: list[dict[str, Any]] = [{}, {"v2": 1}, {"v2": 2}, {"v2": 2, "crc": True}]


def one(data: bytes, **limits: int) -> FrameEvent:
    (event,) = Frames("bolt", **limits).feed(data)
    assert isinstance(event, FrameEvent), event
    return event


def fault(data: bytes, **limits: int) -> str:
    frames = Frames("bolt", **limits)
    frames.feed(data)
    return frames.error


@pytest.mark.parametrize("version", VERSIONS)
def test_request(version: dict[str, Any]) -> None:
    event = one(bolt.request(0xFFFFFFFE, b"content", timeout=1234, **version))
    assert (event.kind, event.id, event.timeout_ms, event.body) == ("request", 0xFFFFFFFE, 1234, b"content")
    assert (event.authority, event.path) == (bolt.SERVICE, b"/" + bolt.SERVICE + b"/greet")
    assert event.headers[:2] == ((b"x-mosn-protocol", b"bolt"), (b"x-mosn-class", bolt.REQUEST_CLASS))
    assert event.headers[event.made_up :] == tuple(bolt.sofa_headers())


@pytest.mark.parametrize("version", VERSIONS)
def test_response(version: dict[str, Any]) -> None:
    event = one(bolt.response(7, b"x", status=7, headers=[(b"Key", b"Value")], **version))
    assert (event.kind, event.id, event.status, event.code, event.body) == ("response", 7, 7, 504, b"x")
    assert event.headers[event.made_up :] == ((b"key", b"Value"),)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (bolt.request(1, type=2, timeout=-1), "oneway"),
        (bolt.heartbeat(1), "heartbeat"),
        (bolt.heartbeat(1, v2=1), "heartbeat"),
        (bolt.heartbeat_answer(1), "heartbeat_answer"),
        (bolt.heartbeat_answer(1, v2=2), "heartbeat_answer"),
    ],
)
def test_kinds(data: bytes, kind: str) -> None:
    assert one(data).kind == kind


@pytest.mark.parametrize(("status", "code"), [(0, 200), (1, 500), (2, 500), (4, 503), (6, 404), (7, 504), (16, 503)])
def test_statuses(status: int, code: int) -> None:
    assert one(bolt.response(1, status=status)).code == code


def test_split_at_every_byte() -> None:
    data = b"".join(bolt.request(i, b"c" * i, **version) for i, version in enumerate(VERSIONS)) + bolt.heartbeat(9)
    whole = Frames("bolt").feed(data)
    assert len(whole) == 5
    for at in range(len(data) + 1):
        frames = Frames("bolt")
        assert frames.feed(data[:at]) + frames.feed(data[at:]) == whole
    frames = Frames("bolt")
    assert [event for i in range(len(data)) for event in frames.feed(data[i : i + 1])] == whole


def test_the_node_client_says_the_method_only_in_the_content() -> None:
    data = (CORPUS / "request_node.bin").read_bytes()
    event = one(data)
    assert (event.authority, event.path) == (b"example.Example:1.0", b"/example.Example:1.0/echo")
    assert event.headers[event.made_up :] == ((b"service", b"example.Example:1.0"),)
    without_a_method = data.replace(b"methodName", b"methodNome")
    assert one(without_a_method).path == b"/example.Example:1.0/"
    no_service = bolt.request(1, event.body, headers=[])
    assert (one(no_service).authority, one(no_service).path) == (event.authority, event.path)


def test_recorded_from_java() -> None:
    event = one((CORPUS / "request_java.bin").read_bytes())
    assert (event.kind, event.timeout_ms, event.path) == ("request", 3000, b"/example.Example:1.0/echo")
    own = dict(event.headers[event.made_up :])
    assert (own[b"rpc_req_baggage.gray"], own[b"type"], own[b"rpc_trace_context.syspenattrs"]) == (b"yes", b"sync", b"")
    response = one((CORPUS / "response_java.bin").read_bytes())
    assert (response.kind, response.id, response.code) == ("response", event.id, 200)


def test_a_method_in_a_header_comes_first() -> None:
    content = one((CORPUS / "request_node.bin").read_bytes()).body
    assert one(bolt.request(1, content)).path == b"/" + bolt.SERVICE + b"/greet"


@pytest.mark.parametrize("content", [b"", b"O", b"not a SofaRequest", b"\xff" * 300])
def test_a_content_that_says_nothing(content: bytes) -> None:
    event = one(bolt.request(1, content, headers=[(b"service", b"a.B:1.0")]))
    assert (event.authority, event.path) == (b"a.B:1.0", b"/a.B:1.0/")


def test_a_node_request_cut_anywhere() -> None:
    content = one((CORPUS / "request_node.bin").read_bytes()).body
    paths = {one(bolt.request(1, content[:n], headers=[])).path for n in range(len(content) + 1)}
    assert paths == {b"//", b"//echo", b"/example.Example:1.0/echo"}


@pytest.mark.parametrize(
    ("at", "value", "error"),
    [
        (14, b"\x80\x00", "bad_length"),
        (16, b"\xff\xff", "bad_length"),
        (18, b"\xff\xff\xff\xff", "bad_length"),
        (18, b"\x7f\xff\xff\xff", "too_large"),
        (0, b"\x03", "not_the_protocol"),
        (1, b"\x05", "not_the_protocol"),
        (2, b"\x00\x07", "not_the_protocol"),
    ],
)
def test_what_is_wrong_is_known_before_the_rest_comes(at: int, value: bytes, error: str) -> None:
    data = bytearray(bolt.request(1)[:22])
    data[at : at + len(value)] = value
    assert fault(bytes(data)) == error


@pytest.mark.parametrize("lie", [b"\x00\x00\x00\xff", b"\x7f\xff\xff\xff", b"\x80\x00\x00\x00", b"\x00\x00\x00\x00"])
def test_lengths_in_the_header_map_that_lie(lie: bytes) -> None:
    good = bolt.request(1, headers=[(b"key", b"value")])
    at = good.index(b"\x00\x00\x00\x03key")
    assert fault(good[:at] + lie + good[at + 4 :]) == "bad_headers"
    assert fault(good[: at + 7] + lie + good[at + 11 :]) == "bad_headers"


def test_limits() -> None:
    data = bolt.request(1, b"x" * 100, headers=[(b"%d" % i, b"") for i in range(5)])
    assert fault(data, frame_bytes=len(data)) == "too_large"
    assert fault(data, frame_bytes=len(data) + 4) == ""
    assert fault(data, headers=4) == "bad_headers"
    assert fault(data, headers=5) == ""


def test_a_wrong_checksum() -> None:
    data = bytearray(bolt.request(1, v2=2, crc=True))
    data[30] ^= 1
    assert fault(bytes(data)) == "bad_checksum"


@pytest.mark.parametrize("version", VERSIONS)
def test_sent_on_as_it_came(version: dict[str, Any]) -> None:
    headers = [(b"Mixed.Case", b"1"), (b"null", None), (b"", b"empty")]
    frames = Frames("bolt")
    assert frames.rewrite(bolt.request(1, headers=headers, **version), 99) == bolt.request(
        99, headers=headers, **version
    )
    assert frames.rewrite(bolt.request(1, **version), 2**32 - 1, 77) == bolt.request(2**32 - 1, timeout=77, **version)
    assert frames.rewrite(bolt.response(1, **version), 5, 77) == bolt.response(5, **version)


@pytest.mark.parametrize("version", VERSIONS)
def test_changed_headers(version: dict[str, Any]) -> None:
    headers = [(b"Mixed.Case", b"1"), (b"null", None), (b"Drop", b"x")]
    made = Frames("bolt").rewrite(
        bolt.request(1, b"body", headers=headers, **version), 7, add=[(b"new", b"v")], remove=[b"drop"]
    )
    assert made == bolt.request(7, b"body", headers=[*headers[:2], (b"new", b"v")], **version)


def test_a_map_that_grows_too_large() -> None:
    with pytest.raises(ValueError, match="fit"):
        Frames("bolt").rewrite(bolt.request(1), 1, add=[(b"big", b"x" * 32767)])


def test_heartbeats() -> None:
    frames = Frames("bolt")
    assert frames.heartbeat(bolt.request(1), 8) == bolt.heartbeat(8)
    assert frames.heartbeat(bolt.request(1, v2=2, crc=True), 8) == bolt.heartbeat(8, v2=2)
    assert frames.heartbeat_answer(bolt.heartbeat(3, v2=2)) == bolt.heartbeat_answer(3, v2=2)


@pytest.mark.parametrize("version", VERSIONS)
def test_replies(version: dict[str, Any]) -> None:
    frames = Frames("bolt")
    timeout = frames.reply(bolt.request(5, codec=11, **version), 504, b"upstream request timeout")
    assert timeout == bolt.response(5, b"", status=7, codec=11, class_name=b"", **version)
    event = one(frames.reply(bolt.request(6, **version), 404, b"no r\xc3\xb6ute"))
    assert (event.id, event.status, event.headers[-1]) == (6, 0, (b"sofa_head_response_error", b"true"))
    name = bolt.RESPONSE_CLASS
    fields = b"".join(bytes((len(field),)) + field for field in (b"isError", b"errorMsg", b"appResponse"))
    assert event.body == (
        b"O" + bytes((0x90 + len(name),)) + name + b"\x94" + fields + b"\x0dresponseProps"
        + b"o\x90TS" + struct.pack(">H", 9) + b"no r??uteNN"
    )  # fmt: skip


def test_checksums_are_those_of_zlib() -> None:
    for n in range(40):
        content = random.Random(n).randbytes(n)
        data = bolt.request(1, content, v2=2, crc=True)
        assert one(data).body == content
        assert Frames("bolt").rewrite(data, 1)[-4:] == struct.pack(">I", zlib.crc32(data[:-4]))


def test_any_bytes() -> None:
    chance = random.Random(1)
    seeds = [bolt.request(1, **version) for version in VERSIONS] + [bolt.response(1), bolt.heartbeat(1)]
    for _ in range(5000):
        data = bytearray(chance.choice(seeds))
        for _ in range(chance.randrange(1, 4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        frames = Frames("bolt", frame_bytes=4096)
        events = frames.feed(bytes(data))
        assert all(isinstance(event, FrameEvent) for event in events[:-1])


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("more", [[], [(b"a", None)], [(b"SERVICE", b"other")], [(b"", b"x-")]])
def test_a_skimmed_head_has_the_same_target(version: dict[str, Any], more: list[tuple[bytes, bytes | None]]) -> None:
    for headers in ([*bolt.sofa_headers(), *more], [*more, *bolt.sofa_headers()], more):
        data = bolt.request(1, headers=headers, **version)
        event, skimmed = one(data), one(data, skip=1)
        assert (skimmed.authority, skimmed.path) == (event.authority, event.path)
        assert skimmed.headers == ()
        assert one(data, skip=3).path == b"/"


@pytest.mark.parametrize("name", [b"x-envoy-retry-on", b"X-Forwarded-Proto"])
def test_headers_that_steer_a_proxy_are_not_skipped(name: bytes) -> None:
    data = bolt.request(1, headers=bolt.sofa_headers(bolt.SERVICE, b"greet", (name, b"1")))
    assert one(data, skip=3) == one(data)


def test_what_cannot_be_read_cannot_be_skimmed() -> None:
    good = bolt.request(1)
    at = good.index(b"\0\0\0\x07service")
    for cut in (b"\0\0\xff\xff", b"\x7f\xff\xff\xff"):
        assert fault(good[:at] + cut + good[at + 4 :], skip=3) == "bad_headers"
    assert fault(good, headers=3, skip=3) == "bad_headers"
    assert fault(good, headers=4, skip=3) == ""
