"""Command operators: a vector for each, what Envoy rejects, and JSON."""

from __future__ import annotations

import datetime
import json
import socket
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mosn._fastpath.proxy.cluster import ClusterObject, HostRegistry
from mosn._fastpath.proxy.format import FormatObject
from mosn._fastpath.proxy.format_parse import DEFAULT_LOG_FORMAT, operator_names
from mosn._fastpath.proxy.info import RESPONSE_FLAGS
from mosn._fastpath.proxy.route_exchange import Exchange
from mosn._fastpath.proxy.route_face import formatted
from mosn.model import Host
from tests.fastpath.routing.tables import cluster_spec

WALL = 1_700_000_000_123_456  # 2023-11-14T22:13:20.123456Z
START = 5_000_000
HOST = {
    "address": "10.1.2.3:8080", "hostname": "backend.local", "weight": 1, "priority": 0, "health": "healthy",
    "region": "", "zone": "", "sub_zone": "", "metadata": {}, "stats": 0, "gauges": 0,
}  # fmt: skip
FLAG = {short: 1 << bit for bit, (short, _) in enumerate(RESPONSE_FLAGS)}


def upstream(**changes: Any) -> dict[str, Any]:
    spec = cluster_spec("outbound|80||a")
    spec["stat_name"] = "a-stat"
    spec["hosts"] = [cast(Host, HOST | changes)]
    hosts = HostRegistry().hosts(spec)
    return {"cluster": ClusterObject(spec, hosts), "host": hosts[0]}


