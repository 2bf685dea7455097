"""Numbers of log sinks over snapshots."""

from __future__ import annotations

from typing import Any

from mosn.workers.sink_numbers import access_logs, number_sinks


def snapshot(*paths: str) -> Any:
    """Logs of a listener, a chain of each kind and the default chain, in turn."""
    logs: list[dict[str, Any]] = [{"sink": number} for number in range(len(paths))]
    chains = [
        {"http": {"access_logs": logs[1:2]}, "tcp": None, "rpc": None},
        {"http": None, "tcp": {"access_logs": logs[2:3]}, "rpc": None},
        {"http": None, "tcp": None, "rpc": {"access_logs": logs[3:]}},
    ]
    listener = {"access_logs": logs[:1], "filter_chains": chains[:2], "default_filter_chain": chains[2]}
    return {"listeners": [listener], "log_sinks": [{"path": path} for path in paths]}


def paths_of(made: Any) -> list[str]:
    return [made["log_sinks"][log["sink"]]["path"] for log in access_logs(made)]


def table_of(made: Any) -> list[str]:
    return [sink["path"] for sink in made["log_sinks"]]


def test_a_path_keeps_its_number() -> None:
    first, second = snapshot("a", "b"), snapshot("c", "b", "a", "d")
    number_sinks(first, None)
    number_sinks(second, first)
    assert table_of(second) == ["a", "b", "c", "d"]
    assert paths_of(second) == ["c", "b", "a", "d"]


def test_a_path_that_is_gone_stays_for_one_snapshot() -> None:
    first, second, third = snapshot("a", "b"), snapshot("b"), snapshot("b", "c")
    number_sinks(second, first)
    assert table_of(second) == ["a", "b"] and paths_of(second) == ["b"]
    number_sinks(third, second)
    assert table_of(third) == ["c", "b"] and paths_of(third) == ["b", "c"]


def test_a_free_number_has_no_file() -> None:
    first, second, third = snapshot("a", "b"), snapshot("b"), snapshot("b")
    number_sinks(second, first)
    number_sinks(third, second)
    assert table_of(third) == ["/dev/null", "b"]
