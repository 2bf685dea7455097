from __future__ import annotations

import signal

from tests.workers.instance import Client, Instance


def test_starts_serves_and_stops(instance: Instance) -> None:
    client = Client(instance.port)
    assert client.echo()
    client.close()
    instance.signal(signal.SIGTERM)
    assert instance.wait() == 0