def exchange(**more: Any) -> Exchange:
    made = Exchange(
        "POST", "/new/path?q=1&empty=&enc=a%20b", "example.com", "http",
        [("X-Request-Id", "id-1"), ("user-agent", "curl"), ("x-empty", ""), ("x-two", "a"), ("x-two", "b"),
         ("x-envoy-original-path", "/old/path?q=1"), ("x-envoy-original-host", "old.com"),
         ("content-type", "application/grpc"),
         ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")],
        protocol="HTTP/1.1", start_wall_us=WALL, start_us=START, request_end_us=START + 1_999,
        upstream_first_tx_us=START + 2_500, upstream_last_tx_us=START + 3_000, upstream_first_rx_us=START + 10_400,
        upstream_last_rx_us=START + 11_000, downstream_first_tx_us=START + 11_500, end_us=START + 12_345,
        bytes_received=10, bytes_sent=2000, wire_received=110, wire_sent=2150, upstream_wire_received=2100,
        upstream_wire_sent=120, connection_id=77, attempts=2, random=12345, route_name="the-route",
        filter_chain_name="chain", response_code_details="via upstream", request_id="id-1",
        connection_termination_details="gone away", upstream_failure_reason="TLS error: bad cert",
        requested_server_name="sni.com", remote=("1.2.3.4", 5678), direct_remote=("10.0.0.1", 1111),
        local=("2001:db8:1234:5678:9abc:def0:1234:5678", 443), upstream_local=("10.9.9.9", 33333),
        **{**upstream(), **more},
    )  # fmt: skip
    made.respond(200, [("x-answer", "42"), ("server", "envoy")], [("grpc-status", "3"), ("x-trailer", "t")])
    return made


VECTORS = [
    ("", ""), ("plain", "plain"), ("100%%", "100%"), ("%%REQ(x)%%", "%REQ(x)%"), ("a%%%PROTOCOL%%%b", "a%HTTP/1.1%b"),
    ("%REQ(:METHOD)%", "POST"), ("%REQUEST_HEADER(:method)%", "POST"),
    ("%REQ(:PATH)%", "/new/path?q=1&empty=&enc=a%20b"),
    ("%REQ(:AUTHORITY)%", "example.com"), ("%REQ(Host)%", "example.com"), ("%REQ(:SCHEME)%", "http"),
    ("%REQ(X-REQUEST-ID)%", "id-1"), ("%REQ(x-none)%", "-"), ("%REQ(x-none?user-agent)%", "curl"),
    ("%REQ(x-none?x-nope)%", "-"), ("%REQ(user-agent?x-none)%", "curl"), ("%REQ(USER-AGENT):2%", "cu"),
    ("%REQ(user-agent):100%", "curl"), ("%REQ(user-agent):0%", ""), ("%REQ(x-none):2%", "-"), ("%REQ(x-empty)%", ""),
    ("%REQ(x-two)%", "a"), ("%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%", "/old/path?q=1"),
    ("%REQ_WITHOUT_QUERY(X-ENVOY-ORIGINAL-PATH?:PATH)%", "/old/path"), ("%REQ_WITHOUT_QUERY(:PATH):4%", "/new"),
    ("%RESP(X-ANSWER)%", "42"), ("%RESPONSE_HEADER(server)%", "envoy"), ("%RESP(:STATUS)%", "200"), ("%RESP(x)%", "-"),
    ("%TRAILER(x-trailer)%", "t"), ("%RESPONSE_TRAILER(GRPC-STATUS)%", "3"), ("%TRAILER(x)%", "-"),
    ("%START_TIME%", "2023-11-14T22:13:20.123Z"), ("%START_TIME()%", "2023-11-14T22:13:20.123Z"),
    ("%START_TIME(%Y/%m/%dT%H:%M:%S%z)%", "2023/11/14T22:13:20+0000"), ("%START_TIME(%s)%", "1700000000"),
    ("%START_TIME(%s.%3f)%", "1700000000.123"), ("%START_TIME(%s.%6f)%", "1700000000.123456"),
    ("%START_TIME(%s.%9f)%", "1700000000.123456000"), ("%START_TIME(%f)%", "123456000"), ("%START_TIME(%1f)%", "1"),
    ("%START_TIME(%F %T,%3f %a %b %e)%", "2023-11-14 22:13:20,123 Tue Nov 14"), ("%START_TIME(x)%", "x"),
    ("%START_TIME(%%s)%", "%s"), ("%EMIT_TIME%", "2023-11-14T22:13:20.135Z"), ("%EMIT_TIME(%6f)%", "135801"),
    ("%REQUEST_DURATION%", "1"), ("%REQUEST_TX_DURATION%", "3"), ("%RESPONSE_DURATION%", "10"),
    ("%RESPONSE_TX_DURATION%", "1"), ("%DURATION%", "12"), ("%ROUNDTRIP_DURATION%", "-"),
    ("%COMMON_DURATION(DS_RX_BEG:DS_TX_END:us)%", "12345"), ("%COMMON_DURATION(US_TX_BEG:US_RX_BEG:ms)%", "7"),
    ("%COMMON_DURATION(DS_RX_BEG:DS_RX_END:ns)%", "1999000"), ("%COMMON_DURATION(DS_TX_END:DS_RX_BEG:us)%", "-12345"),
    ("%COMMON_DURATION(US_CX_BEG:US_CX_END:ms)%", "-"), ("%COMMON_DURATION(mine:DS_TX_BEG:ms)%", "-"),
    ("%COMMON_DURATION(US_TX_END:US_RX_END:us)%", "8000"), ("%COMMON_DURATION(DS_RX_BEG:DS_TX_BEG:us)%", "11500"),
    ("%BYTES_RECEIVED%", "10"), ("%BYTES_SENT%", "2000"), ("%DOWNSTREAM_WIRE_BYTES_RECEIVED%", "110"),
    ("%DOWNSTREAM_WIRE_BYTES_SENT%", "2150"), ("%UPSTREAM_WIRE_BYTES_RECEIVED%", "2100"),
    ("%UPSTREAM_WIRE_BYTES_SENT%", "120"), ("%DOWNSTREAM_HEADER_BYTES_RECEIVED%", "100"),
    ("%DOWNSTREAM_HEADER_BYTES_SENT%", "150"), ("%UPSTREAM_HEADER_BYTES_SENT%", "110"),
    ("%UPSTREAM_HEADER_BYTES_RECEIVED%", "100"), ("%UPSTREAM_DECOMPRESSED_HEADER_BYTES_SENT%", "110"),
    ("%RESPONSE_HEADERS_BYTES%", str(len(":status200x-answer42serverenvoy"))),
    ("%RESPONSE_TRAILERS_BYTES%", str(len("grpc-status3x-trailert"))), ("%BYTES_RETRANSMITTED%", "0"),
    ("%PROTOCOL%", "HTTP/1.1"), ("%UPSTREAM_PROTOCOL%", "HTTP/1.1"), ("%RESPONSE_CODE%", "200"),
    ("%RESPONSE_CODE_DETAILS%", "via_upstream"), ("%RESPONSE_CODE_DETAILS(ALLOW_WHITESPACES)%", "via upstream"),
    ("%CONNECTION_TERMINATION_DETAILS%", "gone away"), ("%RESPONSE_FLAGS%", "-"), ("%RESPONSE_FLAGS_LONG%", "-"),
    ("%UPSTREAM_HOST%", "10.1.2.3:8080"), ("%UPSTREAM_HOST_NAME%", "backend.local"),
    ("%UPSTREAM_HOST_NAME_WITHOUT_PORT%", "backend.local"), ("%UPSTREAM_HOSTS_ATTEMPTED%", "10.1.2.3:8080"),
    ("%UPSTREAM_CLUSTER%", "a-stat"), ("%UPSTREAM_CLUSTER_RAW%", "outbound|80||a"),
    ("%UPSTREAM_LOCAL_ADDRESS%", "10.9.9.9:33333"), ("%UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT%", "10.9.9.9"),
    ("%UPSTREAM_LOCAL_PORT%", "33333"), ("%UPSTREAM_REMOTE_ADDRESS%", "10.1.2.3:8080"),
    ("%UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%", "10.1.2.3"),
    ("%UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(16)%", "10.1.0.0/16"),
    ("%UPSTREAM_REMOTE_PORT%", "8080"), ("%UPSTREAM_TRANSPORT_FAILURE_REASON%", "TLS_error:_bad_cert"),
    ("%UPSTREAM_REQUEST_ATTEMPT_COUNT%", "2"), ("%DOWNSTREAM_REMOTE_ADDRESS%", "1.2.3.4:5678"),
    ("%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%", "1.2.3.4"),
    ("%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(0)%", "0.0.0.0/0"),
    ("%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(31)%", "1.2.3.4/31"),
    ("%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(33)%", "-"),
    ("%DOWNSTREAM_REMOTE_PORT%", "5678"), ("%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%", "10.0.0.1:1111"),
    ("%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%", "10.0.0.1"), ("%DOWNSTREAM_DIRECT_REMOTE_PORT%", "1111"),
    ("%DOWNSTREAM_LOCAL_ADDRESS%", "[2001:db8:1234:5678:9abc:def0:1234:5678]:443"),
    ("%DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT%", "2001:db8:1234:5678:9abc:def0:1234:5678"),
    ("%DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT(64)%", "2001:db8:1234:5678::/64"),
    ("%DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT(60)%", "2001:db8:1234:5670::/60"), ("%DOWNSTREAM_LOCAL_PORT%", "443"),
    ("%DOWNSTREAM_DIRECT_LOCAL_PORT%", "443"), ("%DOWNSTREAM_LOCAL_ADDRESS_ENDPOINT_ID%", "-"),
    ("%CONNECTION_ID%", "77"), ("%STREAM_ID%", "id-1"), ("%REQUESTED_SERVER_NAME%", "sni.com"),
    ("%REQUESTED_SERVER_NAME(SNI_FIRST)%", "sni.com"), ("%REQUESTED_SERVER_NAME(HOST_FIRST)%", "old.com"),
    ("%REQUESTED_SERVER_NAME(HOST_FIRST:HOST)%", "example.com"),
    ("%REQUESTED_SERVER_NAME(HOST_FIRST:ORIG)%", "old.com"),
    ("%ROUTE_NAME%", "the-route"), ("%FILTER_CHAIN_NAME%", "chain"), ("%HOSTNAME%", socket.gethostname()),
    ("%ENVIRONMENT(MOSN_TEST_NAME)%", "from-env"), ("%ENVIRONMENT(MOSN_TEST_NAME):4%", "from"),
    ("%ENVIRONMENT(MOSN_TEST_NONE)%", "-"), ("%GRPC_STATUS%", "InvalidArgument"),
    ("%GRPC_STATUS(CAMEL_STRING)%", "InvalidArgument"), ("%GRPC_STATUS(SNAKE_STRING)%", "INVALID_ARGUMENT"),
    ("%GRPC_STATUS(NUMBER)%", "3"), ("%GRPC_STATUS_NUMBER%", "3"), ("%DYNAMIC_METADATA(a:b)%", "-"),
    ("%DYNAMIC_METADATA(a:b):3%", "-"), ("%FILTER_STATE(k:PLAIN)%", "-"), ("%CLUSTER_METADATA(a:b)%", "-"),
    ("%UPSTREAM_METADATA(a:b)%", "-"), ("%METADATA(ROUTE:a:b)%", "-"), ("%PER_REQUEST_STATE(a)%", "-"),
    ("%DOWNSTREAM_TLS_VERSION%", "-"), ("%DOWNSTREAM_PEER_URI_SAN%", "-"), ("%DOWNSTREAM_PEER_SUBJECT%", "-"),
    ("%DOWNSTREAM_PEER_CERT_V_START(%s)%", "-"), ("%TLS_JA3_FINGERPRINT%", "-"), ("%VIRTUAL_CLUSTER_NAME%", "-"),
    ("%QUERY_PARAM(q)%", "1"), ("%QUERY_PARAM(empty)%", ""), ("%QUERY_PARAM(no)%", "-"),
    ("%QUERY_PARAM(enc):3%", "a%2"),
    ("%QUERY_PARAMS%", "q=1&empty=&enc=a%20b"), ("%QUERY_PARAMS(DECODED)%", "q=1&empty=&enc=a b"),
    ("%PATH%", "/old/path?q=1"), ("%PATH(NQ)%", "/old/path"), ("%PATH(WQ:PATH):9%", "/new/path"),
    ("%PATH(NQ:PATH)%", "/new/path"), ("%PATH(NQ:ORIG)%", "/old/path"), ("%ACCESS_LOG_TYPE%", "DownstreamEnd"),
    ("%TRACE_ID%", "0af7651916cd43dd8448eb211c80319c"), ("%SPAN_ID%", "b7ad6b7169203331"),
    ('%COALESCE({"operators": [{"command": "REQ", "param": "x-none"}, "REQUESTED_SERVER_NAME"]})%', "sni.com"),
    ('%COALESCE({"operators": [{"command": "REQ", "param": "x-empty"}, {"command": "REQ", "param": "user-agent"}]}):3%',
     "cur"),
    ('[%COALESCE({"operators": [{"command": "REQ", "param": "x-none"}]})%]', "[-]"),
]  # fmt: skip


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOSN_TEST_NAME", "from-env")
    monkeypatch.delenv("MOSN_TEST_NONE", raising=False)


def text_of(program: str, made: Exchange | None = None, missing: bytes = b"-") -> str:
    return formatted(FormatObject(program), made or exchange(), missing)[1].decode()


@pytest.mark.parametrize(("program", "expected"), VECTORS)
def test_vector(program: str, expected: str) -> None:
    assert text_of(program) == expected


def test_every_operator_has_a_vector() -> None:
    special = {"START_TIME_LOCAL", "EMIT_TIME_LOCAL", "UNIQUE_ID"}
    names = operator_names()
    tested = {name for name in names if any(f"%{name}%" in p or f"%{name}(" in p for p, _ in VECTORS)}
    absent = {name for name in names if text_of(sample(name), Exchange(tcp=True)) in ("-", "0")}
    assert set(names) - tested - absent == special


def sample(name: str) -> str:
    try:
        FormatObject(f"%{name}%")
    except ValueError:
        argument = {"COMMON_DURATION": "DS_RX_BEG:DS_TX_END:ms", "COALESCE": '{"operators": ["PROTOCOL"]}'}.get(name,
        "x")
        return f"%{name}({argument})%"
    return f"%{name}%"


def test_default_format() -> None:
    made = exchange()
    made.set(response_flags=FLAG["UF"] | FLAG["URX"])
    assert text_of(DEFAULT_LOG_FORMAT, made) == (
        '[2023-11-14T22:13:20.123Z] "POST /old/path?q=1 HTTP/1.1" 200 UF,URX 10 2000 12 - "-" "curl" "id-1" '
        '"example.com" "10.1.2.3:8080"\n'
    )


def test_tcp_has_no_request() -> None:
    made = Exchange(tcp=True, start_us=1, end_us=2001, start_wall_us=WALL, remote="/run/client.sock", local=("::", 1))
    text = text_of("%REQ(a)% %RESP(a)% %PROTOCOL% %RESPONSE_CODE% %GRPC_STATUS% %PATH% %ACCESS_LOG_TYPE% %DURATION%",
    made)
    assert text == "- - - 0 - - TcpConnectionEnd 2"
    assert text_of("%DOWNSTREAM_REMOTE_ADDRESS% %DOWNSTREAM_REMOTE_PORT% %DOWNSTREAM_LOCAL_ADDRESS%", made) == (
        "/run/client.sock - [::]:1")  # fmt: skip
    assert text_of("%UPSTREAM_HOST% %UPSTREAM_CLUSTER% %UPSTREAM_HOST_NAME% %UPSTREAM_PROTOCOL%", made) == "- - - -"


def test_flags() -> None:
    for short, long in RESPONSE_FLAGS:
        made = Exchange(response_flags=FLAG[short])
        assert text_of("%RESPONSE_FLAGS% %RESPONSE_FLAGS_LONG%", made) == f"{short} {long}"
    every = Exchange(response_flags=(1 << len(RESPONSE_FLAGS)) - 1)
    assert text_of("%RESPONSE_FLAGS%", every) == ",".join(short for short, _ in RESPONSE_FLAGS)


def test_local_time() -> None:
    local = datetime.datetime.fromtimestamp(WALL // 10**6).astimezone()
    offset = local.strftime("%z")
    assert text_of("%START_TIME_LOCAL%") == local.strftime("%Y-%m-%dT%H:%M:%S.123") + offset
    assert text_of("%START_TIME_LOCAL(%H:%M %z)%") == local.strftime("%H:%M ") + offset
    assert text_of("%EMIT_TIME_LOCAL(%s)%") == str(WALL // 10**6)


@given(st.integers(0, 4_102_444_800_000_000))
def test_any_moment(wall: int) -> None:
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=wall)
    made = Exchange(start_wall_us=wall)
    assert text_of("%START_TIME%", made) == moment.isoformat(timespec="milliseconds") + "Z"
    assert text_of("%START_TIME(%Y%j %H%M%S.%6f)%", made) == moment.strftime("%Y%j %H%M%S.%f")


def test_unique_ids_differ() -> None:
    texts = {text_of("%UNIQUE_ID%", Exchange(random=n, start_us=n)) for n in range(100)}
    assert len(texts) == 100 and all(len(text) == 36 and text[14] == "4" and text[19] in "89ab" for text in texts)


def test_request_headers_bytes() -> None:
    made = Exchange("GET", "/p", "h", "http", [("a", "bc")])
    assert text_of("%REQUEST_HEADERS_BYTES%", made) == str(len(":methodGET:path/p:authorityh:schemehttpabc"))


@pytest.mark.parametrize(
    ("status", "headers", "trailers", "expected"),
    [(200, [], [("grpc-status", "0")], "OK"), (200, [("grpc-status", "14")], None, "Unavailable"),
     (503, [], None, "Unavailable"), (404, [], None, "Unimplemented"), (401, [], None, "Unauthenticated"),
     (403, [], None, "PermissionDenied"), (400, [], None, "Internal"), (418, [], None, "Unknown"),
     (200, [], [("grpc-status", "99")], "99"), (200, [], [("grpc-status", "x")], "Unknown")],
)  # fmt: skip
def test_grpc_status(status: int, headers: Any, trailers: Any, expected: str) -> None:
    made = Exchange(headers=[("content-type", "application/grpc+json")])
    made.respond(status, headers, trailers)
    assert text_of("%GRPC_STATUS%", made) == expected
    plain = Exchange(headers=[("content-type", "text/html")])
    plain.respond(status, headers, trailers)
    assert text_of("%GRPC_STATUS%", plain) == "-"


def test_what_format_append_returns() -> None:
    made = exchange()
    assert formatted(FormatObject("text"), made, b"") == (0, b"text")
    assert formatted(FormatObject("%REQ(none)%"), made, b"") == (1, b"")
    assert formatted(FormatObject("<%REQ(none)%>"), made, b"") == (1, b"<>")
    assert formatted(FormatObject("%REQ(none)%%REQ(user-agent)%"), made, b"") == (0, b"curl")


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("%NOPE%", "unknown command operator %NOPE%"), ("%CEL(request.path)%", "%CEL%"),
        ("%REQ%", "needs a header name"),
        ("%REQ()%", "needs a header name"), ("%REQ(a?b?c)%", "more than one alternative"), ("%REQ(a\nb)%", "line end"),
        ("%PROTOCOL(x)%", "%PROTOCOL% takes no parameters"), ("%PROTOCOL:5%", "%PROTOCOL% takes no length"),
        ("%PROTOCOL", "no command operator at column 1"), ("a %", "column 3"), ("%protocol%", "column 1"),
        ("%REQ(a)", "column 1"), ("%REQ(a):x%", "column 1"), ("%REQ(a:5%", "column 1"), ("% %", "column 1"),
        ("%REQ(FIRST):100", "column 1"), ("%START_TIME(%Y\n)%", "line end"),
        ("%START_TIME(" + "x" * 200 + ")%", "128 bytes"),
        ("%COMMON_DURATION%", "START:END:PRECISION"), ("%COMMON_DURATION(A:B)%", "START:END:PRECISION"),
        ("%COMMON_DURATION(A:B:h)%", "ms, us or ns"), ("%GRPC_STATUS(FOO)%", "'FOO' is none of CAMEL_STRING"),
        ("%PATH(XX)%", "'XX' is none of"), ("%PATH(NQ:PATH:X)%", "too many parameters"), ("%ENVIRONMENT%", "parameter"),
        ("%DYNAMIC_METADATA%", "%DYNAMIC_METADATA% needs"), ("%FILTER_STATE()%", "%FILTER_STATE% needs"),
        ("%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(abc)%", "mask"),
        ("%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(129)%", "mask"),
        ("%COALESCE(x)%", "%COALESCE%"), ('%COALESCE({"operators": []})%', "no operators"),
        ('%COALESCE({"operators": ["NOPE"]})%', "%NOPE%"), ("%HOSTNAME(x)%", "takes no parameters"),
    ],
)  # fmt: skip
def test_refused(program: str, words: str) -> None:
    with pytest.raises(ValueError, match=words.replace("(", "\\(").replace(")", "\\)")):
        FormatObject(program)


