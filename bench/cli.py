"""The command line: `python -m bench`."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from bench import report
from bench.load.build import ensure_built
from bench.load.client import Cores
from bench.machine import machine
from bench.measure import Conditions
from bench.peers import PEERS
from bench.peers.base import Peer, PeerFailure
from bench.rows import ROWS, Row
from bench.runner import Run, progress
from bench.summary import add_differences
from bench.versus import VersusFailure, peer_at

DESCRIPTION = """\
Measure this proxy beside nginx, HAProxy, Envoy and MOSN: CPU per request, requests/s, latency, memory.

Every proxy gets one worker on one pinned core; load and backend share the other; rounds are interleaved.
Tables go to standard output, progress to standard error. bench/README.md tells how to read them.
"""
EXAMPLE = """\
examples:
  python -m bench.peers.install
  python -m bench --rows http1,tcp --peers mosn,nginx,haproxy --rounds 5 --seconds 3 --json out.json
  python -m bench --rows http1 --peers mosn --versus HEAD~1
"""


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        prog="python -m bench",
        description=DESCRIPTION,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    found.add_argument("--rows", default=",".join(ROWS), help="comma-separated (default: %(default)s)")
    found.add_argument("--peers", default=",".join(PEERS), help="comma-separated (default: %(default)s)")
    found.add_argument("--versus", metavar="REV", action="append", default=[], help="this project at REV as a peer too")
    found.add_argument("--rounds", type=int, default=5, help="default %(default)s")
    found.add_argument("--seconds", type=float, default=3.0, help="of each measurement (default %(default)s)")
    found.add_argument("--warmup", type=float, default=0.5, help="seconds before it (default %(default)s)")
    found.add_argument(
        "--rate", type=float, default=0.0, help="requests/s of the open loop (default: half of the slowest's)"
    )
    found.add_argument("--connections", type=int, help="instead of the rows' own numbers")
    found.add_argument("--retries", type=int, default=1, help="of a disturbed measurement (default %(default)s)")
    found.add_argument("--most-others", type=float, default=0.05, help="share of a core that disturbs (%(default)s)")
    found.add_argument("--proxy-core", type=int, default=0, help="default %(default)s")
    found.add_argument("--load-core", type=int, default=1, help="default %(default)s")
    found.add_argument("--json", type=Path, metavar="FILE", help="write everything there as JSON")
    return found


def chosen_rows(names: str) -> dict[str, Row]:
    return {name: ROWS[name] for name in pick(names, ROWS, "row")}


def chosen_peers(names: str, revisions: Sequence[str]) -> dict[str, Peer]:
    """The peers asked for, other revisions of ours right behind ours."""
    picked = {name: PEERS[name] for name in pick(names, PEERS, "peer")}
    others: dict[str, Peer] = {peer.name: peer for peer in map(peer_at, revisions)}
    ours = {name: peer for name, peer in picked.items() if name == "mosn"}
    return ours | others | picked


def chosen_cores(proxy: int, load: int) -> Cores:
    """The two cores, if this process may use them."""
    allowed = os.sched_getaffinity(0)
    if not {proxy, load} <= allowed:
        raise LookupError(
            f"cores {proxy} and {load} are needed; choose --proxy-core and --load-core from {sorted(allowed)}"
        )
    return Cores(proxy, load)


def pick(names: str, known: Sequence[str] | dict[str, Row] | dict[str, Peer], what: str) -> list[str]:
    wanted = [name for name in names.split(",") if name]
    unknown = [name for name in wanted if name not in known]
    if unknown or not wanted:
        raise LookupError(f"no {what} {', '.join(unknown) or 'given'}; choose from {', '.join(known)}")
    return wanted


def without_absent(peers: dict[str, Peer]) -> tuple[dict[str, Peer], list[str]]:
    """Those that can run, and a note for each of the others."""
    reasons = {name: peer.absent() for name, peer in peers.items()}
    notes = [f"{name} is absent: {reason}" for name, reason in reasons.items() if reason]
    return {name: peer for name, peer in peers.items() if not reasons[name]}, notes


def end(_signal: int, _frame: FrameType | None) -> None:
    """TERM ends the proxies that were started, as INT does."""
    raise KeyboardInterrupt


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit 0 when every peer that is present was measured, 1 when one failed, 2 when nothing could begin."""
    options = parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, end)
    try:
        rows = chosen_rows(options.rows)
        peers, notes = without_absent(chosen_peers(options.peers, options.versus))
        cores = chosen_cores(options.proxy_core, options.load_core)
        os.sched_setaffinity(0, {cores.load})
    except (LookupError, VersusFailure, OSError) as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 2
    conditions = Conditions(cores, options.warmup, options.seconds, options.rate, options.connections)
    run = Run(peers, conditions, options.rounds, options.retries, options.most_others, notes=notes)
    for note in notes:
        progress(f"note: {note}")
    if not peers:
        print("bench: no peer can run; the notes above say how to get them", file=sys.stderr)
        return 2
    ensure_built()
    complete = measure_rows(run, rows)
    publish(run, rows, options)
    return 0 if complete else 1


def measure_rows(run: Run, rows: dict[str, Row]) -> bool:
    """All rows; what was measured before an interruption or a failing row is kept."""
    before = len(run.notes)
    try:
        for row in rows.values():
            try:
                run.run(row)
            except (PeerFailure, RuntimeError, OSError) as failure:
                run.note(f"{row.name} failed: {failure}")
    except KeyboardInterrupt:
        run.note("interrupted; what follows is what had been measured")
    return not any("failed" in note or "left out" in note or "interrupted" in note for note in run.notes[before:])


def publish(run: Run, rows: dict[str, Row], options: argparse.Namespace) -> None:
    """Print the tables and write the file."""
    around = machine()
    add_differences(run.outcomes)
    print(report.markdown(around, rows, run.outcomes, run.notes))
    if options.json:
        settings = {name: value for name, value in vars(options).items() if name != "json"} | {"rates": run.rates}
        text = json.dumps(report.as_json(around, settings, rows, run.outcomes, run.notes), indent=1)
        options.json.write_text(text + "\n")
        progress(f"wrote {options.json}")
