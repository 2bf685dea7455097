"""Hash policies: what is hashed, how policies are put together, and the cookie that is made."""

from __future__ import annotations

from typing import Any

import pytest

from mosn._fastpath.hashing import xxh64_of
from mosn._fastpath.proxy.route_exchange import Exchange
from mosn._fastpath.proxy.route_face import explain_compiled
from tests.fastpath.routing.tables import cluster_object, compiled, routes_spec

MASK = (1 << 64) - 1


def hashed(policies: list[dict[str, Any]], exchange: Exchange) -> tuple[int | None, str]:
    """(hash, Set-Cookie) for a request under these policies."""
    spec = routes_spec({"match": {"prefix": "/"}, "route": {"cluster": "a", "hash_policy": policies}})
    result = explain_compiled(compiled(spec, "a"), spec, {"a": cluster_object("a")}, exchange)
    return result["hash"], result["set_cookie"]


def combined(*hashes: int) -> int:
    total = 0
    for one in hashes:
        total = ((total << 1 | total >> 63) & MASK) ^ one
    return total


def header(name: str, **more: Any) -> dict[str, Any]:
    return {"header": {"header_name": name, **more.pop("of", {})}, **more}


SOURCE = {"connection_properties": {"source_ip": True}}


def test_no_policy_no_hash() -> None:
    assert hashed([], Exchange()) == (None, "")


def test_header() -> None:
    assert hashed([header("x-user")], Exchange(headers=[("X-User", "bob")]))[0] == xxh64_of(b"bob")
    assert hashed([header("x-user")], Exchange(headers=[("x-user", "")]))[0] == xxh64_of(b"")
    assert hashed([header("x-user")], Exchange())[0] is None
    assert hashed([header(":path")], Exchange(path="/a?b"))[0] == xxh64_of(b"/a?b")
    assert hashed([header(":authority")], Exchange(authority="h.com"))[0] == xxh64_of(b"h.com")


def test_header_values_in_any_order() -> None:
    one = hashed([header("x")], Exchange(headers=[("x", "foo"), ("y", "-"), ("x", "bar")]))[0]
    two = hashed([header("x")], Exchange(headers=[("x", "bar"), ("x", "foo")]))[0]
    assert one == two == xxh64_of(b"foo", xxh64_of(b"bar"))


def test_header_rewritten() -> None:
    rewrite = {"regex_rewrite": {"pattern": {"regex": "^/(\\w+)/.*"}, "substitution": "\\1"}}
    assert hashed([header(":path", of=rewrite)], Exchange(path="/tenant/x"))[0] == xxh64_of(b"tenant")


def test_more_headers_than_are_hashed() -> None:
    assert hashed([header("x")], Exchange(headers=[("x", str(n)) for n in range(500)]))[0] is not None


def test_query_parameter() -> None:
    policy = [{"query_parameter": {"name": "user"}}]
    assert hashed(policy, Exchange(path="/?a=1&user=bob&user=eve"))[0] == xxh64_of(b"bob")
    assert hashed(policy, Exchange(path="/?user"))[0] == xxh64_of(b"")
    assert hashed(policy, Exchange(path="/?users=bob"))[0] is None


def test_source_ip() -> None:
    assert hashed([SOURCE], Exchange(remote=("1.2.3.4", 999)))[0] == xxh64_of(b"1.2.3.4")
    assert hashed([SOURCE], Exchange(remote=("::1", 999)))[0] == xxh64_of(b"::1")
    assert hashed([SOURCE], Exchange(remote="/unix"))[0] is None


@pytest.mark.parametrize(
    ("cookies", "value"),
    [(["session=abc"], b"abc"), (["a=b; session=abc; c=d"], b"abc"), (['session="abc"'], b"abc"),
     (["a=b", "session=abc"], b"abc"), (["session=abc", "session=def"], b"abc"), (["  session=abc"], b"abc"),
     (["session=a=b=c"], b"a=b=c"), (["session=abc "], b"abc "), (["session; session=abc"], b"abc"),
     (["xsession=1"], None), (["session"], None), (["session="], None), (["Session=abc"], None)],
)  # fmt: skip
def test_cookie(cookies: list[str], value: bytes | None) -> None:
    exchange = Exchange(headers=[("Cookie", cookie) for cookie in cookies])
    expected = None if value is None else xxh64_of(value)
    assert hashed([{"cookie": {"name": "session"}}], exchange) == (expected, "")


@pytest.mark.parametrize(
    ("more", "tail"),
    [({"ttl": "3600s"}, "; Max-Age=3600; HttpOnly"), ({"ttl": "0s"}, "; HttpOnly"),
     ({"ttl": "10s", "path": "/p"}, "; Max-Age=10; Path=/p; HttpOnly"),
     ({"ttl": "0s", "path": "/"}, "; Path=/; HttpOnly")],
)  # fmt: skip
def test_cookie_is_made(more: dict[str, Any], tail: str) -> None:
    exchange = Exchange(direct_remote=("1.2.3.4", 5), local=("10.0.0.1", 80))
    value = f"{xxh64_of(b'1.2.3.4:510.0.0.1:80'):016x}"
    got = hashed([{"cookie": {"name": "session", **more}}], exchange)
    assert got == (xxh64_of(value.encode()), f'session="{value}"{tail}')


def test_a_cookie_that_is_there_is_kept() -> None:
    exchange = Exchange(headers=[("cookie", "session=abc")])
    assert hashed([{"cookie": {"name": "session", "ttl": "10s"}}], exchange) == (xxh64_of(b"abc"), "")


def test_policies_are_put_together() -> None:
    exchange = Exchange(headers=[("a", "1"), ("b", "2")], remote=("1.2.3.4", 1))
    one, two, three = xxh64_of(b"1"), xxh64_of(b"2"), xxh64_of(b"1.2.3.4")
    assert hashed([header("a"), header("b"), SOURCE], exchange)[0] == combined(one, two, three)
    assert hashed([header("a"), header("none"), header("b")], exchange)[0] == combined(one, two)
    assert hashed([header("a"), header("a")], exchange)[0] == combined(one, one) != 0


def test_terminal_policies() -> None:
    exchange = Exchange(headers=[("a", "1"), ("b", "2")])
    one, two = xxh64_of(b"1"), xxh64_of(b"2")
    assert hashed([header("a", terminal=True), header("b")], exchange)[0] == one
    assert hashed([header("none", terminal=True), header("b")], exchange)[0] == two
    assert hashed([header("a"), header("none", terminal=True), header("b")], exchange)[0] == one
