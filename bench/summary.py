"""From rounds to one figure a peer, and from figures to goals met or not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from bench.goals import BEST, GOALS, Goal
from bench.runner import DIRECT, Outcome

OURS = "mosn"
# Metrics that are a difference to the direct connection in the same round.
ADDED = {"added_p50_us": "p50_us", "added_p99_us": "p99_us"}


@dataclass(frozen=True)
class Figures:
    """Medians of one peer in one row; `rounds` of `all_rounds` were undisturbed and count, unless none was."""

    row: str
    peer: str
    values: dict[str, float]
    failures: int
    proxy_core_others: float
    load_core_others: float
    rounds: int
    all_rounds: int


@dataclass(frozen=True)
class Verdict:
    """A goal with what was measured. `ratio` is ours / peer's, None for an absolute goal."""

    goal: Goal
    peer: str | None
    ours: float | None
    theirs: float | None
    ratio: float | None

    @property
    def met(self) -> bool | None:
        """None when one side was not measured."""
        compared = self.ratio if self.goal.peer else self.ours
        return None if compared is None else compared <= self.goal.limit


def add_differences(outcomes: Sequence[Outcome]) -> None:
    """Give every open-loop measurement what it adds to the direct one of its round."""
    direct = {(outcome.row, outcome.round): outcome for outcome in outcomes if outcome.peer == DIRECT}
    for outcome in outcomes:
        base = direct.get((outcome.row, outcome.round))
        if base is None or outcome is base:
            continue
        for name, of in ADDED.items():
            outcome.measurement.values[name] = outcome.measurement.values[of] - base.measurement.values[of]


def counting(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """The undisturbed ones, or all when there is none."""
    every = list(outcomes)
    return [outcome for outcome in every if not outcome.disturbed] or every


def figures(outcomes: Sequence[Outcome]) -> list[Figures]:
    """One line a row and peer, in the order measured."""
    groups: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault((outcome.row, outcome.peer), []).append(outcome)
    return [figures_of(row, peer, group) for (row, peer), group in groups.items()]


def figures_of(row: str, peer: str, group: Sequence[Outcome]) -> Figures:
    counted = counting(group)
    names = {name: None for outcome in counted for name in outcome.measurement.values}
    return Figures(
        row,
        peer,
        {name: median(values_of(counted, name)) for name in names},
        sum(failures_of(outcome) for outcome in group),
        median(outcome.measurement.proxy_core_others for outcome in counted),
        median(outcome.measurement.load_core_others for outcome in counted),
        sum(not outcome.disturbed for outcome in group),
        len(group),
    )


def failures_of(outcome: Outcome) -> int:
    """Of any round; but that a request was asked late in a disturbed one is no fault of the proxy."""
    return sum(
        count for kind, count in outcome.measurement.failures.items() if not (outcome.disturbed and kind == "late")
    )


def values_of(outcomes: Iterable[Outcome], metric: str) -> list[float]:
    return [outcome.measurement.values[metric] for outcome in outcomes if metric in outcome.measurement.values]


def ratio_of(outcomes: Sequence[Outcome], row: str, metric: str, one: str, other: str) -> float | None:
    """Median over rounds of one peer's value divided by another's in the same round, disturbed rounds left out."""
    by_round: dict[int, dict[str, Outcome]] = {}
    for outcome in outcomes:
        if outcome.row == row and outcome.peer in (one, other) and metric in outcome.measurement.values:
            by_round.setdefault(outcome.round, {})[outcome.peer] = outcome
    pairs = [pair for pair in by_round.values() if one in pair and other in pair]
    quiet = [pair for pair in pairs if not any(outcome.disturbed for outcome in pair.values())]
    ratios = [
        pair[one].measurement.values[metric] / pair[other].measurement.values[metric]
        for pair in quiet or pairs
        if pair[other].measurement.values[metric]
    ]
    return median(ratios) if ratios else None


def verdicts(outcomes: Sequence[Outcome], ours: str = OURS) -> list[Verdict]:
    """Every goal of a row that was measured."""
    table = {(line.row, line.peer): line.values for line in figures(outcomes)}
    rows = {row for row, _ in table}
    return [verdict(goal, outcomes, table, ours) for goal in GOALS if goal.row in rows]


def verdict(
    goal: Goal, outcomes: Sequence[Outcome], table: dict[tuple[str, str], dict[str, float]], ours: str
) -> Verdict:
    own = table.get((goal.row, ours), {}).get(goal.metric)
    if goal.peer is None:
        return Verdict(goal, None, own, None, None)
    peer = best_peer(goal, table, ours) if goal.peer == BEST else goal.peer
    if peer is None:
        return Verdict(goal, None, own, None, None)
    theirs = table.get((goal.row, peer), {}).get(goal.metric)
    return Verdict(goal, peer, own, theirs, ratio_of(outcomes, goal.row, goal.metric, ours, peer))


def is_ours(peer: str, ours: str = OURS) -> bool:
    """This project's proxy, at the checkout or at another revision."""
    return peer == ours or peer.startswith(f"{ours}@")


def best_peer(goal: Goal, table: dict[tuple[str, str], dict[str, float]], ours: str) -> str | None:
    """Whose value is least, ourselves (at any revision) and the direct connection apart."""
    candidates = {
        peer: values[goal.metric]
        for (row, peer), values in table.items()
        if row == goal.row and not is_ours(peer, ours) and peer != DIRECT and goal.metric in values
    }
    return min(candidates, key=lambda peer: candidates[peer]) if candidates else None
