"""The HTTP/2 connection: events of every frame, errors with their codes, floods, windows, any split."""

from __future__ import annotations

import random
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mosn._fastpath.codec.h2_face import Connection
from tests.fastpath.codec import h2_cases as h
from tests.fastpath.codec.h2_cases import (
    CANCEL,
    CLOSED,
    COMPRESSION,
    FLOW,
    GET,
    NO_ERROR,
    POST,
    PROTOCOL,
    REFUSED,
    SIZE,
    START,
    Events,
    Fields,
    events,
    goaway,
    resets,
    server,
)

# -- what is said

def test_a_request_with_a_body_and_trailers() -> None:
    fields = [*POST, (b"content-length", b"5"), (b"cookie", b"a=1"), (b"cookie", b"b=2"), (b"te", b"trailers")]
    bytes_in = (h.headers(1, fields, h.END_HEADERS) + h.data(1, b"he") + h.frame(h.DATA, h.PADDED, 1, b"\3llo\0\0\0")
                + h.headers(1, [(b"x-sum", b"9"), (b"content-length", b"7")]))
    pseudo = {"method": b"POST", "scheme": b"http", "path": b"/", "authority": b"a.example"}
    assert events(server(), bytes_in) == [
        ("head", 1, pseudo, [(b"content-length", b"5"), (b"cookie", b"a=1; b=2"), (b"te", b"trailers")], False),
        ("data", 1, b"he", False),
        ("data", 1, b"llo", False),
        ("trailers", 1, [(b"x-sum", b"9")]),
    ]


def test_host_stands_in_for_the_authority() -> None:
    found = events(server(), h.headers(1, [*GET[:3], (b"host", b"b.example")]))
    assert found[0][2]["authority"] == b"b.example" and found[0][3] == []


MALFORMED: dict[str, Fields] = {
    "capital in a name": [*GET, (b"X-a", b"1")],
    "space in a name": [*GET, (b"x a", b"1")],
    "empty name": [*GET, (b"", b"1")],
    "colon in a name": [*GET, (b"a:b", b"1")],
    "line end in a value": [*GET, (b"x", b"a\r\nhost: b")],
    "nul in a value": [*GET, (b"x", b"a\0b")],
    "space around a value": [*GET, (b"x", b" a")],
    "line end in the path": [*GET[:2], (b":path", b"/ HTTP/1.1\r\nx: y"), GET[3]],
    "space in the path": [*GET[:2], (b":path", b"/a b"), GET[3]],
    "fragment in the path": [*GET[:2], (b":path", b"/a#b"), GET[3]],
    "empty path": [*GET[:2], (b":path", b""), GET[3]],
    "path without a slash": [*GET[:2], (b":path", b"a"), GET[3]],
    "asterisk of a GET": [*GET[:2], (b":path", b"*"), GET[3]],
    "line end in the method": [(b":method", b"GET\r\n"), *GET[1:]],
    "lower-case method": [(b":method", b"get"), *GET[1:]],
    "user in the authority": [*GET[:3], (b":authority", b"u@a")],
    "space in the authority": [*GET[:3], (b":authority", b"a b")],
    "no authority": GET[:3],
    "host other than the authority": [*GET, (b"host", b"other")],
    "unknown scheme": [GET[0], (b":scheme", b"ftp"), *GET[2:]],
    "no method": GET[1:],
    "no scheme": [GET[0], *GET[2:]],
    "no path": [*GET[:2], GET[3]],
    "method twice": [GET[0], *GET],
    "unknown pseudo-header": [*GET, (b":x", b"1")],
    "status in a request": [*GET, (b":status", b"200")],
    "pseudo-header behind a field": [*GET[:3], (b"x", b"1"), GET[3]],
    "connect with a path": [(b":method", b"CONNECT"), *GET[1:]],
    "protocol that was not offered": [(b":method", b"CONNECT"), *GET[1:], (b":protocol", b"websocket")],
    "connection": [*GET, (b"connection", b"close")],
    "keep-alive": [*GET, (b"keep-alive", b"1")],
    "proxy-connection": [*GET, (b"proxy-connection", b"close")],
    "transfer-encoding": [*GET, (b"transfer-encoding", b"chunked")],
    "upgrade": [*GET, (b"upgrade", b"h2c")],
    "te": [*GET, (b"te", b"gzip")],
    "length of no body": [*GET, (b"content-length", b"1")],
    "length that is none": [*GET, (b"content-length", b"+0")],
    "length twice": [*GET, (b"content-length", b"0"), (b"content-length", b"0")],
}