PARTS = st.sampled_from(["%", "%%", "REQ", "PROTOCOL", "START_TIME", "(", ")", "?", ":", "5", "x", "%s", "%3f", "\n",
"é",
                         "%REQ(", ")%", "%DURATION%", "COALESCE", '{"operators": ["PROTOCOL"]}'])  # fmt: skip


@given(st.lists(PARTS, max_size=12).map("".join) | st.text(max_size=30))
def test_any_text_is_a_format_or_refused(text: str) -> None:
    try:
        program = FormatObject(text)
    except ValueError:
        return
    formatted(program, exchange())


# -- JSON

def json_of(pairs: Any, made: Exchange | None = None, omit: bool = False) -> str:
    text = formatted(FormatObject.json(pairs, omit), made or exchange())[1].decode()
    assert text.endswith("\n")
    return text[:-1]


def test_json_types() -> None:
    pairs = [("number", "%RESPONSE_CODE%"), ("text", "%PROTOCOL%"), ("mixed", "%RESPONSE_CODE%!"),
    ("none", "%REQ(no)%"),
             ("mixed none", "<%REQ(no)%>"), ("empty", "%REQ(x-empty)%"), ("literal", "5"), ("void", ""),
             ("port", "%DOWNSTREAM_REMOTE_PORT%"), ("grpc", "%GRPC_STATUS_NUMBER%"), ("flags", "%RESPONSE_FLAGS%"),
             ("duration", "%REQUEST_DURATION%"), ("time", "%START_TIME(%s)%"), ("fixed", 7), ("yes", True),
             ("first", '%COALESCE({"operators": [{"command": "REQ", "param": "no"}, "PROTOCOL"]})%')]  # fmt: skip
    assert json.loads(json_of(pairs)) == {
        "number": 200, "text": "HTTP/1.1", "mixed": "200!", "none": None, "mixed none": "<->", "empty": "",
        "literal": "5", "void": "", "port": 5678, "grpc": 3, "flags": "-", "duration": 1, "time": "1700000000",
        "fixed": 7, "yes": True, "first": "HTTP/1.1",
    }  # fmt: skip


