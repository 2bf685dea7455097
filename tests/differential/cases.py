"""Scenario files: listeners, and the cases that are played on them.  README.md has the format."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.differential.upstream import OK, Answer

HERE = Path(__file__).parent
SCENARIOS = sorted((HERE / "scenarios").glob("*.yaml"))
NAMED_ANSWERS: dict[str, Answer] = {
    "ok": OK,
    "close": {"raw": "", "then": "close"},
    "reset": {"raw": "", "then": "reset"},
    "hang": {"raw": "", "then": "hang"},
    **{str(status): {"status": status, "body": "from upstream"} for status in (404, 409, 429, 500, 502, 503, 504)},
}


@dataclass(frozen=True)
class Case:
    """One connection of a client: what it sends, and what the upstream answers."""

    scenario: str
    name: str
    listener: str
    sends: list[bytes]
    methods: list[str]
    answers: list[Answer] = field(default_factory=lambda: [OK])
    patience: float = 2.0
    half_close: bool = False
    after: bytes = b""

    @property
    def id(self) -> str:
        return f"{self.scenario}: {self.name}"


@dataclass(frozen=True)
class Scenario:
    name: str
    listeners: dict[str, dict[str, Any]]
    clusters: list[dict[str, Any]]
    cases: list[Case]


def encode(text: str) -> bytes:
    return text.encode("latin-1")


def request_bytes(plain: dict[str, Any]) -> bytes:
    """`request: GET /path` with fields and a body; Host and Content-Length are added unless they are given."""
    fields = [str(each) for each in plain.get("fields", [])]
    names = {each.partition(":")[0].lower() for each in fields}
    body = plain.get("body", "")
    if "host" not in names and plain.get("host") is not False:
        fields.insert(0, f"Host: {plain.get('host', 'example.com')}")
    if body and not names & {"content-length", "transfer-encoding"}:
        fields.append(f"Content-Length: {len(body)}")
    line = f"{plain['request']} {plain.get('version', 'HTTP/1.1')}"
    return encode("\r\n".join([line, *fields, "", body]))


def sends_of(plain: dict[str, Any]) -> list[bytes]:
    if "raw" in plain:
        raw = plain["raw"]
        return [encode(each) for each in (raw if isinstance(raw, list) else [raw])]
    if "text" in plain:
        return [encode(plain["text"].replace("\n", "\r\n"))]
    return [request_bytes(plain)]


def answers_of(plain: dict[str, Any]) -> list[Answer]:
    said = plain.get("answers", ["ok"])
    return [NAMED_ANSWERS[str(each)] if not isinstance(each, dict) else {"status": 200, **each} for each in said]


def case_of(scenario: str, listener: str, plain: dict[str, Any]) -> Case:
    sends = sends_of(plain)
    methods = plain.get("methods") or [sends[0].lstrip(b"\r\n").split(b" ")[0].decode("latin-1")]
    options = {name: plain[name] for name in ("patience", "half_close") if name in plain}
    name = plain.get("name") or f"{plain['request']} on {listener}"
    after = encode(plain.get("after", ""))
    return Case(scenario, name, listener, sends, methods, answers_of(plain), after=after, **options)


@cache
def load(file: Path) -> Scenario:
    """Raises KeyError or ValueError when the file is not as README.md says."""
    plain = yaml.safe_load(file.read_text())
    cases = [case_of(file.stem, each, case) for each, cases in plain["cases"].items() for case in cases]
    names = [case.name for case in cases]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"{file.name}: two cases have the same name: {sorted(twice)}")
    return Scenario(file.stem, plain.get("listeners") or {}, plain.get("clusters") or [], cases)
