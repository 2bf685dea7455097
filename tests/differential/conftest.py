"""Both programs, once for each scenario, with the same bootstrap."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from bench.peers.install.envoy import find_program
from tests.differential import malformed
from tests.differential.cases import SCENARIOS, Case, load
from tests.differential.programs import ABSENT
from tests.differential.side import Seen, Side

SCENARIO_FILES = {file.stem: file for file in SCENARIOS}


class Pair:
    """Envoy and ours, in this order wherever two things are returned."""

    def __init__(self, envoy: Side, ours: Side, threads: ThreadPoolExecutor) -> None:
        self.sides = (envoy, ours)
        self.threads = threads
        self.settled = False

    def play(self, case: Case) -> tuple[Seen, Seen]:
        envoy, ours = self.threads.map(lambda side: side.play(case), self.sides)
        return envoy, ours

    def settle(self) -> None:
        """Wait for the logs of what has been played."""
        if not self.settled:
            list(self.threads.map(Side.log_is_quiet, self.sides))
            self.settled = True


class Pairs:
    """Started when first asked for; one at a time, so that the machine is not full of proxies."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.name = ""
        self.running = ExitStack()
        self.pair: Pair | None = None

    def get(self, name: str) -> Pair:
        if self.pair is None or self.name != name:
            self.running.close()
            self.pair = self._start(name)
            self.name = name
        return self.pair

    def _start(self, name: str) -> Pair:
        scenario = malformed.scenario() if name == "malformed" else load(SCENARIO_FILES[name])
        sides = []
        for program in ("envoy", "mosn"):
            directory = self.directory / name / program
            directory.mkdir(parents=True, exist_ok=True)
            sides.append(self.running.enter_context(Side(program, scenario, directory)))
        threads = self.running.enter_context(ThreadPoolExecutor(2))
        return Pair(sides[0], sides[1], threads)


@pytest.fixture(scope="session")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pairs]:
    if find_program() is None:
        pytest.skip(ABSENT)
    made = Pairs(tmp_path_factory.mktemp("differential"))
    yield made
    made.running.close()