@pytest.mark.parametrize("fields", MALFORMED.values(), ids=MALFORMED)
def test_malformed(fields: Fields) -> None:
    """A stream error: the connection serves the next request."""
    connection = server()
    assert events(connection, h.headers(1, fields)) == [("reset", 1, PROTOCOL, False)]
    assert resets(connection.take()) == [(1, PROTOCOL)]
    assert events(connection, h.headers(3, GET))[0][0] == "head"
    assert connection.notes()["rx_messaging_error"] == 1


BODIES = {
    "longer": h.headers(1, [*POST, (b"content-length", b"3")], h.END_HEADERS) + h.data(1, b"four"),
    "shorter": h.headers(1, [*POST, (b"content-length", b"3")], h.END_HEADERS) + h.data(1, b"tw", h.END_STREAM),
    "shorter, with trailers": h.headers(1, [*POST, (b"content-length", b"3")], h.END_HEADERS) + h.headers(1, []),
    "a second head": h.headers(1, POST, h.END_HEADERS) + h.headers(1, [(b"x", b"y")], h.END_HEADERS),
    "pseudo-header in trailers": h.headers(1, POST, h.END_HEADERS) + h.headers(1, [(b":path", b"/")]),
}


@pytest.mark.parametrize("data", BODIES.values(), ids=BODIES)
def test_malformed_bodies(data: bytes) -> None:
    connection = server()
    assert events(connection, data)[-1] == ("reset", 1, PROTOCOL, False)
    assert resets(connection.take()) == [(1, PROTOCOL)]


# -- connection errors

ERRORS = {
    "no preface": (b"", b"GET / HTTP/1.1\r\n\r\n........", PROTOCOL),
    "settings late": (h.PREFACE, h.frame(h.PING, 0, 0, b"12345678"), PROTOCOL),
    "settings on a stream": (START, h.frame(h.SETTINGS, 0, 1), PROTOCOL),
    "settings of five bytes": (START, h.frame(h.SETTINGS, 0, 0, b"12345"), SIZE),
    "acknowledgement with values": (START, h.settings((1, 1), flags=h.ACK), SIZE),
    "push 2": (START, h.settings((2, 2)), PROTOCOL),
    "window 2^31": (START, h.settings((4, 1 << 31)), FLOW),
    "small frames": (START, h.settings((5, 16383)), PROTOCOL),
    "large frames": (START, h.settings((5, 1 << 24)), PROTOCOL),
    "a frame too large": (START, h.headers(1, GET)[:3].replace(b"\0", b"\1", 1) + h.headers(1, GET)[3:], SIZE),
    "ping of seven": (START, h.frame(h.PING, 0, 0, b"1234567"), SIZE),
    "ping on a stream": (START, h.frame(h.PING, 0, 1, b"12345678"), PROTOCOL),
    "goaway on a stream": (START, h.frame(h.GOAWAY, 0, 1, b"12345678"), PROTOCOL),
    "data on the connection": (START, h.data(0, b"x"), PROTOCOL),
    "data on an idle stream": (START, h.data(1, b"x"), PROTOCOL),
    "reset of an idle stream": (START, h.reset(1), PROTOCOL),
    "window of an idle stream": (START, h.window(1, 1), PROTOCOL),
    "window of nothing": (START, h.window(0, 0), PROTOCOL),
    "window too large": (START, h.window(0, 0x7fffffff), FLOW),
    "headers on an even stream": (START, h.headers(2, GET), PROTOCOL),
    "headers on the connection": (START, h.headers(0, GET), PROTOCOL),
    "smaller stream": (START + h.headers(5, GET), h.headers(3, GET), PROTOCOL),
    "continuation of nothing": (START, h.frame(h.CONTINUATION, 4, 1), PROTOCOL),
    "another frame inside a head": (START + h.headers(1, GET, 0), h.frame(h.PING, 0, 0, b"12345678"), PROTOCOL),
    "another stream inside a head": (START + h.headers(1, GET, 0), h.frame(h.CONTINUATION, 4, 3), PROTOCOL),
    "unknown frame inside a head": (START + h.headers(1, GET, 0), h.frame(99, 0, 1), PROTOCOL),
    "push promise": (START, h.frame(h.PUSH_PROMISE, 4, 1, b"\0\0\0\2"), PROTOCOL),
    "padding": (START, h.headers(1, POST, h.END_HEADERS) + h.frame(h.DATA, h.PADDED, 1, b"\5abc"), PROTOCOL),
    "padding of a head": (START, h.frame(h.HEADERS, h.PADDED | 5, 1, b"\5abc"), PROTOCOL),
    "broken compression": (START, h.frame(h.HEADERS, 5, 1, b"\xff\xff\xff\xff\xff\xff"), COMPRESSION),
    "depends on itself": (START, h.frame(h.PRIORITY, 0, 1, b"\0\0\0\1\0"), PROTOCOL),
    "priority of four": (START, h.frame(h.PRIORITY, 0, 1, b"\0\0\0\0"), SIZE),
    "reset of three": (START + h.headers(1, GET), h.frame(h.RST_STREAM, 0, 1, b"\0\0\0"), SIZE),
}


