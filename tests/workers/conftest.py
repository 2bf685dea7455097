from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.workers.instance import Instance


@pytest.fixture
def make_instance(tmp_path: Path) -> Iterator[Callable[..., Instance]]:
    """Instances that are not started yet; all are ended with the test."""
    made: list[Instance] = []

    def make(**options: Any) -> Instance:
        directory = tmp_path / f"instance-{len(made)}"
        directory.mkdir()
        made.append(Instance(directory, **options))
        return made[-1]

    yield make
    for instance in made:
        if hasattr(instance, "process"):
            instance.end()


@pytest.fixture
def instance(make_instance: Callable[..., Instance]) -> Instance:
    """Two workers, one listener, running."""
    return make_instance().start()
