from __future__ import annotations

from collections.abc import Iterator

import pytest

from mosn._fastpath.shm.segment import Segment


@pytest.fixture
def segment() -> Iterator[Segment]:
    made = Segment.create(8)
    yield made
    made.close()
