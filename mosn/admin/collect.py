"""All statistics of the box at one moment: what workers count in shared memory, what the controller counts, and what
follows from the snapshot."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from mosn._fastpath.shm.histogram import HistogramData
from mosn._fastpath.shm.segment import Segment
from mosn._fastpath.shm.stats import NAMES
from mosn.admin.computed import Numbers, computed_gauges, scopes_by_block
from mosn.admin.context import AdminContext, WorkerRow
from mosn.admin.names import SCOPE_LABELS, Columns, Kind, column_for, columns_for, join_labels, scope_label
from mosn.model import Snapshot, StatsScope

INTERVAL_SECONDS = 5.0
"""Envoy's stats_flush_interval: what "interval" percentiles cover at least."""

# Envoy counts these for all HTTP/1 codecs together.
HTTP1_WIDE = ("dropped_headers_with_underscores", "requests_rejected_with_underscores_in_headers")

_OVERRIDDEN = {"live"}
"""Workers' gauges of the scope "server" that mean something else than Envoy's gauge of that name."""


@dataclass(slots=True)
class Block:
    """The counters or gauges of one scope."""

    prefix: str  # "cluster.a.", "" for names that stand alone
    label: str
    columns: Columns
    values: list[int]


@dataclass(slots=True)
class Histogram:
    """One histogram; its values are in microseconds, its name says milliseconds."""

    name: str  # "cluster.a.upstream_rq_time"
    family: str
    label: str
    total: HistogramData
    interval: HistogramData


@dataclass(slots=True)
class Statistics:
    blocks: list[Block] = field(default_factory=list)
    histograms: list[Histogram] = field(default_factory=list)


class Collector:
    """Reads statistics; remembers histograms for their intervals.  Used by one thread at a time, not always the loop's:
    with 10,000 clusters it takes a second."""

    def __init__(self, context: AdminContext) -> None:
        self._context = context
        # Two looks at the histograms: intervals count from the older, so that they span INTERVAL_SECONDS at least.
        self._older: dict[int, HistogramData] = {}
        self._newer: dict[int, HistogramData] = {}
        self._newer_at = time.monotonic()

    def collect(self, workers: list[WorkerRow], counters: Numbers, gauges: Numbers) -> Statistics:
        """`counters` and `gauges` are the controller's own."""
        context, snapshot = self._context, self._context.snapshot
        scopes = visible_scopes(context.segment, snapshot) if snapshot else {}
        names = known_names(snapshot, scopes) if snapshot else {}
        found = Statistics()
        protocols = rpc_protocols(snapshot) if snapshot else {}
        for name, scope in scopes.items():
            found.blocks += scope_blocks(context.segment, name, scope, protocols)
        found.blocks += http1_blocks(context.segment, scopes) + worker_blocks(context.segment, scopes)
        merge(found.blocks, names, "counter", counters)
        merge(found.blocks, names, "gauge", gauges)
        merge(found.blocks, names, "gauge", computed_gauges(context, workers), replace=True)
        found.histograms = list(self._histograms(context.segment, scopes, protocols))
        return found

    def _histograms(
        self, segment: Segment, scopes: Mapping[str, StatsScope], protocols: Mapping[int, str]
    ) -> Iterator[Histogram]:
        before, seen = self._older, dict[int, HistogramData]()
        due = time.monotonic() - self._newer_at >= INTERVAL_SECONDS
        if due:
            before = self._newer
        for name, scope in scopes.items():
            label = full_label(name, scope, protocols)
            for position, suffix in enumerate(NAMES[scope["kind"]][2]):
                index = scope["histograms"] + position
                total = segment.histogram(index)
                interval = total - before[index] if index in before else total
                if total.count:
                    seen[index] = total
                family = column_for(scope["kind"], suffix).family
                yield Histogram(f"{name}.{suffix}", family, label, total, interval)
        if due:
            self._older, self._newer, self._newer_at = before, seen, time.monotonic()


def scope_name(scope: str) -> str:
    """What a scope's kind is followed by: "a.b" of "cluster.a.b"."""
    return scope.partition(".")[2]


def visible_scopes(segment: Segment, snapshot: Snapshot) -> dict[str, StatsScope]:
    """The scopes that the snapshot uses, and those that still have something open (a removed listener's
    connections), by name.  Hosts have a page of their own and limits are no statistics."""
    used = used_blocks(snapshot)
    return {
        name: scope
        for name, scope in snapshot["stats_scopes"].items()
        if scope["kind"] in NAMES and scope["kind"] != "host"
        if scope["kind"] in ("server", "http2") or scope["counters"] in used or has_open(segment, scope)
    }


def used_blocks(snapshot: Snapshot) -> set[int]:
    used = {cluster["stats"] for cluster in snapshot["clusters"].values()}
    for listener in snapshot["listeners"]:
        used.add(listener["stats"])
        used |= {listener["http_inspector_stats"], listener["tls_inspector_stats"]}
        used.add(listener["protocol_inspector_stats"])
        for chain in (*listener["filter_chains"], listener["default_filter_chain"]):
            if chain:
                used.update(user["stats"] for user in (chain["http"], chain["tcp"], chain["rpc"]) if user)
    return used


def has_open(segment: Segment, scope: StatsScope) -> bool:
    names = NAMES[scope["kind"]][1]
    return bool(names) and any(segment.gauges(scope["gauges"], len(names)))


