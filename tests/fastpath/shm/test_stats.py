"""Names and places of statistics."""

from __future__ import annotations

import itertools

import pytest

from mosn._fastpath.shm.stats import (
    CLUSTER_COUNTERS,
    ENUM_SIZES,
    HTTP_COUNTERS,
    NAMES,
    TCP_COUNTERS,
    StatRegistry,
    StatsFull,
)
from mosn.model import StatsScope


@pytest.mark.parametrize("kind", NAMES)
def test_names_are_as_many_as_the_compiled_code_counts(kind: str) -> None:
    assert tuple(map(len, NAMES[kind])) == ENUM_SIZES[kind]


@pytest.mark.parametrize("kind", NAMES)
def test_names_are_unique_in_a_scope(kind: str) -> None:
    names = list(itertools.chain(*NAMES[kind]))
    assert len(names) == len(set(names))


def test_some_names_stand_where_the_enum_has_them() -> None:
    """Spot checks against stats.pxd: the first, one in the middle, the last."""
    assert CLUSTER_COUNTERS[0] == "upstream_cx_total"
    assert CLUSTER_COUNTERS[21] == "upstream_rq_total"
    assert CLUSTER_COUNTERS[-1] == "upstream_cx_http2_total"
    assert HTTP_COUNTERS[21] == "downstream_rq_total"
    assert HTTP_COUNTERS[30] == "downstream_rq_2xx"
    assert TCP_COUNTERS[-1] == "max_downstream_connection_duration"


def blocks(scopes: dict[str, StatsScope], what: str, place: int) -> list[range]:
    return [
        range(scope[what], scope[what] + len(NAMES[scope["kind"]][place]))  # type: ignore[literal-required]
        for scope in scopes.values()
        if scope["kind"] != "limit" and NAMES[scope["kind"]][place]
    ]


def test_blocks_do_not_overlap_and_start_after_the_sink() -> None:
    registry = StatRegistry()
    for kind in NAMES:
        for name in ("a", "b", "c"):
            registry.scope(kind, name)
    for place, what in enumerate(("counters", "gauges", "histograms")):
        taken = sorted(blocks(registry.as_dict(), what, place), key=lambda block: block.start)
        assert taken[0].start == 1
        assert all(left.stop == right.start for left, right in itertools.pairwise(taken))


def test_a_scope_has_one_place() -> None:
    registry = StatRegistry()
    assert registry.scope("cluster", "a") == registry.scope("cluster", "a")
    assert registry.limit_row("a.default") == registry.limit_row("a.default") == 1
    assert registry.limit_row("a.high") == 2


def test_places_are_stable_over_reloads() -> None:
    first = StatRegistry()
    first.scope("cluster", "gone")
    kept = first.scope("cluster", "kept")
    row = first.limit_row("kept.default")
    second = StatRegistry(first.as_dict())
    new = second.scope("cluster", "new")
    assert second.scope("cluster", "kept") == kept
    assert second.limit_row("kept.default") == row
    assert second.limit_row("new.default") == row + 1
    assert new["counters"] == kept["counters"] + len(CLUSTER_COUNTERS)
    assert "cluster.gone" in second.as_dict()


def test_scope_names() -> None:
    registry = StatRegistry()
    registry.scope("server")
    registry.scope("host", "a.10.0.0.1:80")
    registry.limit_row("a.default")
    assert list(registry.as_dict()) == ["server", "host.a.10.0.0.1:80", "limit.a.default"]


def test_a_full_table_names_the_scope() -> None:
    registry = StatRegistry(capacity={"histograms": 5})
    registry.scope("cluster", "a")
    with pytest.raises(StatsFull, match=r"histograms of cluster\.b.*holds 5"):
        registry.scope("cluster", "b")
    # Nothing was half given out.
    assert "cluster.b" not in registry.as_dict()
    assert registry.scope("host", "h")["counters"] == 1 + len(CLUSTER_COUNTERS)


def test_full_limit_rows() -> None:
    registry = StatRegistry(capacity={"limit rows": 2})
    registry.limit_row("a")
    with pytest.raises(StatsFull, match=r"limit rows of limit\.b"):
        registry.limit_row("b")


def test_an_unknown_kind() -> None:
    with pytest.raises(ValueError, match="unknown kind of statistics 'vhost'"):
        StatRegistry().scope("vhost", "a")
