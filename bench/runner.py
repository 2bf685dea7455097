"""Interleaved rounds: every peer once, then every peer again, so that a slow minute hits all alike."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from bench.load.client import Backend, backend
from bench.measure import KINDS, Conditions, Measurement
from bench.peers.base import CannotTakePart, Peer, PeerFailure
from bench.rows import Row

# The load straight to the backend: what an open loop's latencies are compared with.
DIRECT = "direct"
# Share of the slowest peer's closed-loop throughput at which latency is measured.
OPEN_LOOP_SHARE = 0.5


@dataclass(frozen=True)
class Outcome:
    """One measurement, with where it belongs."""

    row: str
    peer: str
    round: int
    disturbed: bool
    measurement: Measurement

    def as_json(self) -> dict[str, Any]:
        """Flat, for the file."""
        place = {"row": self.row, "peer": self.peer, "round": self.round, "disturbed": self.disturbed}
        return place | asdict(self.measurement)


@dataclass
class Run:
    """The peers, how they are measured, and what came of it so far."""

    peers: Mapping[str, Peer]
    conditions: Conditions
    rounds: int = 5
    # How often a disturbed measurement is repeated, and what share of a core disturbs.
    retries: int = 1
    most_others: float = 0.05
    outcomes: list[Outcome] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    rates: dict[str, float] = field(default_factory=dict)

    def run(self, row: Row) -> None:
        """All rounds of one row."""
        progress(f"{row.name}: {row.title}")
        with backend(row.exchange, self.conditions.cores.load) as behind:
            conditions = self.conditions
            entrants: dict[str, Peer | None] = dict(self.peers)
            if row.kind == "open":
                conditions = replace(conditions, rate=conditions.rate or self.calibrate(row, behind))
                self.rates[row.name] = conditions.rate
                entrants = {DIRECT: None, **entrants}
            for number in range(self.rounds):
                for name in list(entrants):
                    try:
                        self.outcomes.append(self.measure(row, name, entrants[name], behind, conditions, number))
                    except CannotTakePart as reason:
                        self.note(f"{row.name}: without {name}: {reason}")
                        del entrants[name]
                    except (PeerFailure, RuntimeError, OSError) as failure:
                        self.note(f"{row.name}: {name} left out after round {number}: {failure}")
                        del entrants[name]

    def measure(
        self, row: Row, name: str, peer: Peer | None, behind: Backend, conditions: Conditions, number: int
    ) -> Outcome:
        """One peer in one round, again if other work disturbed it."""
        for _ in range(self.retries + 1):
            measurement = KINDS[row.kind](row, peer, behind, conditions)
            disturbed = measurement.disturbed(self.most_others)
            progress(f"  round {number + 1}/{self.rounds} {name:14} {describe(measurement)}")
            if not disturbed:
                break
        return Outcome(row.name, name, number, disturbed, measurement)

    def calibrate(self, row: Row, behind: Backend) -> float:
        """Half of what the slowest peer answers in a closed loop of a second, in requests a second."""
        short = replace(self.conditions, seconds=1.0)
        found: dict[str, float] = {}
        for name, peer in self.peers.items():
            try:
                found[name] = KINDS["closed"](row, peer, behind, short).values["requests_per_s"]
            except (PeerFailure, RuntimeError, OSError) as failure:
                self.note(f"{row.name}: {name} not counted for the rate: {failure}")
        if not found:
            raise PeerFailure(f"no peer answered in row {row.name}; the notes say why")
        slowest = min(found, key=lambda name: found[name])
        rate = round(found[slowest] * OPEN_LOOP_SHARE, -2)
        self.note(f"{row.name}: {rate:.0f} requests/s, half of the slowest, {slowest}")
        return rate

    def note(self, text: str) -> None:
        """Something the reader of the result must know."""
        self.notes.append(text)
        progress(f"  note: {text}")


def describe(measurement: Measurement) -> str:
    """A line of figures."""
    figures = "  ".join(f"{name} {value:,.2f}" for name, value in measurement.values.items())
    return f"{figures}  others {measurement.proxy_core_others:.1%}/{measurement.load_core_others:.1%}" + (
        f"  FAILURES {measurement.failures}" if measurement.failures else ""
    )


def progress(line: str) -> None:
    """Standard error, so that standard output is the result alone."""
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)
