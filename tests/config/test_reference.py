"""The reference pages say what the tables say."""

from __future__ import annotations

from pathlib import Path

from mosn.config.mosn_json.clusters import _POLICIES
from mosn.config.mosn_json.logs import VARIABLES
from mosn.config.reference import configuration_page, findings_page

DOCS = Path(__file__).parents[2] / "docs"
HOW = "run python -m mosn.config.reference docs/reference"


def test_findings() -> None:
    assert (DOCS / "reference" / "findings.md").read_text() == findings_page(), HOW


def test_configuration() -> None:
    present = (DOCS / "reference" / "configuration.md").read_text()
    assert present == configuration_page(present), HOW


def test_the_mosn_page_names_every_policy_and_operator() -> None:
    page = (DOCS / "mosn-json.md").read_text()
    assert [name for name in _POLICIES if name not in page] == []
    operators = {operator for operator in VARIABLES.values() if "(" in operator or "DURATION" in operator}
    assert [operator for operator in operators if operator not in page] == []