def rpc_protocols(snapshot: Snapshot) -> dict[int, str]:
    """The protocol of each RPC proxy, by its counters."""
    return {
        chain["rpc"]["stats"]: chain["rpc"]["protocol"]
        for listener in snapshot["listeners"]
        for chain in (*listener["filter_chains"], listener["default_filter_chain"])
        if chain and chain["rpc"]
    }


def full_label(name: str, scope: StatsScope, protocols: Mapping[int, str]) -> str:
    """The scope's own label, and what an RPC proxy speaks."""
    label = scope_label(scope["kind"], scope_name(name))
    protocol = protocols.get(scope["counters"]) if scope["kind"] == "rpc" else None
    return join_labels((label, f'request_protocol="{protocol}"')) if protocol else label


def scope_blocks(segment: Segment, name: str, scope: StatsScope, protocols: Mapping[int, str]) -> list[Block]:
    kind = scope["kind"]
    label = full_label(name, scope, protocols)
    counters, gauges, _ = NAMES[kind]
    blocks = []
    if counters:
        values = segment.counters(scope["counters"], len(counters))
        blocks.append(without(Block(f"{name}.", label, columns_for(kind, "counter", counters), values), HTTP1_WIDE))
    if gauges:
        values = segment.gauges(scope["gauges"], len(gauges))
        blocks.append(without(Block(f"{name}.", label, columns_for(kind, "gauge", gauges), values), _OVERRIDDEN))
    return blocks


def without(block: Block, suffixes: tuple[str, ...] | set[str]) -> Block:
    """A block that lacks these statistics."""
    gone = {block.columns.index[suffix] for suffix in suffixes if suffix in block.columns.index}
    if not gone:
        return block
    kept = [position for position in range(len(block.values)) if position not in gone]
    names = tuple(block.columns.columns[position].suffix for position in kept)
    kind = block.prefix.partition(".")[0]
    columns = columns_for(kind, block.columns.kind, names)
    return Block(block.prefix, block.label, columns, [block.values[position] for position in kept])


def http1_blocks(segment: Segment, scopes: Mapping[str, StatsScope]) -> list[Block]:
    places = [NAMES["http"][0].index(suffix) for suffix in HTTP1_WIDE]
    bases = [scope["counters"] for scope in scopes.values() if scope["kind"] == "http"]
    values = [sum(segment.counter(base + place) for base in bases) for place in places]
    return [Block("http1.", "", columns_for("http1", "counter", HTTP1_WIDE), values)]


def worker_blocks(segment: Segment, scopes: Mapping[str, StatsScope]) -> list[Block]:
    """How connections are spread: `listener.ADDRESS.worker_N.downstream_cx_total`."""
    workers = range(segment.regions_in_use)
    columns = columns_for("listener", "counter", tuple(f"worker_{worker}.downstream_cx_total" for worker in workers))
    place = NAMES["listener"][0].index("downstream_cx_total")
    return [
        Block(
            f"{name}.",
            scope_label("listener", scope_name(name)),
            columns,
            [segment.worker_counter(worker, scope["counters"] + place) for worker in workers],
        )
        for name, scope in scopes.items()
        if scope["kind"] == "listener"
    ]


def known_names(snapshot: Snapshot, scopes: Mapping[str, StatsScope]) -> dict[str, str]:
    """What a dotted name may begin with -> the scope that it belongs to.  The controller knows a cluster by its name,
    the scope bears its alt_stat_name."""
    by_block = scopes_by_block(snapshot, "cluster")
    by_cluster = {f"cluster.{name}": by_block[cluster["stats"]] for name, cluster in snapshot["clusters"].items()}
    return {
        **{alias.replace(":", "_"): scope for alias, scope in by_cluster.items()},
        **{name: name for name in scopes},
    }


def merge(blocks: list[Block], names: Mapping[str, str], kind: Kind, numbers: Numbers, replace: bool = False) -> None:
    """Add numbers by dotted name to the blocks: to a value that is there, or as new ones of their scope.  Those of a
    scope that is not shown are left out."""
    present: dict[str, list[Block]] = {}
    for block in blocks:
        if block.columns.kind == kind:
            present.setdefault(block.prefix, []).append(block)
    extra: dict[str, dict[str, int]] = {}
    for name, value in numbers.items():
        prefix, suffix = split_name(name, names)
        if found := next((block for block in present.get(prefix, ()) if suffix in block.columns.index), None):
            at = found.columns.index[suffix]
            found.values[at] = value if replace else found.values[at] + value
        elif prefix or name.partition(".")[0] not in SCOPE_LABELS:
            extra.setdefault(prefix, {})[suffix] = value
    for prefix, values in extra.items():
        scope_kind, _, name = prefix[:-1].partition(".")
        columns = columns_for(scope_kind, kind, tuple(values))
        blocks.append(Block(prefix, scope_label(scope_kind, name), columns, list(values.values())))


def split_name(name: str, names: Mapping[str, str]) -> tuple[str, str]:
    """("cluster.a.", "update_attempt"); ("", name) when it belongs to no scope."""
    end = len(name)
    while (end := name.rfind(".", 0, end)) > 0:
        if scope := names.get(name[:end]):
            return f"{scope}.", name[end + 1 :]
    return "", name
