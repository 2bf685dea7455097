"""The latencies that come out are those that went in, to one per cent."""

from __future__ import annotations

import socket
import threading
import time

from bench.load.protocols import wire

DELAYS = [0.001] * 8 + [0.02, 0.05]


def serve(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        for delay in DELAYS:
            connection.recv(65536)
            time.sleep(delay)
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")


def test_quantiles_follow_the_delays() -> None:
    chosen = wire("http1")
    from bench.load.generator import Generator  # compiled by wire()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve, args=(listener,))
        server.start()
        clients = Generator(chosen.protocol(), chosen.request(0), 0, listener.getsockname()[1], 1, 1)
        clients.connect(0, 1)
        for _ in DELAYS:
            clients.ask_each(0, 1)
        server.join()
    latency = clients.take()["latency_us"]
    assert isinstance(latency, dict)
    # Sleeping may take longer than asked, never less; a slot's middle may be one per cent below.
    assert 990 <= latency["p50"] <= latency["p90"] <= latency["p99"] <= latency["max"]
    assert latency["p90"] >= 19_800
    assert latency["p99"] >= 49_500
    assert clients.take()["latency_us"] == dict.fromkeys(["p50", "p90", "p99", "p99.9", "max"], 0.0)
