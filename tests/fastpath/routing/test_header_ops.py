"""Header operations, one by one."""

from __future__ import annotations

from typing import Any

import pytest

from mosn._fastpath.proxy.route_exchange import Exchange
from mosn._fastpath.proxy.route_face import apply_headers
from mosn.model import HeaderOp

Pairs = list[tuple[str, str]]


def op(kind: Any, name: str, value: str = "", keep_empty: bool = False) -> HeaderOp:
    return {"op": kind, "name": name, "value": value, "keep_empty": keep_empty}


def after(ops: list[HeaderOp], headers: Pairs) -> Pairs:
    exchange = Exchange(headers=headers)
    apply_headers(exchange, ops)
    return [(name.decode(), value.decode()) for name, value in exchange.request_headers]


OLD = [("x", "1"), ("via", "a"), ("x", "2"), ("y", "3"), ("via", "b")]

VECTORS: list[tuple[HeaderOp, Pairs]] = [
    (op("append", "x", "new"), [*OLD, ("x", "new")]),
    (op("append", "X", "new"), [*OLD, ("x", "new")]),
    (op("append", "via", "new"), [*OLD, ("via", "new")]),
    (op("append", "z", ""), OLD),
    (op("append", "z", "", True), [*OLD, ("z", "")]),
    (op("append", "z", "%REQ(none)%"), OLD),
    (op("append", "z", "%REQ(none)%", True), [*OLD, ("z", "")]),
    (op("append", "z", "<%REQ(y)%>"), [*OLD, ("z", "<3>")]),
    (op("add", "x", "new"), OLD),
    (op("add", "via", "new"), OLD),
    (op("add", "z", "new"), [*OLD, ("z", "new")]),
    (op("overwrite", "x", "new"), [("x", "new"), ("via", "a"), ("y", "3"), ("via", "b")]),
    (op("overwrite", "via", "new"), [("x", "1"), ("via", "new"), ("x", "2"), ("y", "3")]),
    (op("overwrite", "z", "new"), [*OLD, ("z", "new")]),
    (op("overwrite", "x", ""), OLD),
    (op("overwrite", "y", "", True), [("x", "1"), ("via", "a"), ("x", "2"), ("y", ""), ("via", "b")]),
    (op("replace", "y", "new"), [("x", "1"), ("via", "a"), ("x", "2"), ("y", "new"), ("via", "b")]),
    (op("replace", "x", "%REQ(x)%%REQ(x)%"), [("x", "11"), ("via", "a"), ("y", "3"), ("via", "b")]),
    (op("replace", "z", "new"), OLD),
    (op("remove", "x"), [("via", "a"), ("y", "3"), ("via", "b")]),
    (op("remove", "via"), [("x", "1"), ("x", "2"), ("y", "3")]),
    (op("remove", "z"), OLD),
]


@pytest.mark.parametrize(("operation", "expected"), VECTORS)
def test_vector(operation: HeaderOp, expected: Pairs) -> None:
    assert after([operation], OLD) == expected


def test_operations_see_those_before() -> None:
    ops = [op("append", "a", "1"), op("add", "a", "2"), op("append", "b", "%REQ(a)%"), op("remove", "a")]
    assert after(ops, []) == [("b", "1")]


def test_a_removed_header_can_come_back() -> None:
    assert after([op("remove", "x"), op("add", "x", "new"), op("overwrite", "x", "newer")], OLD)[-1] == ("x", "newer")


def test_pseudo_headers_can_be_overwritten() -> None:
    exchange = Exchange("GET", "/a", "old.com", "http")
    apply_headers(exchange, [
        op("overwrite", ":path", "/b?from=%REQ(:path)%"), op("overwrite", ":authority", "new.com"),
        op("overwrite", ":method", "POST"),
    ])  # fmt: skip
    assert (exchange.path, exchange.authority, exchange.method) == (b"/b?from=/a", b"new.com", b"POST")
    apply_headers(exchange, [op("overwrite", "host", "newer.com")])
    assert exchange.authority == b"newer.com"
    apply_headers(exchange, [op("overwrite", ":path", "")])
    assert exchange.path == b"/b?from=/a"


@pytest.mark.parametrize("name", [":path", ":authority", "host", "Host", ":scheme"])
@pytest.mark.parametrize("kind", ["append", "add", "replace", "remove"])
def test_pseudo_headers_cannot_be_changed_otherwise(kind: str, name: str) -> None:
    with pytest.raises(ValueError, match="may not be modified"):
        apply_headers(Exchange(), [op(kind, name, "x")])


@pytest.mark.parametrize(
    ("bad", "words"),
    [(op("append", ":status", "1"), "may not be modified"), (op("overwrite", ":status", "1"), "may not be modified"),
     (op("append", "", "1"), "empty"), (op("prepend", "x", "1"), "prepend"), (op("append", "x", "%X%"), "%X%")],
)  # fmt: skip
def test_refused(bad: HeaderOp, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        apply_headers(Exchange(), [bad])


def test_answers() -> None:
    exchange = Exchange(headers=[("x-in", "question")], response_flags=1 << 8)
    exchange.respond(404, [("server", "upstream"), ("x-powered-by", "php")])
    apply_headers(exchange, [
        op("overwrite", "server", "mosn"), op("remove", "x-powered-by"), op("append", "x-echo", "%REQ(x-in)%"),
        op("append", "x-code", "%RESPONSE_CODE%/%RESPONSE_FLAGS%"),
    ], request=False)  # fmt: skip
    assert exchange.response_headers == [
        (b"server", b"mosn"), (b"x-echo", b"question"), (b"x-code", b"404/NR")]  # fmt: skip
    assert exchange.request_headers == [(b"x-in", b"question")]


def test_values_do_not_leak_between_headers() -> None:
    """Values are copied into the request's own memory, which goes with it."""
    exchange = Exchange(headers=[("x", "v" * 1000)])
    before = exchange.arena_bytes
    apply_headers(exchange, [op("append", "y", "%REQ(x)%%REQ(x)%")])
    assert 2000 <= exchange.arena_bytes - before <= 4000
