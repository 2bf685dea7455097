"""Telling protocols by the first bytes of a connection."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mosn._fastpath.codec.detect_face import Hello, client_hello, frame, request_line
from tests.fastpath.codec import client_hellos as made
from tests.proxy import bolt

# -- TLS


@pytest.mark.parametrize("old", [False, True])
def test_hello_of_python(old: bool) -> None:
    assert client_hello(made.of_python(old=old)) == Hello(b"example.com", (b"h2", b"http/1.1"))
    assert client_hello(made.of_python(name=None, protocols=(), old=old)) == Hello(b"", ())


def test_hello_of_openssl() -> None:
    data = made.of_program(
        "openssl", "s_client", "-connect", "127.0.0.1:PORT", "-servername", "a.example.com", "-alpn", "h2,bolt"
    )
    assert client_hello(data) == Hello(b"a.example.com", (b"h2", b"bolt"))


def test_hello_of_curl() -> None:
    data = made.of_program(
        "curl", "-sk", "--http1.1", "--resolve", "curl.example.com:PORT:127.0.0.1", "https://curl.example.com:PORT/"
    )
    assert client_hello(data) == Hello(b"curl.example.com", (b"http/1.1",))


@pytest.mark.skipif(shutil.which("go") is None, reason="Go is not installed")
def test_hello_of_go(tmp_path: Path) -> None:
    source = tmp_path / "client.go"
    source.write_text(made.GO_CLIENT)
    program = str(tmp_path / "client")
    assert made.subprocess.run(["go", "build", "-o", program, str(source)], capture_output=True).returncode == 0
    assert client_hello(made.of_program(program, "127.0.0.1:PORT")) == Hello(b"go.example.com", (b"h2", b"bolt"))


HELLO = made.message(made.extension(10, b"\0\2\0\x1d"), made.server_name(b"WWW.example.com"), made.alpn(b"h2", b"bolt"))
READ = Hello(b"www.example.com", (b"h2", b"bolt"))


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 40, 80, len(HELLO) - 1, len(HELLO), 16384])
def test_cut_into_records_and_at_every_byte(size: int) -> None:
    data = made.records(HELLO, size)
    assert client_hello(data) == READ
    assert client_hello(data + made.record(b"\1\0\0\4more")) == READ
    assert {client_hello(data[:n]) for n in range(len(data))} == {"more"}


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (made.message(), Hello(b"", ())),
        (made.message(b""), Hello(b"", ())),
        (made.message(session=b"s" * 32), Hello(b"", ())),
        (made.message(made.alpn(b"x" * 255)), Hello(b"", (b"x" * 255,))),
        (made.message(made.alpn(b"first", b"x" * 255)), Hello(b"", (b"first",))),
        (made.message(made.alpn(b"a", b"")), Hello(b"", ())),
        (made.message(made.extension(16, b"\0\3\2h2\0")), Hello(b"", ())),
        (made.message(made.extension(16, b"\0\4\2h2")), Hello(b"", ())),
        (made.message(made.extension(16, b"")), Hello(b"", ())),
        (made.message(made.server_name(b"n" * 255)), Hello(b"n" * 255, ())),
        (made.message(made.extension(99, b"z" * 16000)), Hello(b"", ())),
    ],
)
def test_unusual_but_good(data: bytes, found: Hello) -> None:
    assert client_hello(made.record(data)) == found


@pytest.mark.parametrize(
    "data",
    [
        made.message(made.server_name()),
        made.message(made.server_name(b"")),
        made.message(made.server_name(b"a", b"b")),
        made.message(made.server_name(b"a", kind=1)),
        made.message(made.server_name(b"a\0b")),
        made.message(made.server_name(b"n" * 256)),
        made.message(made.server_name(b"a"), made.server_name(b"b")),
        made.message(made.alpn(b"a"), made.alpn(b"b")),
        made.message(made.extension(0, b"\0\xff\0\0\1a")),
        made.message(made.server_name(b"a")[:-1]),
        made.message(b"\0"),
        made.message(rest=b"\0"),
        made.message(rest=b"\0\1"),
        made.message(b"", rest=b"\0"),
        made.message(session=b"s" * 33),
        made.message(ciphers=b""),
        made.message(ciphers=b"\x13\1\x13"),
        made.message(methods=b""),
        b"\1\0\0\0",
        b"\1\0\0\2\3\3",
        b"\2" + HELLO[1:],
        b"\1" + HELLO[1:4] + b"\2\0" + HELLO[6:],
    ],
)
def test_no_hello(data: bytes) -> None:
    assert client_hello(made.record(data)) == "no"


@pytest.mark.parametrize(
    "data",
    [b"G", b"\x16\2", b"\x15\3\1\0\2\1\0", b"\x16\3\1\0\0", b"\x16\3\1\x40\1\1", b"\x80\x2e\1\3\1",
     made.record(HELLO, 23), made.record(HELLO[:20]) + made.record(HELLO[20:], 21)],
)  # fmt: skip
def test_no_records_of_a_handshake(data: bytes) -> None:
    assert client_hello(data) == "no"


def test_too_large() -> None:
    largest = made.message(made.extension(99, b"z" * (16384 - len(made.message(made.extension(99, b""))))))
    assert len(largest) == 16384 and client_hello(made.record(largest)) == Hello(b"", ())
    assert client_hello(made.record(b"\1\0\x3f\xfc")) == "more"
    assert client_hello(made.record(b"\1\0\x3f\xfd")) == "too large"
    assert client_hello(made.records(b"\1\xff\xff\xff" + bytes(20000), 100)) == "too large"


# -- HTTP


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (b"GET / HTTP/1.1\r\n", "http/1.1"),
        (b"GET / HTTP/1.1\n", "http/1.1"),
        (b"GET / HTTP/1.0\r\n", "http/1.0"),
        (b"POST /a?b=c HTTP/1.1\r\n", "http/1.1"),
        (b"OPTIONS * HTTP/1.1\r\n", "http/1.1"),
        (b"GET http://example.com/x HTTP/1.1\r\n", "http/1.1"),
        (b"CONNECT example.com:443 HTTP/1.1\r\n", "http/1.1"),
        (b"X-OWN /a HTTP/1.1\r\n", "http/1.1"),
        (b"GET / HTTP/1.2\r\n", "http/1.0"),
        (b"GET / HTTP/2.0\r\n", "http/1.0"),
        (b"GET /\r\n", "http/1.0"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "h2c"),
        (b"PRI * HTTP/2.0\r\n\r\nXX", "http/1.0"),
        (b"GET / HTTP/11\r\n", "no"),
        (b"GET / http/1.1\r\n", "no"),
        (b"GET / HTTP/1.1 \r\n", "no"),
        (b"GET \r\n", "no"),
        (b"GET\r\n", "no"),
        (b"GET a.b/c HTTP/1.1\r\n", "no"),
        (b"GET /a\x01b HTTP/1.1\r\n", "http/1.1"),
        (b"EHLO example.com\r\n", "no"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "no"),
        (b"\r\nGET / HTTP/1.1\r\n", "no"),
        (b" GET / HTTP/1.1\r\n", "no"),
        (b"*1\r\n$4\r\nPING\r\n", "no"),
        (b"M" * 65 + b" / HTTP/1.1\r\n", "no"),
    ],
)
def test_request_lines(line: bytes, found: str) -> None:
    assert request_line(line) == found
    assert request_line(line + b"host: x\r\n\r\n") == found
    assert request_line(*(line[i : i + 1] for i in range(len(line)))) == found
    for n in range(1, len(line)):
        assert request_line(line[:n], line[n:]) == found
        assert request_line(line[:n]) in ("more", found)


@pytest.mark.parametrize(
    ("data", "at"),
    [(b"\x16\3\1", 1), (b"\1\1\0\1", 1), (b"\xda\xbb", 1), (b"GET x/", 6), (b"PRPC\0\0", 5), (b"G\x80", 2)],
)
def test_what_is_no_http_is_given_up_at_once(data: bytes, at: int) -> None:
    assert [request_line(data[:n]) for n in range(1, at + 1)] == ["more"] * (at - 1) + ["no"]


def test_a_line_has_a_longest_length() -> None:
    assert request_line(b"GET /" + b"a" * 65530) == "more"
    assert request_line(b"GET /" + b"a" * 65530, b"a") == "too long"
    assert request_line(b"GET /" + b"a" * 65500 + b" HTTP/1.1\r\n") == "http/1.1"


# -- RPC

BOLTS = [
    bolt.request(1), bolt.request(1, v2=1), bolt.request(1, v2=2, crc=True), bolt.request(1, type=2),
    bolt.heartbeat(1), bolt.heartbeat(1, v2=1),
]  # fmt: skip


@pytest.mark.parametrize("data", BOLTS)
def test_bolt(data: bytes) -> None:
    needed = 4 if data[0] == 1 else 5
    assert [frame("bolt", data[:n]) for n in range(1, 10)] == ["more"] * (needed - 1) + ["yes"] * (10 - needed)
    assert frame("dubbo", data) == "no"


@pytest.mark.parametrize(
    "data", [b"\0", b"\3", b"\1\0", b"\1\3", b"\1\1\0\3", b"\1\1\1\0", b"\2\0", b"\2\3", b"\2\1\0", b"\2\1\1\0\3",
             bolt.response(1), b"GET /", b"\x16\3\1"],
)  # fmt: skip
def test_no_bolt(data: bytes) -> None:
    assert frame("bolt", data) == "no"


def test_dubbo() -> None:
    assert [frame("dubbo", data) for data in (b"\xda", b"\xda\xbb", b"\xda\xbb\xc2", b"\xda\xba", b"\xdb")] == [
        "more", "yes", "yes", "no", "no"
    ]  # fmt: skip
