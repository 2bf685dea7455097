"""Snapshots of the corpus are compiled by the fast path that will run them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mosn import config
from mosn._fastpath.proxy.log import AccessLogsObject
from mosn._fastpath.proxy.route import RouteTableObject
from mosn._fastpath.proxy.route_face import clusters_of
from mosn.config.lower.context import NullRegistry
from tests.config.corpus import configurations, names

GOOD = [*configurations("good"), *configurations("mosn")]


def access_logs(snapshot: Any) -> Iterator[Any]:
    for listener in snapshot["listeners"]:
        yield listener["access_logs"]
        for chain in [*listener["filter_chains"], listener["default_filter_chain"]]:
            if chain:
                yield (chain["http"] or chain["tcp"] or chain["rpc"])["access_logs"]


@pytest.mark.parametrize("path", GOOD, ids=names(GOOD))
def test_the_fast_path_takes_every_snapshot(path: Path) -> None:
    loaded = config.load_file(path)
    resolved = {(target.hostname, target.port): ["127.0.0.1", "::1"] for target in config.dns_targets(loaded)}
    snapshot = config.build_snapshot(loaded, NullRegistry(), resolved)
    clusters = clusters_of(snapshot["clusters"])
    assert {name: len(made.hosts) for name, made in clusters.items()} == {
        name: len(spec["hosts"]) for name, spec in snapshot["clusters"].items()
    }
    for table in snapshot["route_tables"].values():
        RouteTableObject(table, clusters)
    for logs in access_logs(snapshot):
        AccessLogsObject(logs)
