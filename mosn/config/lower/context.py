"""What every lowering function needs: where to report, statistics, runtime values, and compiled checks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol

from mosn.config.findings import Findings
from mosn.config.lower.runtime import Runtime
from mosn.model import LogSink, RouteTable, StatsScope

MAX_MS = 2**31 - 1
"""Durations are capped here (24.8 days), so that compiled code may add them to a clock without care."""

Resolved = Mapping[tuple[str, int], Sequence[str]]
"""Addresses ("1.2.3.4", "::1") that the controller found for (host name, port)."""


class StatRegistry(Protocol):
    """The part of mosn._fastpath.shm.stats.StatRegistry that lowering uses."""

    def scope(self, kind: str, name: str) -> StatsScope: ...
    def limit_row(self, name: str) -> int: ...
    def as_dict(self) -> dict[str, StatsScope]: ...


class NullRegistry:
    """For checks, which need no statistics."""

    def scope(self, kind: str, name: str) -> StatsScope:
        return {"kind": kind, "counters": 0, "gauges": 0, "histograms": 0}

    def limit_row(self, name: str) -> int:
        return 0

    def as_dict(self) -> dict[str, StatsScope]:
        return {}


@dataclass(slots=True)
class Context:
    """One lowering.  `clusters` are the names that routes may use."""

    findings: Findings
    registry: StatRegistry
    resolved: Resolved
    runtime: Runtime
    clusters: frozenset[str] = frozenset()
    sinks: list[LogSink] = field(default_factory=list)
    files: set[str] = field(default_factory=set)
    route_tables: dict[str, RouteTable] = field(default_factory=dict)
    _sink_numbers: dict[str, int] = field(default_factory=dict)

    def report(self, code: str, path: str, text: str, **more: str) -> None:
        self.findings.add(code, path, text, **more)

    def milliseconds(self, message: Any, name: str, default: int, path: str) -> int:
        """A Duration field in whole milliseconds; more than nothing never becomes 0."""
        if not message.HasField(name):
            return default
        value = getattr(message, name)
        nanos = value.seconds * 1_000_000_000 + value.nanos
        if nanos < 0:
            self.report("MC0109", f"{path}.{name}", "a duration must not be negative")
            return default
        return int(min(max(nanos // 1_000_000, 1 if nanos else 0), MAX_MS))

    def regex(self, pattern: str, path: str) -> str:
        """The pattern, reported when RE2 does not take it."""
        fault = regex_fault(pattern)
        if fault:
            self.report("MC0305", path, fault)
        return pattern

    def format(self, text: str, path: str) -> str:
        """The format string, reported when an operator in it is wrong."""
        fault = format_fault(text)
        if fault:
            self.report("MC0306", path, fault)
        return text

    def sink(self, target: str) -> int:
        """The number of the log sink for a file path."""
        if target not in self._sink_numbers:
            self._sink_numbers[target] = len(self.sinks)
            self.sinks.append({"path": target})
        return self._sink_numbers[target]


def wrapped(message: Any, name: str, default: Any) -> Any:
    """The value of a wrapper field (UInt32Value ...), or the default when it is not set."""
    return getattr(message, name).value if message.HasField(name) else default


@cache
def compiled(module: str, name: str) -> Callable[..., Any] | None:
    """A compiled checker, or None where the extensions are not built."""
    import importlib

    try:
        made: Callable[..., Any] = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError):
        return None
    return made


def regex_fault(pattern: str) -> str:
    return _fault("mosn._fastpath.proxy.regex", "RegexObject", pattern)


def format_fault(text: str) -> str:
    return _fault("mosn._fastpath.proxy.format", "FormatObject", text) if "%" in text else ""


def _fault(module: str, name: str, text: str) -> str:
    compiler = compiled(module, name)
    if compiler is None:
        return ""
    try:
        compiler(text)
    except ValueError as error:
        return str(error)
    return ""
