"""Dubbo: the fixed part, the request model, attachments that change, and what the sidecar says itself."""

from __future__ import annotations

import pytest

from mosn._fastpath.codec.dubbo_face import (
    Parsed,
    Refused,
    calls_back,
    goaway,
    heartbeat,
    heartbeat_answer,
    parameters,
    parse,
    read,
    reply,
    write,
)
from mosn._fastpath.codec.hessian2_face import put_map
from tests.fastpath.codec.dubbo_cases import (
    ATTACHED,
    EVENT,
    FASTJSON2,
    HESSIAN2,
    REQUEST,
    TWO_WAY,
    frame,
    h2,
    jsonb_object,
    jsonb_request,
    request,
)
from tests.oracle import hessian2 as oracle

BOTH = pytest.mark.parametrize("data", [request(), jsonb_request()], ids=["hessian2", "fastjson2"])
OWN = tuple((k.lower(), v) for k, v in ATTACHED)


def kind(data: bytes) -> str:
    parsed = parse(data)
    assert isinstance(parsed, Parsed)
    return parsed.kind


# -- the fixed part

@pytest.mark.parametrize(("body", "flags", "expected"), [
    (b"N", REQUEST | TWO_WAY | HESSIAN2, "request"), (b"N", REQUEST | HESSIAN2, "oneway"),
    (b"N", HESSIAN2, "response"), (b"N", REQUEST | TWO_WAY | EVENT | HESSIAN2, "heartbeat"),
    (b"\0\0\0\1\xaf", REQUEST | TWO_WAY | EVENT | FASTJSON2, "heartbeat"),
    (b"null\n", REQUEST | TWO_WAY | EVENT | 6, "heartbeat"), (b"", REQUEST | TWO_WAY | EVENT | 3, "heartbeat"),
    (b"N", EVENT | HESSIAN2, "heartbeat_answer"), (b"\1R", REQUEST | EVENT | HESSIAN2, "goaway"),
    (b"\1R", REQUEST | EVENT | TWO_WAY | HESSIAN2, "goaway"), (b'"R"\n', REQUEST | EVENT | 6, "goaway"),
    (b"\0\0\0\2\x4aR", REQUEST | EVENT | FASTJSON2, "goaway"), (b"\1W", REQUEST | EVENT | HESSIAN2, "event"),
    (b"N", REQUEST | EVENT | HESSIAN2, "event"), (b"", REQUEST | EVENT | HESSIAN2, "event"),
])
def test_kinds(body: bytes, flags: int, expected: str) -> None:
    assert kind(frame(body, flags=flags)) == expected


@pytest.mark.parametrize(("data", "error"), [
    (b"G", "NOT_THE_PROTOCOL"), (b"\xda\xbc", "NOT_THE_PROTOCOL"), (b"GET / HTTP/1.1\r\n", "NOT_THE_PROTOCOL"),
    (frame(b"")[:12] + b"\xff\xff\xff\xff", "BAD_LENGTH"), (frame(b"")[:12] + b"\x80\0\0\0", "BAD_LENGTH"),
    (frame(b"")[:12] + b"\x7f\xff\xff\xff", "TOO_LARGE"), (frame(b"x" * 1009), "TOO_LARGE"),
    (frame(b"x" * 1009)[:16], "TOO_LARGE"),
])
def test_no_frames(data: bytes, error: str) -> None:
    with pytest.raises(Refused, match=error):
        parse(data, frame_bytes=1024)


def test_the_largest_frame() -> None:
    assert parse(frame(b"x" * 1008), frame_bytes=1024).length == 1024


@pytest.mark.parametrize("id", [0, 1, 2**63 - 1, 2**63, 2**64 - 1])
def test_ids(id: int) -> None:
    assert parse(frame(b"N", id=id)).id == id


@pytest.mark.parametrize(("status", "body", "code", "value"), [
    (20, b"\x90", 500, 0), (20, b"\x91\x90", 200, 1), (20, b"\x92", 200, 2), (20, b"\x93", 500, 3),
    (20, b"\x94", 200, 4), (20, b"\x95", 200, 5), (20, b"\x96", 200, 255), (20, b"", 200, 255),
    (31, h2("late"), 504, 255), (30, b"N", 504, 255), (40, b"N", 400, 255), (50, b"N", 502, 255),
    (60, b"N", 404, 255), (70, b"N", 500, 255), (80, b"N", 500, 255), (90, b"N", 500, 255), (100, b"N", 503, 255),
    (35, b"N", 503, 255), (25, b"N", 500, 255), (0, b"N", 500, 255), (255, b"N", 500, 255),
])
def test_responses(status: int, body: bytes, code: int, value: int) -> None:
    found = parse(frame(body, flags=HESSIAN2, status=status))
    assert (found.kind, found.status, found.code, found.value) == ("response", status, code, value)


