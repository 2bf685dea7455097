from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.proxy.http2 import OPTIONS
from tests.proxy.sidecar import Sidecar, bootstrap, cluster, free_port, http_listener, route
from tests.proxy.upstream import Peer, Upstream, echo_head

Start = Callable[..., Sidecar]
MakeUpstream = Callable[..., Upstream]
Through = Callable[..., int]


@pytest.fixture
def upstream() -> Iterator[MakeUpstream]:
    """Makes upstreams; all are stopped (and asked for errors) with the test."""
    made: list[Upstream] = []

    def make(handler: Callable[[Peer], None] = echo_head, **options: Any) -> Upstream:
        made.append(Upstream(handler, **options))
        return made[-1]

    yield make
    for each in made:
        each.stop()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts sidecars with a bootstrap; all are ended with the test."""
    with ExitStack() as running:

        def run(config: dict[str, Any], **options: Any) -> Sidecar:
            directory = tmp_path / f"sidecar-{len(list(tmp_path.iterdir()))}"
            directory.mkdir()
            return running.enter_context(Sidecar(directory, config, **options))

        yield run


@pytest.fixture
def through(start: Start) -> Through:
    """The port of a sidecar in front of an upstream; `h2`: it speaks HTTP/2 to it."""

    def make(backend: Upstream, *, h2: bool = False, **manager: Any) -> int:
        port = free_port()
        fields = {**manager.pop("cluster", {}), **(OPTIONS if h2 else {})}
        listener = http_listener(port, [route(**manager.pop("action", {}))], **manager)
        make.sidecar = start(bootstrap([listener], [cluster("backend", backend.port, **fields)]))  # type: ignore[attr-defined]
        return port

    return make


def sidecar_of(through: Through) -> Sidecar:
    found: Sidecar = through.sidecar  # type: ignore[attr-defined]
    return found