@pytest.mark.parametrize(("before", "data", "code"), ERRORS.values(), ids=ERRORS)
def test_connection_errors(before: bytes, data: bytes, code: int) -> None:
    connection = Connection()
    connection.feed(before)
    connection.take()
    assert events(connection, data)[-1][:2] == ("error", code)
    last = goaway(connection.take())
    assert last is not None and last[1] == code
    assert connection.feed(h.headers(7, GET))[0][0][0] == "error"


def test_frames_on_closed_streams() -> None:
    connection = server()
    events(connection, h.headers(1, GET))
    assert events(connection, h.data(1, b"x")) == [("reset", 1, CLOSED, False)]
    events(connection, h.headers(3, GET))
    connection.respond(3, [(b":status", b"204")], end=True)
    connection.detach(3)
    assert events(connection, h.window(3, 5) + h.reset(3) + h.frame(h.PRIORITY, 0, 3, b"\0\0\0\0\0")) == []
    assert events(connection, h.headers(3, GET))[-1][:2] == ("error", CLOSED)


def test_what_comes_after_our_reset_is_ignored() -> None:
    connection = server()
    events(connection, h.headers(1, POST, h.END_HEADERS))
    connection.reset(1, CANCEL)
    connection.detach(1)
    assert events(connection, h.data(1, b"abc") + h.headers(1, [(b"x", b"y")])) == []
    assert connection.streams() == 0


def test_streams_above_the_limit_are_refused() -> None:
    connection = server(max_streams=2)
    events(connection, h.headers(1, GET) + h.headers(3, GET) + h.headers(5, GET))
    assert resets(connection.take()) == [(5, REFUSED)]
    connection.respond(1, [(b":status", b"204")], end=True)
    connection.detach(1)
    assert events(connection, h.headers(7, GET))[0][0] == "head"


# -- ends

def test_goaway_in_two_steps() -> None:
    connection = server()
    events(connection, h.headers(1, GET))
    connection.drain(last=False)
    assert goaway(connection.take()) == (0x7fffffff, NO_ERROR)
    assert events(connection, h.headers(3, GET))[0][0] == "head"
    connection.drain(last=True)
    assert goaway(connection.take()) == (3, NO_ERROR)
    assert events(connection, h.headers(5, GET)) == []


def test_clients_respect_the_peer() -> None:
    client = Connection(client=True)
    client.feed(h.settings((3, 2)))
    assert [client.request(GET), client.request(GET)] == [1, 3]
    with pytest.raises(ValueError):
        client.request(GET)
    assert client.feed(h.frame(h.GOAWAY, 0, 0, struct.pack(">II", 1, 0)))[0] == [("goaway", 1, 0)]
    with pytest.raises(ValueError):
        client.request(GET)


