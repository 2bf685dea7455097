"""The same bootstrap and the same bytes to Envoy and to this proxy: answers, upstream requests, access logs."""

from __future__ import annotations

import pytest

from tests.differential.cases import SCENARIOS, Case, load
from tests.differential.conftest import Pairs
from tests.differential.differences import verdict

pytestmark = pytest.mark.peer


def by_scenario(kinds: list[str]) -> list[tuple[str, Case | str]]:
    """Scenario by scenario, so that each pair of programs starts once."""
    found: list[tuple[str, Case | str]] = []
    for file in SCENARIOS:
        cases = load(file).cases
        found += [(kind, case) for kind in kinds for case in cases]
    return found


@pytest.mark.parametrize(("kind", "case"), by_scenario(["answer", "log"]), ids=lambda each: getattr(each, "id", each))
def test_case(pairs: Pairs, kind: str, case: Case) -> None:
    pair = pairs.get(case.scenario)
    envoy, ours = pair.play(case)
    if kind == "answer":
        assert not (found := verdict(case.id, "answers ending upstream", envoy, ours)), f"{case.id}\n{found}"
        return
    pair.settle()
    left, right = ({"log": side.logged(case)} for side in pair.sides)
    assert not (found := verdict(case.id, "log", left, right)), f"{case.id}\n{found}"
