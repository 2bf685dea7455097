"""Whatever upstreams do, a client never gets an answer that is another request's."""

from __future__ import annotations

import asyncio

import pytest

from tests.proxy.sidecar import Sidecar, bootstrap, cluster, free_port, http_listener, route
from tests.robustness.asking import Found, ask, sound_failures
from tests.robustness.conftest import Start
from tests.robustness.faulty import FAULTS, SOUND
from tests.robustness.programs import running

GAUGES = (
    "http.http.downstream_cx_active",
    "http.http.downstream_rq_active",
    "cluster.backend.upstream_rq_active",
    "cluster.backend.upstream_rq_pending_active",
    "server.total_connections",
)


def clean(sidecar: Sidecar) -> None:
    for gauge in GAUGES:
        sidecar.wait_stat(gauge, 0, 10)


def mixed(start: Start, requests: int, faults: tuple[str, ...] = FAULTS, **fields: object) -> tuple[Found, Sidecar]:
    port = free_port()
    with running("faulty") as upstream:
        backend = cluster("backend", upstream, **fields)
        sidecar = start(bootstrap([http_listener(port, [route()])], [backend]), workers=2)
        found = asyncio.run(ask(port, requests, faults=faults))
        clean(sidecar)
    assert sum(found.outcomes.values()) == requests
    return found, sidecar


def test_random_faults(start: Start) -> None:
    found, _ = mixed(start, 14_000)
    assert found.wrong == []
    for fault in FAULTS:
        assert fault in SOUND or found.failed[fault] > 0
    # A request that met a kept connection which was just closing may fail if it must not be sent twice.
    assert sound_failures(found) < 1400, found.outcomes


def test_random_faults_when_requests_wait_for_connections(start: Start) -> None:
    """A connection goes from one request to the next at once: the case in which leftovers would be noticed last."""
    few = {"thresholds": [{"max_connections": 3}]}
    found, _ = mixed(start, 6000, tuple(sorted(SOUND)), circuit_breakers=few)
    assert found.wrong == []
    assert sound_failures(found) < 600, found.outcomes


@pytest.mark.slow
def test_random_faults_for_long(start: Start) -> None:
    found, _ = mixed(start, 100_000)
    assert found.wrong == []