def test_json_keys_are_sorted_and_nested() -> None:
    pairs = [("b", "%PROTOCOL%"), ("a", [("z", "1"), ("y", [("x", "%DURATION%")])]), ("list", ["%BYTES_SENT%", "s"])]
    assert json_of(pairs) == '{"a":{"y":{"x":12},"z":"1"},"b":"HTTP/1.1","list":[2000,"s"]}'
    assert json_of([["k", [["n", "v"]]]]) == '{"k":{"n":"v"}}'
    assert json_of([]) == "{}"


def test_json_omits_what_is_absent() -> None:
    pairs = [("a", "%REQ(no)%"), ("b", "%PROTOCOL%"), ("c", "%REQ(no)%"), ("d", [("e", "%REQ(no)%")]),
             ("f", "<%REQ(no)%>"), ("g", "%REQ(x-empty)%"), ("h", "%RESPONSE_FLAGS%")]  # fmt: skip
    assert json_of(pairs, omit=True) == '{"b":"HTTP/1.1","d":{},"f":"<>","g":"","h":"-"}'


@given(st.binary(max_size=40))
def test_json_is_valid_whatever_a_client_sends(value: bytes) -> None:
    made = Exchange(headers=[("x", value)])
    program = FormatObject.json([("v", "%REQ(x)%"), ("w", '"%REQ(x)%\\'), ("cut", "%REQ(x):3%")])
    got = json.loads(formatted(program, made)[1])
    try:
        text = value.decode()
    except UnicodeDecodeError:
        text = ""
        assert "�" in got["v"]
    if text:
        assert got["v"] == text and got["w"] == f'"{text}\\'


def test_json_escapes() -> None:
    made = Exchange(headers=[("x", '"\\\b\f\n\r\t\x01\x7fé')])
    assert json_of([("x", "%REQ(x)%")], made) == '{"x":"\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u007fé"}'


@pytest.mark.parametrize("pairs", [[("a", "%NOPE%")], [("a", object())], [("a", [[[("b", "%X%")]]])]])
def test_json_refused(pairs: Any) -> None:
    with pytest.raises(ValueError):
        FormatObject.json(pairs)


def test_json_nesting_is_bounded() -> None:
    value: Any = "x"
    for _ in range(100):
        value = [("k", value)]
    with pytest.raises(ValueError, match="nested"):
        FormatObject.json(value)


