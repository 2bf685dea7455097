from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.box import Box
from tests.contract.protocol import Protocol
from tests.contract.protocols import PROTOCOLS


@pytest.fixture(scope="module", params=PROTOCOLS, ids=str)
def protocol(request: pytest.FixtureRequest) -> Protocol:
    made: Protocol = request.param
    return made


@pytest.fixture(scope="module")
def box(protocol: Protocol, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    with Box(protocol, tmp_path_factory.mktemp(protocol.name)) as made:
        yield made
