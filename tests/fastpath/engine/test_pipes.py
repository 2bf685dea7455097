"""Pipes through which bytes are spliced."""

from __future__ import annotations

import os
import random
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from mosn._fastpath.engine.probe import Pipes

Pair = tuple[socket.socket, socket.socket]
KEPT = 16


def tcp_pair() -> Pair:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        one = socket.create_connection(listening.getsockname())
        other, _ = listening.accept()
    one.setblocking(False)
    other.setblocking(False)
    return one, other


@pytest.fixture
def pairs() -> Iterator[tuple[Pair, Pair]]:
    made = tcp_pair(), tcp_pair()
    yield made
    for pair in made:
        for sock in pair:
            sock.close()


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_bytes_go_through_unchanged(pairs: tuple[Pair, Pair]) -> None:
    (client, source), (target, upstream) = pairs
    chance = random.Random(1)
    sent = chance.randbytes(3 << 20)
    pipe = Pipes().take()
    left, got = sent, b""
    while len(got) < len(sent):
        try:
            left = left[client.send(left[: chance.randrange(1, 200_000)]) :] if left else left
        except BlockingIOError:
            pass
        said, _ = pipe.fill(source.fileno(), chance.randrange(1, 100_000)) if pipe.bytes == 0 else (0, True)
        assert said >= -1
        assert pipe.drain(target.fileno())[0] in (0, 1)
        try:
            got += upstream.recv(1 << 20)
        except BlockingIOError:
            pass
    assert got == sent and pipe.bytes == 0


def test_nothing_there(pairs: tuple[Pair, Pair]) -> None:
    (client, source), _ = pairs
    pipe = Pipes().take()
    assert pipe.fill(source.fileno(), 1000) == (-1, False)
    client.close()
    assert pipe.fill(source.fileno(), 1000) == (0, True)


def test_a_target_that_takes_nothing(pairs: tuple[Pair, Pair]) -> None:
    (client, source), (target, upstream) = pairs
    pipe = Pipes().take()
    with pytest.raises(BlockingIOError):
        while True:
            target.send(b"x" * 65536)
    client.send(b"abc")
    while pipe.fill(source.fileno(), 1000)[0] != 3:
        pass
    assert pipe.drain(target.fileno()) == (0, False) and pipe.bytes == 3
    upstream.close()
    while pipe.drain(target.fileno())[0] == 0:
        pass
    assert pipe.drain(target.fileno())[0] == -2


def test_empty_pipes_are_kept_and_used_again() -> None:
    pipes = Pipes()
    taken = [pipes.take() for _ in range(KEPT + 10)]
    ends = {pipe.ends for pipe in taken}
    before = descriptors()
    for pipe in taken:
        pipe.give()
        pipe.give()  # a second time is harmless
    assert pipes.kept == KEPT
    assert descriptors() == before - 20
    again = [pipes.take() for _ in range(KEPT)]
    assert {pipe.ends for pipe in again} < ends and pipes.kept == 0


def test_a_pipe_with_bytes_inside_is_never_used_again(pairs: tuple[Pair, Pair]) -> None:
    (client, source), _ = pairs
    pipes = Pipes()
    pipe = pipes.take()
    client.send(b"secret")
    while pipe.fill(source.fileno(), 100)[0] != 6:
        pass
    before = descriptors()
    pipe.give()
    assert pipes.kept == 0 and descriptors() == before - 2


def test_a_pipe_is_closed_on_exec() -> None:
    pipe = Pipes().take()
    assert [os.get_inheritable(end) for end in pipe.ends] == [False, False]