@pytest.mark.parametrize("body", [b"\0\0\0\1\3", b"\0\0\0\2\xbd\3"])
def test_exceptions_in_fastjson2(body: bytes) -> None:
    assert parse(frame(body, flags=FASTJSON2, status=20)).code == 500


# -- the request model

@BOTH
def test_head(data: bytes) -> None:
    found = read(data)
    assert (found.authority, found.path) == (b"com.example.Greeter", b"/com.example.Greeter/greet")
    assert found.headers == ((b"x-mosn-protocol", b"dubbo"), *OWN)
    assert (found.own, found.timeout_ms) == (len(OWN), 1000)


@BOTH
def test_head_without_attachments(data: bytes) -> None:
    found = read(data, service=True)
    assert found.headers == ((b"x-mosn-protocol", b"dubbo"), (b"version", b"1.0.0"))


@pytest.mark.parametrize("make", [request, jsonb_request])
def test_null_version(make: type) -> None:
    leading = ("2.0.2", "a.B", None, "m", "")
    empty = b"" if make is request else ()
    assert read(make(*leading, arguments=empty), service=True).headers == ((b"x-mosn-protocol", b"dubbo"),)


@pytest.mark.parametrize("attachments", [b"N", b"", b"HZ", b"M\x01aZ"])
def test_no_attachments(attachments: bytes) -> None:
    assert read(request(attachments=attachments)).own == 0


@pytest.mark.parametrize("service", ["", None, "a b", "a\nb", "a?b", "a#b", "a\x7f"])
@pytest.mark.parametrize("make", [request, jsonb_request])
def test_services_that_are_none(make: type, service: str | None) -> None:
    with pytest.raises(Refused, match="BAD_HEADERS"):
        read(make("2.0.2", service, "", "m", ""), service=True)


@pytest.mark.parametrize("method", ["", None, "a/b", "a b", "a?b"])
def test_methods_that_are_none(method: str | None) -> None:
    """Of "/a/b/c" nobody could say where the service ends."""
    with pytest.raises(Refused, match="BAD_HEADERS"):
        read(request("2.0.2", "a.B", "", method, ""), service=True)


@pytest.mark.parametrize("leading", [
    b"", b"\x90", h2("2.0.2"), h2("2.0.2", "a.B") + b"\x91", h2("2.0.2", "a.B", "1", "m"),
])
def test_leading_fields_that_are_none(leading: bytes) -> None:
    with pytest.raises(Refused, match="BAD_HEADERS"):
        read(frame(leading), service=True)


def test_names_are_lower_case_and_texts_are_utf8() -> None:
    attached = put_map([(b"Trace.ID", b"x"), (b"Stadt", "Köln".encode()), (b"mood", "😀".encode())])
    assert read(request(attachments=attached)).headers[2:] == (
        (b"trace.id", b"x"), (b"stadt", "Köln".encode()), (b"mood", "😀".encode()))


@pytest.mark.parametrize("name", [b"", b":path", b"a b", b"a\nb", b"a:b", "ä".encode(), b"\x7f"])
def test_names_that_are_no_header(name: bytes) -> None:
    data = request(attachments=put_map([(name, b"x"), (b"b", b"y")]))
    assert read(data).headers[2:] == ((b"b", b"y"),)
    assert write(data, id=7, remove=[b"b"])[1] == request(attachments=put_map([(name, b"x")]))


@pytest.mark.parametrize("data", [
    request(attachments=put_map([(b"role", b"user"), (b"x", b"y"), (b"role", b"admin")])),
    request(attachments=put_map([(b"Role", b"user"), (b"Role", b"admin")])),
    request(attachments=b"H\x04role\x04userR\0\2ro\x02le\x05adminZ"),
    jsonb_request(attachments=jsonb_object([(b"role", b"user"), (b"role", b"admin")])),
    jsonb_request(attachments=b"\xa6\x4drole\x4duser\x7c\x08r\0o\0l\0e\0\x4eadmin\xa5"),
], ids=["twice", "upper case", "in chunks", "fastjson2", "utf-16"])
def test_an_attachment_that_is_there_twice(data: bytes) -> None:
    """The server takes the last, and a rule would have seen the first."""
    with pytest.raises(Refused, match="BAD_HEADERS"):
        read(data)


def test_names_that_differ_in_case_are_two() -> None:
    assert read(request(attachments=put_map([(b"Role", b"a"), (b"role", b"b")]))).headers[2:] == (
        (b"role", b"a"), (b"role", b"b"))


