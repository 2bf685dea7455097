"""Malformed and odd requests: what Envoy refuses is refused; where this proxy is stricter, malformed.yaml says why."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.differential.cases import Case
from tests.differential.conftest import Pairs
from tests.differential.malformed import cases, summary

pytestmark = pytest.mark.peer
TABLE = yaml.safe_load((Path(__file__).parent / "malformed.yaml").read_text())
KINDS = {case: kind for kind, reasons in TABLE.items() for names in reasons.values() for case in names}


def kind_of(envoy: dict[str, list[str]], ours: dict[str, list[str]]) -> str:
    """How they differ: a kind of malformed.yaml, "same", or "laxer", which is in no table."""
    if envoy == ours:
        return "same"
    theirs, answered = envoy["answers"][:1] or ["none"], ours["answers"][:1] or ["none"]
    refused = answered[0][0] in "45"
    if refused and theirs[0][0] in "45":
        return "status"
    return "stricter" if refused else "laxer"


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_malformed(pairs: Pairs, case: Case) -> None:
    envoy, ours = (summary(seen) for seen in pairs.get("malformed").play(case))
    expected = KINDS.get(case.name, "same")
    if expected == "other":
        assert envoy != ours, f"{case.name} is listed in malformed.yaml, but equal"
    else:
        assert kind_of(envoy, ours) == expected, f"Envoy: {envoy}\nours:  {ours}"


def test_table_names_cases() -> None:
    assert not set(KINDS) - {case.name for case in cases()}
