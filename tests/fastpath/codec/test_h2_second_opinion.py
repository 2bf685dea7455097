"""Whole conversations with another implementation of HTTP/2 on the other side, in both roles."""

from __future__ import annotations

import random
from typing import Any

import h2.config
import h2.connection
import h2.events
import pytest

from mosn._fastpath.codec.h2_face import Connection
from tests.fastpath.codec.h2_cases import GET, POST

REQUESTS = 40


def other(client: bool) -> h2.connection.H2Connection:
    made = h2.connection.H2Connection(h2.config.H2Configuration(client_side=client, header_encoding=None))
    made.initiate_connection()
    return made


class Pair:
    """Ours and theirs, and bytes that travel in pieces of any size."""

    def __init__(self, *, ours_is_client: bool, seed: int, **options: Any) -> None:
        self.ours = Connection(ours_is_client, **options)
        self.theirs = other(not ours_is_client)
        self.rng = random.Random(seed)
        self.rest = b""

    def travel(self) -> tuple[list[tuple[Any, ...]], list[Any]]:
        """Until nothing is under way any more."""
        mine: list[tuple[Any, ...]] = []
        them: list[Any] = []
        while True:
            to_us, to_them = self.theirs.data_to_send(), self.ours.take()
            if not to_us and not to_them:
                return mine, them
            while to_us:
                n = self.rng.randrange(1, 3000)
                found, used = self.ours.feed(self.rest + to_us[:n])
                self.rest = (self.rest + to_us[:n])[used:]
                to_us = to_us[n:]
                mine += found
            if to_them:
                received = self.theirs.receive_data(to_them)
                for event in received:
                    if isinstance(event, h2.events.DataReceived):
                        self.theirs.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                them += received


@pytest.mark.parametrize("seed", range(5))
def test_their_requests_our_answers(seed: int) -> None:
    pair = Pair(ours_is_client=False, seed=seed, stream_window=70000, connection_window=100000)
    pair.travel()
    bodies = {}
    for i in range(REQUESTS):
        id = 2 * i + 1
        bodies[id] = pair.rng.randbytes(pair.rng.choice([0, 10, 16384, 60000]))
        pair.theirs.send_headers(id, [*POST, (b"x-n", b"%d" % i), (b"authorization", b"secret")])
        mine = []
        for at in range(0, len(bodies[id]), 16000):
            pair.theirs.send_data(id, bodies[id][at:at + 16000])
            mine += pair.travel()[0]
        pair.theirs.send_headers(id, [(b"x-sum", b"%d" % len(bodies[id]))], end_stream=True)
        mine += pair.travel()[0]
        assert b"".join(e[2] for e in mine if e[0] == "data") == bodies[id]
        assert mine[-1] == ("trailers", id, [(b"x-sum", b"%d" % len(bodies[id]))])
    for id, body in bodies.items():
        pair.ours.respond(id, [(b":status", b"200"), (b"server", b"us")])
        pair.ours.data(id, body)
        pair.ours.trailers(id, [(b"grpc-status", b"0")])
        pair.ours.detach(id)
    _, them = pair.travel()
    got = dict.fromkeys(bodies, b"")
    for event in them:
        if isinstance(event, h2.events.DataReceived):
            got[event.stream_id] += event.data
    assert got == bodies
    assert sum(isinstance(e, h2.events.TrailersReceived) for e in them) == REQUESTS
    assert pair.ours.streams() == 0


@pytest.mark.parametrize("seed", range(5))
def test_our_requests_their_answers(seed: int) -> None:
    pair = Pair(ours_is_client=True, seed=seed, stream_window=70000, connection_window=100000)
    pair.travel()
    for i in range(REQUESTS):
        body = pair.rng.randbytes(pair.rng.choice([1, 100, 70000]))
        id = pair.ours.request([*POST, (b"x-n", b"%d" % i)], end=False)
        pair.ours.data(id, body, end=True)
        _, them = pair.travel()
        assert b"".join(e.data for e in them if isinstance(e, h2.events.DataReceived)) == body
        pair.theirs.send_headers(id, [(b":status", b"200"), (b"x-long", b"v" * 5000)])
        pair.theirs.send_data(id, b"answer", end_stream=True, pad_length=9)
        mine, _ = pair.travel()
        assert [e[0] for e in mine] == ["head", "data"] and mine[1][2] == b"answer"
        pair.ours.detach(id)
    assert pair.ours.streams() == 0


def test_a_head_of_many_frames() -> None:
    pair = Pair(ours_is_client=True, seed=1)
    pair.travel()
    fields = [*GET, *((b"x-%d" % i, pair.rng.randbytes(600).hex().encode()) for i in range(40))]
    id = pair.ours.request(fields)
    _, them = pair.travel()
    received = next(e for e in them if isinstance(e, h2.events.RequestReceived))
    assert sorted(tuple(f) for f in received.headers) == sorted(fields)
    pair.ours.reset(id, 8)
    assert [type(e).__name__ for e in pair.travel()[1]] == ["StreamReset"]