@pytest.mark.parametrize("attachments", [
    b"\x91", b"H\x01a", b"H\x01a\x01b", b"W\x01aZ", b"H\x01a\x02bZ", b"H\x01\xff\x01aZ", h2("x"),
])
def test_attachments_that_are_none(attachments: bytes) -> None:
    data = request(attachments=attachments)
    assert read(data, service=True).own == 0
    with pytest.raises(Refused, match="BAD_HEADERS"):
        read(data)


@pytest.mark.parametrize("attachments", [
    b"\xa6", b"\xa6\x4aa", b"\xa6\x4aa\x4ab", b"\x94", b"\xa6\xa5\xa5", b"\xa6\x7f\x4aa\x00\x4ab\xa5",
    b"\xa6\x7b\x00\x4ab\xa5",
])
def test_jsonb_attachments_that_are_none(attachments: bytes) -> None:
    with pytest.raises(Refused, match="BAD_HEADERS"):
        read(jsonb_request(attachments=attachments))


def test_documents_that_lie() -> None:
    for body in (b"\0\0\0\2\x4a", b"\xff\xff\xff\xff\x4a", b"\0\0\0\2\x49\x49", b"\0\0\0\0", b"\0\0"):
        with pytest.raises(Refused, match="BAD_HEADERS"):
            read(frame(body, flags=REQUEST | FASTJSON2))


def test_more_attachments_than_allowed() -> None:
    data = request(attachments=put_map([(b"a%d" % i, b"") for i in range(10)]))
    assert read(data, headers=10).own == 10
    with pytest.raises(Refused, match="BAD_HEADERS"):
        read(data, headers=9)


def test_other_serializations_have_no_fields() -> None:
    found = read(frame(b"\xac\xed\0\5", flags=REQUEST | TWO_WAY | 3))
    assert (found.authority, found.path, found.headers) == (b"", b"/", ((b"x-mosn-protocol", b"dubbo"),))


@pytest.mark.parametrize(("types", "count"), [
    (b"", 0), (b"I", 1), (b"Ljava/lang/String;", 1), (b"[I", 1), (b"[[Ljava/lang/String;J", 2), (b"ZBCSIJFD", 8),
    (b"Ljava/lang/String;[Ljava/lang/String;[Ljava/lang/Object;", 3), (b"L", -1), (b"Ljava", -1), (b"[", -1),
    (b"X", -1), (b"I[", -1), (b";", -1),
])
def test_parameter_types(types: bytes, count: int) -> None:
    assert parameters(types) == count


def test_arguments_are_as_many_as_the_types_say() -> None:
    """A map among the arguments is not taken for the attachments, and what stands behind them is not either."""
    fake = put_map([(b"role", b"admin")])
    data = request("2.0.2", "a.B", "", "m", "Ljava/util/Map;", arguments=fake,
                   attachments=put_map([(b"role", b"user")]))
    assert read(data).headers[1:] == ((b"role", b"user"),)
    data = request("2.0.2", "a.B", "", "m", "", arguments=b"", attachments=put_map([(b"role", b"user")]) + fake)
    assert read(data).headers[1:] == ((b"role", b"user"),)
    assert write(data, id=7, add=[(b"x", b"y")])[1].endswith(b"\x01x\x01yZ" + fake)


def test_arguments_that_define_classes() -> None:
    argument = b"C\x03a.B\x92\x01x\x01y\x60\x91" + b"\x60\x92N"
    assert read(request("2.0.2", "a.B", "", "m", "La/B;", arguments=argument)).own == len(OWN)


# -- changed attachments

@BOTH
def test_change_remove_add(data: bytes) -> None:
    changed, written = write(data, id=8, set=[(b"userid", "4😀".encode())], remove=[b"group"], add=[(b"lane", b"gray")])
    assert changed
    assert parse(written).id == 8
    own = [(k, "4😀".encode() if k == b"userid" else v) for k, v in OWN if k != b"group"]
    assert read(written).headers[1:] == (*own, (b"lane", b"gray"))
    assert b"userId" in written
    assert written[16:].startswith(data[16:80])


@BOTH
@pytest.mark.parametrize("service", [False, True])
def test_an_addition_takes_the_place_of_its_name(data: bytes, service: bool) -> None:
    _, written = write(data, id=7, add=[(b"userid", b"43")], service=service)
    headers = read(written).headers
    assert headers[1:] == (*OWN[:-1], (b"userid", b"43"))


@BOTH
def test_not_changed(data: bytes) -> None:
    assert write(data, id=7) == (False, data)


