"""Which route is found: random tables against a slow oracle; weights; what a request can cost."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mosn._fastpath.proxy.route_exchange import Exchange
from mosn._fastpath.proxy.route_face import explain, pick, pick_often
from tests.fastpath.routing.tables import compiled, route_index, routes_spec, to

TEXTS = st.text("/ab", max_size=12).map(lambda text: "/" + text)
MATCHES = st.one_of(
    st.builds(lambda text, case: {"prefix": text, "case_sensitive": case}, TEXTS, st.booleans()),
    st.builds(lambda text: {"path": text}, TEXTS),
    st.builds(lambda text: {"path": text}, TEXTS),
    st.builds(lambda text: {"path": text.upper(), "case_sensitive": False}, TEXTS),
    TEXTS.map(lambda text: text.rstrip("/")).filter(bool).map(lambda text: {"path_separated_prefix": text}),
    st.builds(lambda text: {"safe_regex": {"regex": text + "[ab]*"}}, TEXTS),
)


def expected(match: dict[str, Any], path: str) -> bool:
    bare = re.split("[?#]", path)[0]
    if "safe_regex" in match:
        return re.fullmatch(match["safe_regex"]["regex"], bare) is not None
    kind = next(key for key in match if key != "case_sensitive")
    text = match[kind]
    if not match.get("case_sensitive", True):
        text, bare = text.lower(), bare.lower()
    if kind == "path":
        return bool(bare == text)
    if kind == "prefix":
        return bare.startswith(text)
    return bool(bare == text) or bare.startswith(text + "/")


@settings(max_examples=200)
@given(st.lists(MATCHES, max_size=40), st.lists(TEXTS, min_size=1, max_size=10), st.sampled_from(["", "?a", "#/b"]))
def test_first_match(matches: list[dict[str, Any]], paths: list[str], tail: str) -> None:
    table = compiled(routes_spec(*[to(**match) for match in matches]))
    for path in [*paths, *(str(match.get("path", "/")) for match in matches)]:
        wanted = next((i for i, match in enumerate(matches) if expected(match, path + tail)), None)
        assert route_index(table, Exchange(path=path + tail)) == wanted


@given(st.lists(st.integers(0, 5), min_size=12, max_size=80), st.integers(0, 6))
def test_runs_of_exact_paths(numbers: list[int], header: int) -> None:
    """The index of a long run finds what walking it would find."""
    routes = [to(path=f"/path/{n}", headers=[{"name": "x", "string_match": {"exact": str(i % 7)}}])
              for i, n in enumerate(numbers)]  # fmt: skip
    table = compiled(routes_spec(*routes))
    for path in range(7):
        wanted = next((i for i, n in enumerate(numbers) if n == path and i % 7 == header), None)
        assert route_index(table, Exchange(path=f"/path/{path}", headers=[("x", str(header))])) == wanted


def test_many_routes() -> None:
    table = compiled(routes_spec(*[to(path=f"/svc{i}/Method") for i in range(5000)], to(prefix="/svc")))
    assert route_index(table, Exchange(path="/svc4999/Method")) == 4999
    assert route_index(table, Exchange(path="/svc5000/Method")) == 5000


def weighted(*weights: int) -> Any:
    clusters = [{"name": f"c{i}", "weight": weight} for i, weight in enumerate(weights)]
    return compiled(routes_spec({"match": {"prefix": "/"}, "route": {"weighted_clusters": {"clusters": clusters}}}))


@given(st.lists(st.integers(0, 300), min_size=2, max_size=8).filter(any), st.integers(0, 2**63))
def test_weights_are_exact(weights: list[int], start: int) -> None:
    """Over one full round of random numbers each cluster is picked as often as it weighs."""
    picked = pick_often(weighted(*weights), Exchange(), start, sum(weights))
    assert picked == {f"c{i}": weight for i, weight in enumerate(weights)}


def test_weights_at_their_boundaries() -> None:
    table = weighted(50, 30, 20)
    for random, name in [(0, b"c0"), (49, b"c0"), (50, b"c1"), (79, b"c1"), (80, b"c2"), (99, b"c2"), (100, b"c0")]:
        assert pick(table, Exchange(random=random)) == (name, None)


def test_one_hundred_thousand_picks_follow_the_weights() -> None:
    picked = pick_often(weighted(1, 5, 94), Exchange(), 10**12, 100_000)
    assert picked == {"c0": 1000, "c1": 5000, "c2": 94000}


@pytest.mark.parametrize("count", [1, 10, 100])
def test_repeated_headers_do_not_grow_memory(count: int) -> None:
    """Joining the values of a repeated header for a matcher leaves nothing behind, however many routes ask."""
    headers = [("x", "v" * 500)] * count
    routes = [to(headers=[{"name": "x", "string_match": {"contains": f"n{i}"}}]) for i in range(50)]
    table = compiled(routes_spec(*routes))
    exchange = Exchange(headers=headers)
    before = exchange.arena_bytes
    assert route_index(table, exchange) is None
    assert exchange.arena_bytes == before


def test_explanations_name_what_failed() -> None:
    spec = routes_spec(
        to(prefix="/other"),
        to(headers=[
            {"name": "x", "string_match": {"exact": "1"}},
            {"name": "y", "range_match": {"start": 1, "end": 5}},
        ]),
        to(query_parameters=[{"name": "q", "present_match": True}]),
        to(grpc={}),
        to(runtime_fraction={"default_value": {"numerator": 10}}),
        to(connect_matcher={}),
        to("last"),
    )
    result = explain(spec, {}, "GET", "http://example.com/path", [("X", "1"), ("y", "9")], random=50)
    assert [entry["why"] for entry in result["rejected"]] == [
        "prefix /other", "headers[1] y in [1, 5)", "query[0] q", "grpc: content-type is not application/grpc",
        "fraction 10/100", "connect: the method is not CONNECT",
    ]  # fmt: skip
    assert (result["route"], result["cluster"], result["cluster_known"]) == ("r6", "last", False)


def test_explanation_of_an_unknown_host() -> None:
    spec = routes_spec(to())
    spec["virtual_hosts"] = []
    result = explain(spec, {}, "GET", "http://example.com/")
    assert result["virtual_host"] is None and result["kind"] == "none"
