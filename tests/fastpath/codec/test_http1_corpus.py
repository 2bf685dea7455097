"""Every corpus file gives what is written beside it, however its bytes are split."""

from __future__ import annotations

import pytest

from mosn._fastpath.codec.http1_face import ERRORS
from tests.fastpath.codec.http1_cases import Case, feed, load
from tests.oracle import http1 as oracle

CASES = load()
each_case = pytest.mark.parametrize("case", CASES, ids=[c.name for c in CASES])


@each_case
def test_gives_what_is_expected(case: Case) -> None:
    assert feed(case.parser(), [case.data]) == case.events


@each_case
def test_oracle_agrees(case: Case) -> None:
    found = oracle.decode(case.data, response=case.response, methods=case.methods, limits=oracle.Limits(**case.limits))
    assert found == case.events


@each_case
def test_every_split_in_two(case: Case) -> None:
    for at in range(len(case.data) + 1):
        assert feed(case.parser(), [case.data[:at], case.data[at:]]) == case.events, f"split at {at}"


@each_case
def test_byte_by_byte(case: Case) -> None:
    pieces = [case.data[i:i + 1] for i in range(len(case.data))]
    assert feed(case.parser(), pieces) == case.events


@pytest.mark.parametrize("case", [c for c in CASES if c.error], ids=[c.name for c in CASES if c.error])
def test_nothing_follows_an_error(case: Case) -> None:
    parser = case.parser()
    feed(parser, [case.data])
    assert parser.feed(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n") == []


def test_size_of_the_corpus() -> None:
    requests = [c for c in CASES if not c.response]
    assert sum(bool(c.error) for c in requests) >= 70
    assert sum(not c.error for c in requests) >= 60
    assert sum(c.response for c in CASES) >= 30


def test_every_error_has_a_case() -> None:
    unused = {"OK", "TARGET_TOO_LONG", "OUT_OF_MEMORY"}
    assert {c.error for c in CASES if c.error} == set(ERRORS) - unused


@pytest.mark.parametrize(("name", "expected"), [
    ("responses/until_close", [("end",)]),
    ("responses/unfinished", [("incomplete",)]),
    ("responses/ok", []),
    ("responses/icy", []),
    ("requests/unfinished_head", [("incomplete",)]),
    ("requests/unfinished_chunk", [("incomplete",)]),
    ("requests/get", []),
])
def test_close(name: str, expected: list[tuple[object, ...]]) -> None:
    """What it means that the peer closes behind a case's bytes."""
    (case,) = [c for c in CASES if c.name == name]
    parser = case.parser()
    parser.feed(case.data)
    assert parser.close() == expected
