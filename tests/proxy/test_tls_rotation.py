"""Certificates that change while clients come and go."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.proxy.conftest import MakeUpstream, Start
from tests.proxy.tls import Authority, TlsPeer, client_context, downstream, get, serve_http
from tests.proxy.upstream import Closed, status

ROTATIONS = 20


@contextmanager
def load(port: int, context: ssl.SSLContext, failures: list[object]) -> Iterator[list[int]]:
    """New connections all the time; counts those that were served."""
    stop = threading.Event()
    served = [0, 0]

    def run(number: int) -> None:
        while not stop.is_set():
            try:
                client = TlsPeer.open(port, context)
                for _ in range(3):
                    client.send(get())
                    if status(client.message()[0]) != 200:
                        failures.append("status")
                client.close()
                served[number] += 1
            except (OSError, Closed) as error:
                failures.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield served
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def certificate_of(port: int, context: ssl.SSLContext) -> bytes | None:
    client = TlsPeer.open(port, context)
    shown = client.sock.getpeercert(binary_form=True)
    client.close()
    return shown


def test_rotation_under_load(start: Start, upstream: MakeUpstream, authority: Authority) -> None:
    first = authority.issue("a.test", file="server")
    sidecar, port = serve_http(start, upstream, downstream(first), workers=2)
    context = client_context(authority)
    old = TlsPeer.open(port, context)
    failures: list[object] = []
    seen = {ssl.PEM_cert_to_DER_cert(first.pem.decode())}
    with load(port, context, failures) as served:
        for _ in range(ROTATIONS):
            newest = ssl.PEM_cert_to_DER_cert(authority.issue("a.test", file="server").pem.decode())
            seen.add(newest)
            deadline = time.monotonic() + 10
            while (shown := certificate_of(port, context)) != newest:
                assert shown in seen
                assert time.monotonic() < deadline, sidecar.output()
                time.sleep(0.05)
    assert min(served) > 0
    assert failures == []
    old.send(get())
    assert status(old.message()[0]) == 200
