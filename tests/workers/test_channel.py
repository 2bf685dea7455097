"""Channels and messages over real socket pairs."""

from __future__ import annotations

import gc
import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mosn.workers import messages
from mosn.workers.channel import Channel
from mosn.workers.loop import Loop
from mosn.workers.memory_file import read_memory_file, write_memory_file


class End:
    """One end of a channel and what came out of it."""

    def __init__(self, loop: Loop, sock: socket.socket) -> None:
        self.loop = loop
        self.got: list[tuple[Any, list[int]]] = []
        self.closed = ""
        self.channel = Channel(sock, loop, self._message, self._closed)

    def _message(self, message: Any, fds: list[int]) -> None:
        self.got.append((message, fds))
        self.loop.stop()

    def _closed(self, reason: str) -> None:
        self.closed = reason
        self.loop.stop()


class Pair:
    def __init__(self) -> None:
        self.loop = Loop()
        self.raw, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.left, self.right = End(self.loop, self.raw), End(self.loop, theirs)

    def turn(self) -> None:
        """Until something arrives."""
        self.loop._stopped = False
        self.loop.call_later(10, self.loop.stop)
        self.loop.run()


@pytest.fixture
def pair() -> Iterator[Pair]:
    made = Pair()
    yield made
    made.left.channel.close()
    made.right.channel.close()


def test_messages_keep_their_types(pair: Pair) -> None:
    pair.left.channel.send(messages.Install(7, "v1"))
    pair.turn()
    assert pair.right.got == [(messages.Install(7, "v1"), [])]


def test_descriptors_travel(pair: Pair) -> None:
    fd = write_memory_file("test", b"hello")
    pair.left.channel.send(messages.Sockets(1, "a"), [fd, fd])
    os.close(fd)
    pair.turn()
    fds = pair.right.got[0][1]
    assert [read_memory_file(fd) for fd in fds] == [b"hello"] * 2
    assert not any(os.get_inheritable(fd) for fd in fds)
    for fd in fds:
        os.close(fd)


def test_a_large_message_travels_as_a_file(pair: Pair) -> None:
    fd = write_memory_file("test", b"hello")
    large = messages.Loaded(1, False, "", [], "", [], "x" * 3_000_000)
    pair.left.channel.send(large, [fd])
    os.close(fd)
    pair.turn()
    message, fds = pair.right.got[0]
    assert message == large and read_memory_file(fds[0]) == b"hello"
    os.close(fds[0])


def test_what_the_socket_does_not_take_waits_in_order(pair: Pair) -> None:
    gc.collect()  # what earlier tests left behind
    before = len(os.listdir("/proc/self/fd"))
    for number in range(2000):
        fd = os.eventfd(0)
        pair.left.channel.send(messages.Done(number, "x" * 1000), [fd])
        os.close(fd)
    while len(pair.right.got) < 2000:
        pair.turn()
    assert [message.sequence for message, _ in pair.right.got] == list(range(2000))
    for _, fds in pair.right.got:
        os.close(fds[0])
    assert len(os.listdir("/proc/self/fd")) == before


def test_the_other_end_hears_of_a_close(pair: Pair) -> None:
    pair.left.channel.close()
    pair.turn()
    assert pair.right.closed == "closed by the other side"
    pair.right.channel.send(messages.Stop())  # nobody is told twice, nothing is raised


def test_sending_to_a_closed_end_tells_the_owner() -> None:
    loop = Loop()
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    theirs.close()
    end = End(loop, ours)
    end.channel.send(messages.Stop())
    assert "cannot send" in end.closed


@pytest.mark.parametrize("data", [b"Bgarbage", b"B" + messages.pack(["Nothing"]), b"F", b"B" + messages.pack(["Done"])])
def test_what_is_no_message_closes_the_channel(pair: Pair, data: bytes) -> None:
    pair.raw.send(data)
    pair.turn()
    assert pair.right.closed.startswith(("not a message", "pop from empty"))


def test_a_memory_file_is_sealed() -> None:
    fd = write_memory_file("test", b"hello")
    with pytest.raises(PermissionError):
        os.pwrite(fd, b"j", 0)
    with pytest.raises(PermissionError):
        os.ftruncate(fd, 1)
    os.close(fd)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_a_protocol_error(data: bytes) -> None:
    try:
        messages.decode(data)
    except messages.ProtocolError:
        pass


@given(st.integers(0, 2**32), st.text(max_size=50))
def test_messages_come_back_as_they_were(sequence: int, text: str) -> None:
    message = messages.Done(sequence, text)
    assert messages.decode(messages.encode(message)) == message
