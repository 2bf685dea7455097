"""What an HTTP/2 peer cannot make the codec do: Envoy's default limits, and windows that bound memory."""

from __future__ import annotations

import struct

from tests.fastpath.codec import h2_cases as h
from tests.fastpath.codec.h2_cases import CALM, FLOW, GET, POST, Connection, Events, events, server


def flood(connection: Connection, data: bytes, code: int, note: str) -> None:
    found: Events = []
    while data and not (found and found[-1][0] == "error"):
        found, used = connection.feed(data[:30000])
        data = data[used:]
    assert found[-1][:2] == ("error", code)
    assert connection.notes()[note] == 1


def test_pings() -> None:
    connection = server()
    assert events(connection, h.frame(h.PING, 0, 0, b"12345678") * 1000) == []
    flood(connection, h.frame(h.PING, 0, 0, b"12345678"), CALM, "outbound_control_flood")
    connection = server()
    for _ in range(5):
        events(connection, h.frame(h.PING, 0, 0, b"12345678") * 900)
        connection.take()


def test_settings() -> None:
    flood(server(), h.settings((3, 100)) * 1001, CALM, "outbound_control_flood")


def test_empty_frames() -> None:
    connection = server()
    events(connection, h.headers(1, POST, h.END_HEADERS) + h.data(1, b""))
    flood(connection, h.data(1, b""), CALM, "inbound_empty_frames_flood")
    connection = server()
    events(connection, h.frame(h.HEADERS, 0, 1))
    flood(connection, h.frame(h.CONTINUATION, 0, 1), CALM, "inbound_empty_frames_flood")


def test_priorities() -> None:
    connection = server()
    assert events(connection, h.frame(h.PRIORITY, 0, 1, b"\0\0\0\0\0") * 100) == []
    flood(connection, h.frame(h.PRIORITY, 0, 1, b"\0\0\0\0\0"), CALM, "inbound_priority_frames_flood")


def test_window_updates() -> None:
    connection = server()
    assert events(connection, h.window(0, 1) * 5) == []
    flood(connection, h.window(0, 1), CALM, "inbound_window_update_frames_flood")


def test_continuations() -> None:
    connection = server(max_continuations=8)
    events(connection, h.headers(1, GET, 0))
    flood(connection, h.frame(h.CONTINUATION, 0, 1, b"\0\1a\1b") * 9, CALM, "continuation_flood")
    connection = server()
    events(connection, h.headers(1, GET, 0))
    flood(connection, h.frame(h.CONTINUATION, 0, 1, b"\0\1a\1b" * 3000) * 20, CALM, "header_overflow")
    assert connection.memory() < 300000


def test_rapid_reset() -> None:
    """250 streams opened and given up within a second: whatever came next, half of 500 would be such."""
    connection = server()
    for i in range(250):
        found = connection.feed(h.headers(2 * i + 1, GET) + h.reset(2 * i + 1))[0]
    assert found[-1][:2] == ("error", CALM) and connection.notes()["premature_resets"] == 1
    connection = server()
    for i in range(1000):
        assert events(connection, h.headers(2 * i + 1, GET))[-1][:1] != ("error",)
        connection.pass_time(1001)
        events(connection, h.reset(2 * i + 1))
    assert connection.streams() == 0


def test_answered_streams_may_be_reset() -> None:
    connection = server()
    for i in range(0, 2000, 2):
        events(connection, h.headers(i + 1, POST, h.END_HEADERS))
        connection.respond(i + 1, [(b":status", b"200")], end=True)
        events(connection, h.reset(i + 1))
        connection.take()


def test_a_head_above_the_limit() -> None:
    connection = server(list_bytes=500, fields=20)
    assert events(connection, h.headers(1, [*GET, (b"x", b"y" * 500)])) == [("too_large", 1)]
    assert connection.notes() == {"header_overflow": 1}
    assert events(connection, h.headers(3, GET))[0][0] == "head"


# -- windows

def test_a_body_waits_for_its_window() -> None:
    connection = server()
    events(connection, h.settings((4, 10)) + h.headers(1, GET))
    connection.take()
    connection.respond(1, [(b":status", b"200")])
    connection.data(1, b"0123456789abcdef")
    connection.trailers(1, [(b"grpc-status", b"0")])
    assert [f[3] for f in h.frames(connection.take()) if f[0] == h.DATA] == [b"0123456789"]
    connection.detach(1)            # the owner is done; what is queued still goes
    assert events(connection, h.window(1, 4)) == []
    assert [f[3] for f in h.frames(connection.take()) if f[0] == h.DATA] == [b"abcd"]
    events(connection, h.settings((4, 100)))
    sent = h.frames(connection.take())
    assert [f[:2] for f in sent if f[2] == 1] == [(h.DATA, 0), (h.HEADERS, 5)]
    assert connection.streams() == 0


def test_a_window_may_become_negative() -> None:
    connection = server()
    events(connection, h.headers(1, GET))
    connection.respond(1, [(b":status", b"200")])
    connection.data(1, b"x" * 100)
    events(connection, h.settings((4, 50)))
    connection.take()
    connection.data(1, b"y", end=True)
    assert h.DATA not in [f[0] for f in h.frames(connection.take())]
    events(connection, h.window(1, 50))
    assert h.DATA not in [f[0] for f in h.frames(connection.take())]
    events(connection, h.window(1, 1))
    assert [f[1:] for f in h.frames(connection.take()) if f[0] == h.DATA] == [(1, 1, b"y")]


def test_streams_share_the_connection_fairly() -> None:
    connection = server(out_limit=1 << 20)
    events(connection, h.settings((4, 1 << 20)) + h.headers(1, GET) + h.headers(3, GET))
    for i in (1, 3):
        connection.respond(i, [(b":status", b"200")])
        connection.data(i, b"x" * 100000, end=True)
    connection.take()
    events(connection, h.window(0, 100000))
    sent = [f[2] for f in h.frames(connection.take()) if f[0] == h.DATA]
    assert abs(sent.count(1) - sent.count(3)) <= 1 and len(sent) >= 6


def test_output_is_bounded() -> None:
    connection = server(out_limit=50000)
    events(connection, h.settings((4, 1 << 30)) + h.window(0, 1 << 30) + h.headers(1, GET))
    connection.respond(1, [(b":status", b"200")])
    connection.data(1, b"x" * 500000, end=True)
    assert sum(len(f[3]) for f in h.frames(connection.take()) if f[0] == h.DATA) == 500000


def test_room_is_given_back_when_bytes_are_taken() -> None:
    connection = server(taking=False, stream_window=65535, connection_window=65535)
    events(connection, h.headers(1, POST, h.END_HEADERS))
    events(connection, h.data(1, b"x" * 16000) * 4)
    assert h.frames(connection.take()) == []
    connection.consumed(1, 40000)
    assert [(f[2], f[3]) for f in h.frames(connection.take())] == [
        (0, struct.pack(">I", 40000)), (1, struct.pack(">I", 40000))]
    assert events(connection, h.data(1, b"x" * 16000) * 3)[-1][:2] == ("error", FLOW)


def test_a_streams_window_is_its_own() -> None:
    connection = server(taking=False, stream_window=65535)
    events(connection, h.headers(1, POST, h.END_HEADERS))
    assert events(connection, h.data(1, b"x" * 16000) * 5)[-1] == ("reset", 1, FLOW, False)
