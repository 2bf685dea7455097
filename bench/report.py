"""The result as Markdown tables and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import asdict
from typing import Any

from bench.goals import KIB, MIB
from bench.rows import Row
from bench.runner import Outcome
from bench.summary import OURS, Figures, Verdict, figures, is_ours, ratio_of, verdicts

# Column title and metric for each kind of row.
COLUMNS: dict[str, dict[str, str]] = {
    "closed": {
        "requests/s": "requests_per_s",
        "core used": "core_used",
        "CPU us/request": "cpu_us",
        "p50 us": "p50_us",
        "p99 us": "p99_us",
        "p99.9 us": "p999_us",
        "RSS": "rss",
        "PSS": "pss",
    },
    "idle": {
        "connections": "connections",
        "PSS B/connection": "pss_per_connection",
        "RSS B/connection": "rss_per_connection",
        "private B/connection": "private_dirty_per_connection",
        "PSS": "pss",
    },
    "memory": {
        "PSS": "pss",
        "RSS": "rss",
        "private": "private_dirty",
        "worker PSS": "worker_pss",
        "processes": "processes",
    },
    "scaling": {
        "cost of two": "cost_of_two",
        "CPU us/request": "cpu_us",
        "CPU us/request of one": "cpu_us_of_one",
    },
    "ready": {"ready s": "ready_s", "check s": "check_s"},
}
COLUMNS["open"] = COLUMNS["closed"] | {"added p50 us": "added_p50_us", "added p99 us": "added_p99_us"}

COUNTS = {"connections", "processes"}
SIZES = {"rss", "pss", "private_dirty", "worker_pss"}


def amount(metric: str, value: float | None) -> str:
    """A figure with no more digits than it deserves."""
    if value is None:
        return "-"
    if metric == "core_used":
        return f"{value:.0%}"
    if metric in COUNTS:
        return f"{value:,.0f}"
    if metric in SIZES:
        return f"{value / MIB:.1f} MiB" if value >= MIB else f"{value / KIB:.0f} KiB"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3f}" if metric.endswith("_s") else f"{value:.2f}"


def table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A Markdown table, names to the left and figures to the right."""
    every = [list(head), *map(list, lines)]
    widths = [max(len(line[place]) for line in every) for place in range(len(head))]

    def row(cells: Sequence[str]) -> str:
        first, *figures = zip(cells, widths, strict=True)
        padded = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in figures)]
        return f"| {' | '.join(padded)} |"

    rule = [("-" * width if not place else "-" * (width - 1) + ":") for place, width in enumerate(widths)]
    return "\n".join([row(every[0]), row(rule), *map(row, every[1:])])


def row_section(row: Row, lines: Sequence[Figures], outcomes: Sequence[Outcome]) -> str:
    """One row's peers, each with our CPU (or first metric) as a share of theirs."""
    columns = COLUMNS[row.kind]
    compared = "cpu_us" if row.kind in ("closed", "open") else next(iter(columns.values()))
    if row.kind == "idle":
        compared = "pss_per_connection"
    head = ["peer", *columns, f"{OURS}/peer", "failures", "others proxy, load core", "rounds"]
    body = []
    for line in lines:
        ratio = None if line.peer == OURS else ratio_of(outcomes, row.name, compared, OURS, line.peer)
        body.append(
            [
                line.peer,
                *(amount(metric, line.values.get(metric)) for metric in columns.values()),
                "-" if ratio is None else f"{ratio:.2f}",
                str(line.failures),
                f"{line.proxy_core_others:.1%}, {line.load_core_others:.1%}",
                f"{line.rounds}/{line.all_rounds}" + ("" if line.rounds else " all disturbed"),
            ]
        )
    return f"### {row.name}: {row.title}\n\n{table(head, body)}\n"


def goal_section(found: Sequence[Verdict], lines: Sequence[Figures]) -> str:
    """Each goal beside what was measured, and whether any of that was measured undisturbed."""
    quiet = {(line.row, line.peer) for line in lines if line.rounds}
    body = []
    for verdict in found:
        goal = verdict.goal
        limit = f"<= {goal.limit:.2f} x" if goal.peer else f"<= {amount(goal.metric, goal.limit)}"
        body.append(
            [
                goal.row,
                goal.metric,
                verdict.peer or "-",
                amount(goal.metric, verdict.ours),
                amount(goal.metric, verdict.theirs),
                "-" if verdict.ratio is None else f"{verdict.ratio:.2f}",
                limit,
                outcome_of(verdict, quiet),
            ]
        )
    head = ["row", "metric", "against", "ours", "theirs", "ratio", "goal", "outcome"]
    return f"### Goals\n\n{table(head, body)}\n"


def outcome_of(verdict: Verdict, quiet: Set[tuple[str, str]]) -> str:
    """In words; what rests on disturbed rounds alone proves nothing."""
    if verdict.met is None:
        return "not measured"
    sides = {(verdict.goal.row, OURS), (verdict.goal.row, verdict.peer or OURS)}
    return ("met" if verdict.met else "NOT met") + ("" if sides <= quiet else " (disturbed)")


def versus_section(outcomes: Sequence[Outcome], rows: Mapping[str, Row]) -> str:
    """Every metric against each other revision of ours; empty when there is none."""
    others = sorted({outcome.peer for outcome in outcomes if is_ours(outcome.peer) and outcome.peer != OURS})
    body = []
    for other in others:
        for row in rows.values():
            for metric in COLUMNS[row.kind].values():
                ratio = ratio_of(outcomes, row.name, metric, OURS, other)
                if ratio is not None:
                    body.append([row.name, metric, other, f"{ratio:.3f}"])
    if not body:
        return ""
    return f"### This checkout against another revision\n\n{table(['row', 'metric', 'revision', 'ratio'], body)}\n"


def markdown(
    machine: Mapping[str, Any], rows: Mapping[str, Row], outcomes: Sequence[Outcome], notes: Sequence[str]
) -> str:
    """The whole report."""
    lines = figures(outcomes)
    sections = ["# Benchmark", "", *(f"- {name}: {value}" for name, value in machine.items()), ""]
    sections += [row_section(row, [line for line in lines if line.row == name], outcomes) for name, row in rows.items()]
    sections += [goal_section(verdicts(outcomes), lines), versus_section(outcomes, rows)]
    if notes:
        sections += ["### Notes", "", *("- " + note.strip().replace("\n", "\n  ") for note in notes)]
    return "\n".join(sections)


def as_json(
    machine: Mapping[str, Any],
    settings: Mapping[str, Any],
    rows: Mapping[str, Row],
    outcomes: Sequence[Outcome],
    notes: Sequence[str],
) -> dict[str, Any]:
    """Everything in the tables, and every single measurement."""
    return {
        "machine": dict(machine),
        "settings": dict(settings),
        "rows": [asdict(row) for row in rows.values()],
        "figures": [asdict(line) for line in figures(outcomes)],
        "goals": [asdict(verdict) | {"met": verdict.met} for verdict in verdicts(outcomes)],
        "measurements": [outcome.as_json() for outcome in outcomes],
        "notes": list(notes),
    }
