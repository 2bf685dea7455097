"""Compiled tables, formats and logs give their memory back, also when compiling fails half-way."""

from __future__ import annotations

import gc
import resource
from collections.abc import Callable
from typing import Any

import pytest

from mosn._fastpath.proxy.format import FormatObject
from mosn._fastpath.proxy.log import AccessLogsObject
from mosn._fastpath.proxy.regex import RegexObject
from mosn._fastpath.proxy.route_exchange import Exchange
from tests.fastpath.routing.tables import compiled, routes_spec, to

ROUTES = [to(prefix=f"/p{i}", headers=[{"name": "x", "string_match": {"exact": "v" * 200}}]) for i in range(50)]
GOOD = routes_spec(*ROUTES)
BAD = routes_spec(*ROUTES, to())
BAD["virtual_hosts"][0]["routes"][-1]["match"]["path"] = {"kind": "regex", "value": "((", "case_sensitive": True}
LOG: Any = {"sink": 0, "format": "%REQ(x)%" * 50, "json": None, "omit_empty_values": False, "filter": None}


def failing(make: Callable[[], object]) -> None:
    with pytest.raises(ValueError):
        make()


MAKERS: dict[str, Callable[[], object]] = {
    "table": lambda: compiled(GOOD),
    "broken table": lambda: failing(lambda: compiled(BAD)),
    "format": lambda: FormatObject("%REQ(x-some-header?x-other)% " * 100),
    "broken format": lambda: failing(lambda: FormatObject("%REQ(x)%" * 100 + "%X%")),
    "json": lambda: FormatObject.json({str(i): "%REQ(x)%" for i in range(100)}),
    "regex": lambda: RegexObject("(a|b)+c" * 20),
    "broken regex": lambda: failing(lambda: RegexObject("(a|b)+c" * 20 + "(")),
    "logs": lambda: AccessLogsObject([LOG] * 10),
    "broken logs": lambda: failing(lambda: AccessLogsObject([LOG] * 10 + [{**LOG, "filter": {"kind": "no"}}])),
    "exchange": lambda: Exchange(headers=[("x", "v" * 5000)]),
}


@pytest.mark.parametrize("name", MAKERS)
def test_nothing_is_kept(name: str) -> None:
    for _ in range(30):
        MAKERS[name]()
    gc.collect()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(400):
        MAKERS[name]()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 3000  # KiB; one table is 50
