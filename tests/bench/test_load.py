"""The load generator against the backend, and against a backend that answers wrongly."""

from __future__ import annotations

import socket
import threading

import pytest

from bench.load import client
from bench.load.client import FAILURES, Cores, Exchange, Load
from bench.load.protocols import wire
from bench.probe import WrongAnswer, probe

CORES = Cores(proxy=0, load=0)
KIB = 1024
EXCHANGES = [
    Exchange("http1", KIB),
    Exchange("http1", 64 * KIB),
    Exchange("http1", 0, request_body=300),
    Exchange("tcp", KIB, KIB),
    Exchange("tcp", 300 * KIB, 300 * KIB),
    Exchange("http2", KIB),
    Exchange("http2", 0),
    Exchange("bolt", KIB, 128),
    Exchange("dubbo", KIB, 128),
    Exchange("dubbo", 40 * KIB, 900),
]

HEARTBEATS = [
    (
        "bolt",
        "01 01 0000 01 00000a0b 01 ffffffff 0000 0000 00000000",
        "01 00 0000 01 00000a0b 01 0000 0000 0000 00000000",
    ),
    ("dubbo", "dabb e2 00 00000000000a0b0c 00000001 4e", "dabb 22 14 00000000000a0b0c 00000001 4e"),
]


def name_of(exchange: Exchange) -> str:
    return f"{exchange.protocol}-{exchange.request_body}-{exchange.body}"


@pytest.mark.parametrize("depth", [1, 4])
@pytest.mark.parametrize("exchange", EXCHANGES, ids=name_of)
def test_every_answer_of_a_closed_loop_is_right(exchange: Exchange, depth: int) -> None:
    with client.backend(exchange, CORES.load) as behind:
        load = Load(exchange, connections=8, depth=depth, warmup=0.05, seconds=0.2)
        report = client.run_load(load, behind.port, 0, behind, CORES)
    assert report["answered"] == report["right"] > 0
    assert {name: report[name] for name in FAILURES} == dict.fromkeys(FAILURES, 0)
    assert 0 < report["latency_us"]["p50"] <= report["latency_us"]["p99"] <= report["latency_us"]["max"]


@pytest.mark.parametrize("exchange", EXCHANGES, ids=name_of)
def test_a_probe_finds_the_backend_right(exchange: Exchange) -> None:
    with client.backend(exchange, CORES.load) as behind:
        probe(exchange, behind.port)


@pytest.mark.parametrize("protocol", ["http1", "http2", "bolt", "dubbo"])
def test_a_probe_finds_a_shorter_answer_wrong(protocol: str) -> None:
    with client.backend(Exchange(protocol, 100, 50), CORES.load) as behind, pytest.raises(WrongAnswer):
        probe(Exchange(protocol, 101, 50), behind.port)


@pytest.mark.parametrize(("protocol", "heartbeat", "answer"), HEARTBEATS)
def test_the_backend_answers_heartbeats(protocol: str, heartbeat: str, answer: str) -> None:
    with (
        client.backend(Exchange(protocol, 100, 50), CORES.load) as behind,
        socket.create_connection(("127.0.0.1", behind.port), timeout=5) as connection,
    ):
        connection.sendall(bytes.fromhex(heartbeat))
        wanted = bytes.fromhex(answer)
        assert connection.recv(4096) == wanted


def test_an_open_loop_asks_as_often_as_told() -> None:
    exchange = Exchange("http1", KIB)
    with client.backend(exchange, CORES.load) as behind:
        load = Load(exchange, connections=8, warmup=0.05, seconds=0.2, rate=1000.0)
        report = client.run_load(load, behind.port, 0, behind, CORES)
    assert report["answered"] + report["late"] + report["lost"] == 200


def test_an_answer_of_another_length_is_wrong() -> None:
    with client.backend(Exchange("http1", 100), CORES.load) as behind:
        load = Load(Exchange("http1", 101), connections=2, warmup=0.02, seconds=0.05)
        report = client.run_load(load, behind.port, 0, behind, CORES)
    assert report["right"] == 0
    assert report["wrong"] == report["answered"] > 0


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 2\r\n\r\nno", "wrong"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nyes", "wrong"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", "broken"),
        (b"SSH-2.0-OpenSSH_9.2p1 is not HTTP\r\n\r\n", "broken"),
        (b"", "closed"),
    ],
)
def test_a_bad_answer_is_counted(answer: bytes, failure: str) -> None:
    with one_answer_server(answer) as port:
        report = ask_once(port)
    assert report[failure] == 1
    assert report["right"] == 0


def test_an_answer_in_single_bytes_is_understood() -> None:
    with one_answer_server(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", piece=1) as port:
        assert ask_once(port)["right"] == 1


def test_held_connections_have_each_been_answered() -> None:
    exchange = Exchange("http1", KIB)
    with client.backend(exchange, CORES.load) as behind, client.holder(exchange, behind.port, 150, 0) as clients:
        clients.hold(10)
        clients.hold(150)


def test_requests_and_answers_are_what_they_say() -> None:
    assert b"content-length: 5\r\n\r\nqqqqq" in wire("http1").request(5)
    assert wire("http1").answer(3).endswith(b"content-length: 3\r\n\r\naaa")
    assert wire("tcp").answer(1000) == wire("tcp").request(1000)
    with pytest.raises(LookupError, match="choose from"):
        wire("gopher")


def ask_once(port: int) -> dict[str, int]:
    """One request of a generator that expects 200 and two bytes."""
    chosen = wire("http1")
    from bench.load.generator import Generator  # compiled by wire()

    clients = Generator(chosen.protocol(), chosen.request(0), 2, port, 1, 1)
    clients.connect(0, 1)
    clients.ask_each(0, 1)
    return clients.take()  # type: ignore[return-value]


class one_answer_server:
    """Says the same to the first who asks; keeps the connection open unless there is nothing to say."""

    def __init__(self, answer: bytes, piece: int = 1 << 16) -> None:
        self.pieces = [answer[place : place + piece] for place in range(0, len(answer), piece)]
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.serve)

    def __enter__(self) -> int:
        self.thread.start()
        return int(self.listener.getsockname()[1])

    def __exit__(self, *_failure: object) -> None:
        self.ended.set()
        self.thread.join()
        self.listener.close()

    def serve(self) -> None:
        connection, _ = self.listener.accept()
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.recv(65536)
            for piece in self.pieces:
                connection.sendall(piece)
            if self.pieces:
                self.ended.wait(5)