def test_responses() -> None:
    client = Connection(client=True)
    client.feed(h.settings())
    client.request(GET)
    found, _ = client.feed(h.headers(1, [(b":status", b"103"), (b"link", b"x")], h.END_HEADERS)
                           + h.headers(1, [(b":status", b"200")], h.END_HEADERS) + h.data(1, b"ok", h.END_STREAM))
    assert [e[:3] for e in found] == [("head", 1, {"status": 103}), ("head", 1, {"status": 200}), ("data", 1, b"ok")]
    for fields in ([(b":status", b"101")], [(b":status", b"20")], [], [(b":status", b"200"), (b"connection", b"x")],
                   [(b":status", b"200"), (b":path", b"/")]):
        id = client.request(GET)
        assert client.feed(h.headers(id, fields, h.END_HEADERS))[0] == [("reset", id, PROTOCOL, False)]
    head = client.request([(b":method", b"HEAD"), *GET[1:]])
    assert client.feed(h.headers(head, [(b":status", b"200"), (b"content-length", b"9")]))[0][0][0] == "head"


# -- any split, any bytes, any moment to be written down

def conversation() -> bytes:
    return (START + h.headers(1, [*POST, (b"content-length", b"6")], h.END_HEADERS) + h.window(0, 100)
            + h.frame(h.DATA, h.PADDED, 1, b"\2abc\0\0") + h.frame(77, 3, 9, b"??") + h.headers(3, GET)
            + h.frame(h.HEADERS, h.END_STREAM | h.PADDED | h.HAS_PRIORITY, 5,
                      b"\2" + b"\0\0\0\1\7" + h.block(GET[:2]) + b"\0\0")
            + h.frame(h.CONTINUATION, h.END_HEADERS, 5, h.block(GET[2:])) + h.data(1, b"def")
            + h.headers(1, [(b"x", b"y")]) + h.frame(h.PING, 0, 0, b"abcdefgh") + h.settings((4, 7)))


def joined(found: Events) -> Events:
    """Neighbouring pieces of one body are one."""
    out: Events = []
    for event in found:
        if event[0] == "data" and out and out[-1][:2] == event[:2] and not out[-1][3]:
            out[-1] = ("data", event[1], out[-1][2] + event[2], event[3])
        else:
            out.append(event)
    return [e for e in out if e[0] != "data" or e[2] or e[3]]


def fed(pieces: list[bytes], *, save: bool = False) -> tuple[Events, bytes]:
    connection, found, output, rest = Connection(), [], b"", b""
    for piece in pieces:
        more, used = connection.feed(rest + piece)
        rest = (rest + piece)[used:]
        found += more
        output += connection.take()
        if found and found[-1][0] == "error":
            break
        if save:
            connection = connection.restored(connection.save())
    return joined(found), output


@pytest.mark.parametrize("save", [False, True])
def test_every_split(save: bool) -> None:
    """Also with the connection written down and read back at the cut."""
    whole = conversation()
    expected = fed([whole])
    assert [e[0] for e in expected[0]] == ["settings", "head", "data", "head", "head", "data", "trailers", "settings"]
    for i in range(len(whole)):
        assert fed([whole[:i], whole[i:]], save=save) == expected
    assert fed([whole[i:i + 1] for i in range(len(whole))], save=save) == expected


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_any_bytes_split_anywhere(source: st.DataObject) -> None:
    rng = random.Random(source.draw(st.integers()))
    data = bytearray(conversation())
    for _ in range(source.draw(st.integers(0, 4))):
        data[rng.randrange(24, len(data))] = rng.randrange(256)
    whole = bytes(data)
    cut = rng.randrange(len(whole))
    assert fed([whole]) == fed([whole[:cut], whole[cut:]]) == fed([whole[:cut], whole[cut:]], save=True)


def test_a_state_that_is_none() -> None:
    connection = server()
    events(connection, h.headers(1, GET) + h.headers(3, POST, h.END_HEADERS))
    connection.respond(1, [(b":status", b"200")])
    connection.data(1, b"x" * 70000)
    state = connection.save()
    connection.restored(state)
    for n in range(0, len(state), 7):
        with pytest.raises(ValueError):
            connection.restored(state[:n])
