from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.proxy.sidecar import Sidecar
from tests.proxy.tls import Authority, Certificate
from tests.proxy.upstream import Peer, Upstream, echo_head

Start = Callable[..., Sidecar]
MakeUpstream = Callable[..., Upstream]


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
def authority(tmp_path: Path) -> Authority:
    directory = tmp_path / "certificates"
    directory.mkdir()
    return Authority(directory)


@pytest.fixture
def certificate(authority: Authority) -> Certificate:
    return authority.issue("a.test", "*.b.test", "127.0.0.1")
