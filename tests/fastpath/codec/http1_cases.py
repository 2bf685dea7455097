"""The HTTP/1.1 corpus and how tests drive the codec over it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from mosn._fastpath.codec.http1_face import HeadEvent, Parser
from tests.oracle import http1 as oracle

CORPUS = Path(__file__).parents[2] / "corpus" / "http1"
Event = tuple[object, ...]


@dataclass(frozen=True)
class Case:
    name: str
    data: bytes
    events: list[Event]
    response: bool = False
    limits: dict[str, int] = field(default_factory=dict)
    methods: tuple[bytes, ...] = ()

    def parser(self) -> Parser:
        return Parser(response=self.response, methods=self.methods, **self.limits)

    @property
    def error(self) -> str:
        return str(self.events[-1][1]) if self.events and self.events[-1][0] == "error" else ""

    @property
    def whole(self) -> bool:
        return bool(self.events) and self.events[-1] == ("end",)


def load() -> list[Case]:
    return [read(path) for path in sorted(CORPUS.glob("*/*.http"))]


def read(path: Path) -> Case:
    expect = json.loads(path.with_suffix(".expect").read_text())
    return Case(
        name=f"{path.parent.name}/{path.stem}",
        data=path.read_bytes(),
        events=[event(e) for e in expect["events"]],
        response=path.parent.name == "responses",
        limits=expect.get("limits", {}),
        methods=tuple(m.encode() for m in expect.get("methods", ())),
    )


def event(written: dict[str, object] | list[object]) -> Event:
    if isinstance(written, list):
        plain = written[0] in ("error", "end")
        return (written[0], *(w if plain else to_bytes(w) for w in written[1:]))
    kept = {"flags", "body"}
    read = {k: tuple(v) if k == "flags" else v if k in kept else to_bytes(v) for k, v in written.items()}
    return HeadEvent(**(oracle.Head()._asdict() | read))


def to_bytes(value: object) -> object:
    if isinstance(value, str):
        return value.encode("latin-1")
    return tuple(to_bytes(v) for v in value) if isinstance(value, list) else value


def feed(parser: Parser, pieces: Iterable[bytes]) -> list[Event]:
    """All events, neighbouring data joined."""
    events: list[Event] = []
    for piece in pieces:
        for e in parser.feed(piece):
            if e[0] == "data" and events and events[-1][0] == "data":
                events[-1] = ("data", events[-1][1] + e[1])
            else:
                events.append(e)
    return events