@pytest.mark.parametrize("attachments", [b"N", b"", b"HZ"])
def test_the_first_attachment(attachments: bytes) -> None:
    data = request("2.0.2", "a.B", "", "m", "", arguments=b"", attachments=attachments)
    assert read(write(data, add=[(b"a", b"b")])[1]).headers[1:] == ((b"a", b"b"),)


@pytest.mark.parametrize("attachments", [b"\xaf", b"", b"\xa6\xa5", b"\x92\x4ba.\x00\xa6\xa5"])
def test_the_first_attachment_in_jsonb(attachments: bytes) -> None:
    data = jsonb_request("2.0.2", "a.B", "", "m", "", arguments=(), attachments=attachments)
    assert read(write(data, add=[(b"a", b"b")])[1]).headers[1:] == ((b"a", b"b"),)


def test_values_that_are_no_text_stay() -> None:
    attached = b"H\x01nN\x01i\x91\x01lW\x90Z\x91\x01x\x01s\x01tZ"
    data = request(attachments=attached)
    assert write(data, id=7, remove=[b"s"])[1] == request(attachments=b"H\x01nN\x01i\x91\x01lW\x90Z\x91\x01xZ")
    assert write(data, id=7, set=[(b"i", b"2")])[1] == request(attachments=attached.replace(b"i\x91", b"i\x012"))


def test_a_frame_that_is_not_read_is_written_as_it_is() -> None:
    for data in (frame(b"anything", flags=REQUEST | 3), frame(b"\x92", flags=HESSIAN2, status=20)):
        assert write(data, id=7, add=[(b"x-envoy-upstream-service-time", b"3")]) == (False, data)


# -- our own words

@BOTH
def test_heartbeats(data: bytes) -> None:
    sent = heartbeat(data, 5)
    assert (kind(sent), parse(sent).id) == ("heartbeat", 5)
    answer = heartbeat_answer(sent)
    assert (kind(answer), parse(answer).status, parse(answer).id) == ("heartbeat_answer", 20, 5)
    assert answer[16:] == sent[16:]
    assert kind(goaway(data)) == "goaway"


def test_heartbeats_of_others_are_answered_in_hessian2() -> None:
    answer = heartbeat_answer(frame(b"null\n", flags=REQUEST | TWO_WAY | EVENT | 6))
    assert answer == frame(b"N", flags=EVENT | HESSIAN2, status=20)


@pytest.mark.parametrize(("code", "status"), [
    (404, 60), (503, 80), (502, 80), (504, 31), (408, 31), (400, 40), (500, 80),
])
def test_error_answers(code: int, status: int) -> None:
    for flags in (HESSIAN2, FASTJSON2, 3):
        answer = reply(frame(b"", flags=REQUEST | TWO_WAY | flags), code, "nein, 世".encode())
        assert answer == frame(h2("nein, 世"), flags=HESSIAN2, status=status)


@pytest.mark.parametrize("code", [401, 403, 429])
def test_refusals(code: int) -> None:
    answer = reply(request(), code, b"not you")
    assert (parse(answer).status, parse(answer).value) == (20, 0)
    value = oracle.Decoder(answer[17:]).value()
    assert value == oracle.Object("org.apache.dubbo.rpc.RpcException", (("code", 4), ("detailMessage", "not you")))
    assert reply(jsonb_request(), code, b"no") == frame(h2("no"), flags=HESSIAN2, status=80)


def test_who_is_called_back_is_told_without_reading() -> None:
    needle = b"sys_callback_arg-1"
    assert calls_back(request(attachments=put_map([(needle, b"5")])))
    assert calls_back(jsonb_request(attachments=jsonb_object([(needle, b"5")])))
    assert not calls_back(request())
    assert not calls_back(request(attachments=put_map([(b"sys_callback_arg", b"5"), (b"_" * 500, b"")])))
    # Attachments are at the end: what stands far in front of it is not looked at.
    assert not calls_back(frame(needle + b"_" * 8192))
    assert calls_back(frame(b"x" + needle + b"_" * (8192 - len(needle))))
    assert not calls_back(frame(needle[:-2]))


@pytest.mark.parametrize("value", [b"1000", b"0", b"", b"999999999"])
def test_another_timeout(value: bytes) -> None:
    def timed(value: bytes) -> bytes:
        return request(attachments=put_map([(b"a", b"b"), (b"timeout", value), (b"c", b"d")]))

    assert write(timed(value), id=7, timeout_ms=0) == (True, timed(b"0"))
    assert write(timed(value), id=7, timeout_ms=2**31 - 1) == (True, timed(b"2147483647"))
    assert write(request(attachments=b""), id=7, timeout_ms=5) == (False, request(attachments=b""))
