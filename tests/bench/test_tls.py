"""TLS between the generator and a server that ends it and passes the rest on."""

from __future__ import annotations

import os

import pytest

from bench.instance import instance
from bench.load import client
from bench.load.client import FAILURES, Cores, Exchange, Load
from bench.load.protocols import tls_cipher
from bench.peers import PEERS

KIB = 1024


def no_tls() -> bool:
    try:
        tls_cipher()
    except LookupError:
        return True
    return False


@pytest.mark.peer
@pytest.mark.skipif(bool(PEERS["haproxy"].absent()), reason="no haproxy")
@pytest.mark.skipif(no_tls(), reason="no OpenSSL headers")
@pytest.mark.parametrize("body", [KIB, 100 * KIB])
def test_answers_by_tls_are_right(body: int) -> None:
    core = min(os.sched_getaffinity(0))
    exchange = Exchange("http1", body, tls=True)
    plain = Exchange("http1", body)
    with client.backend(plain, core) as behind, instance(PEERS["haproxy"], exchange, behind.port, core) as proxy:
        load = Load(exchange, connections=4, depth=2, warmup=0.05, seconds=0.2)
        report = client.run_load(load, proxy.port, proxy.pid, behind, Cores(core, core))
        with client.holder(exchange, proxy.port, 20, core) as clients:
            clients.hold(20)
    assert report["answered"] == report["right"] > 0
    assert {name: report[name] for name in FAILURES} == dict.fromkeys(FAILURES, 0)
    assert report["cpu_s"] > 0


@pytest.mark.skipif(no_tls(), reason="no OpenSSL headers")
def test_a_server_without_tls_is_refused() -> None:
    """The echo of a ClientHello is no answer to it."""
    with client.backend(Exchange("tcp", KIB, KIB), 0) as behind:
        load = Load(Exchange("http1", KIB, tls=True), connections=1, warmup=0, seconds=0.1)
        with pytest.raises(RuntimeError, match="no report"):
            client.run_load(load, behind.port, 0, behind, Cores(0, 0))
