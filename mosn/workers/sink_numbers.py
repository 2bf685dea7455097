"""Numbers of log sinks that keep their meaning from one snapshot to the next.

Workers write records with a sink's number, and for a moment some run the old snapshot and some the new one.  So a
path keeps its number while it is used and for one snapshot longer; then the number is free for another path.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mosn.model import AccessLog, FilterChain, Snapshot

UNUSED = "/dev/null"


def number_sinks(snapshot: Snapshot, previous: Snapshot | None) -> None:
    """Renumber the sinks of `snapshot`, which nobody has seen yet."""
    if previous is None:
        return
    before = [sink["path"] for sink in previous["log_sinks"]]
    in_use = {before[log["sink"]] for log in access_logs(previous)}
    wanted = [sink["path"] for sink in snapshot["log_sinks"]]
    table = [path if path in in_use or path in wanted else UNUSED for path in before]
    for path in wanted:
        if path not in table:
            _put(table, path)
    for log in access_logs(snapshot):
        log["sink"] = table.index(wanted[log["sink"]])
    snapshot["log_sinks"] = [{"path": path} for path in table]


def access_logs(snapshot: Snapshot) -> Iterator[AccessLog]:
    for listener in snapshot["listeners"]:
        yield from listener["access_logs"]
        for chain in [*listener["filter_chains"], listener["default_filter_chain"]]:
            if chain is not None:
                yield from _logs_of(chain)


def _logs_of(chain: FilterChain) -> Iterator[AccessLog]:
    filters: list[Any] = [chain["http"], chain["tcp"], chain["rpc"]]
    for settings in filters:
        if settings is not None:
            yield from settings["access_logs"]


def _put(table: list[str], path: str) -> None:
    if UNUSED in table:
        table[table.index(UNUSED)] = path
    else:
        table.append(path)
