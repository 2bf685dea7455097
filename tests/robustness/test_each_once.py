"""Many requests in flight over two upstream connections: every one gets its own answer, once (see bench.each_once)."""

from __future__ import annotations

import socket
import struct
import subprocess
import sys

import pytest

from bench import each_once
from bench.load.client import read_report
from bench.load.protocols import wire
from bench.process import running

REQUESTS = 200_000


@pytest.mark.parametrize("protocol", each_once.PROTOCOLS)
def test_each_request_has_its_own_answer_once(protocol: str) -> None:
    found = each_once.exchange(protocol, REQUESTS)
    assert not each_once.failures(found), found


def served(request_ids: list[int]) -> list[int]:
    """The ids of the server's answers to so many BOLT requests in one piece."""
    question = wire("bolt").request(each_once.REQUEST)
    length = len(wire("bolt").answer(each_once.ANSWER["bolt"]))
    with running(each_once.command("serve", "bolt"), 1) as server:
        port = int(read_report(server, "server")["port"])
        with socket.create_connection(("127.0.0.1", port), timeout=10) as client, client.makefile("rb") as answers:
            client.sendall(b"".join(question[:5] + struct.pack(">I", id) + question[9:] for id in request_ids))
            return [struct.unpack(">I", answers.read(length)[5:9])[0] for _ in request_ids]


def test_the_server_answers_in_another_order() -> None:
    ids = list(range(1, 101))
    got = served(ids)
    assert got != ids
    assert sorted(got) == ids


def test_an_answer_that_repeats_something_else_is_noticed() -> None:
    stranger = [sys.executable, "-m", "bench.load", "serve", "--protocol", "bolt", "--body", "16"]
    with running(stranger, 1) as server:
        port = int(read_report(server, "server")["port"])
        command = each_once.command("load", "bolt", "--part", 1, "--port", port, "--requests", 2000)
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert '"wrong": 2000' in done.stdout
