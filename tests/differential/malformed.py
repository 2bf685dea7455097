"""The HTTP/1.1 corpus as cases: who refuses what."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.differential.cases import Case, Scenario

CORPUS = Path(__file__).parents[1] / "corpus" / "http1" / "requests"
def cases() -> list[Case]:
    """Complete requests only: a head without an end would be waited for."""
    found = []
    for file in sorted(CORPUS.glob("*.http")):
        expected = json.loads(file.with_suffix(".expect").read_text())
        last = expected["events"][-1] if expected["events"] else None
        if "limits" not in expected and isinstance(last, list) and len(file.read_bytes()) < 8192:
            found.append(Case("malformed", file.stem, "plain", [file.read_bytes()], [method(file)], patience=0.5))
    return found


def method(file: Path) -> str:
    return file.read_bytes().lstrip(b"\r\n").split(b" ")[0].decode("latin-1")


def summary(seen: dict[str, Any]) -> dict[str, Any]:
    """What counts here: the statuses, whether the connection lives, and what the upstream took the bytes for.

    How much of a refused request reached the upstream before the refusal is a matter of timing.
    """
    answers = [answer["line"].partition(" ")[2][:3] for answer in seen["answers"]]
    if seen["ending"].startswith("more"):       # of pipelined requests the first is looked at
        return {"answers": answers, "ending": "more"}
    if not answers or answers[0] != "200":
        return {"answers": answers, "ending": seen["ending"]}
    requests = [(each["line"], each["fields"].get("host"), each.get("body", "")) for each in seen["upstream"]]
    return {"answers": answers, "ending": seen["ending"], "upstream": requests}


def scenario() -> Scenario:
    return Scenario("malformed", {"plain": {}}, [], cases())
