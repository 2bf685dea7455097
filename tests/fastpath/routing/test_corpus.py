"""Every pair of tests/corpus/routing: what the compiled table does with a request."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from mosn._fastpath.proxy.route_face import explain
from tests.fastpath.routing.tables import cluster_object, routes_spec, table_spec

CORPUS = Path(__file__).resolve().parents[2] / "corpus" / "routing"
CLUSTERS = ("a", "b", "c", "d", "e", "shadow", "tunnel", "reviews", "PassthroughCluster")
INPUTS = {"url", "method", "headers", "random", "internal"}


def groups() -> list[Any]:
    return [
        pytest.param(group, id=f"{path.stem}: {group['name']}")
        for path in sorted(CORPUS.glob("*.yaml"))
        for group in yaml.safe_load(path.read_text())
    ]


def header_pairs(headers: Any) -> list[tuple[str, str]]:
    pairs = headers.items() if isinstance(headers, dict) else headers
    return [(name, value) for name, value in pairs]


def outcome(result: dict[str, Any], key: str) -> Any:
    """A key of the corpus in what explain() says."""
    if key.startswith("header."):
        values = [value for name, value in result["request_headers"] if name == key.removeprefix("header.")]
        return values if len(values) > 1 else (values[0] if values else None)
    value = result.get(key)
    return value.decode() if isinstance(value, bytes) else value


@pytest.mark.parametrize("group", groups())
def test_group(group: dict[str, Any]) -> None:
    spec = table_spec(group["config"]) if "config" in group else routes_spec(*group["routes"])
    clusters = {name: cluster_object(name) for name in CLUSTERS}
    for request in group["requests"]:
        result = explain(
            spec,
            clusters,
            request.get("method", "GET"),
            request["url"],
            header_pairs(request.get("headers", {})),
            random=request.get("random", 0),
            internal=request.get("internal", False),
        )
        expected = {key: value for key, value in request.items() if key not in INPUTS}
        assert {key: outcome(result, key) for key in expected} == expected, request


def test_there_are_enough_pairs() -> None:
    assert sum(len(group.values[0]["requests"]) for group in groups()) >= 200
