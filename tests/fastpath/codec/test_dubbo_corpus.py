"""What real clients and servers said, and frames made by hand: each is read as the oracle reads it, however cut."""

from __future__ import annotations

import struct

import pytest

from mosn._fastpath.codec.dubbo_face import Parsed, Refused, parse, parse_at, patch, read, read_at, write
from tests.fastpath.codec.dubbo_cases import Case, load
from tests.fastpath.codec.guard_page import GuardedPages
from tests.oracle import dubbo as oracle

CASES = load("recorded", "made")
BAD = load("bad")
REQUESTS = [c for c in CASES if c.readable]
each_case = pytest.mark.parametrize("case", CASES, ids=[c.name for c in CASES])
each_request = pytest.mark.parametrize("case", REQUESTS, ids=[c.name for c in REQUESTS])


def facts(data: bytes) -> dict[str, object] | int | str:
    try:
        found = parse(data)
    except Refused as error:
        return str(error)
    if isinstance(found, int):
        return found
    return {k: v for k, v in found._asdict().items() if k != "timeout_ms"}


def expected_facts(data: bytes) -> dict[str, object] | int | str:
    try:
        return oracle.parse(data)
    except oracle.Refused as error:
        return str(error)


def head(data: bytes) -> oracle.Head | str:
    try:
        found = read(data)
    except Refused as error:
        return str(error)
    return oracle.Head(found.authority, found.path, list(found.headers), found.timeout_ms)


def expected_head(data: bytes) -> oracle.Head | str:
    try:
        return oracle.read(data)
    except oracle.Refused as error:
        return str(error)


@each_case
def test_oracle_agrees_on_the_frame(case: Case) -> None:
    assert facts(case.data) == expected_facts(case.data)


@each_request
def test_oracle_agrees_on_the_head(case: Case) -> None:
    assert head(case.data) == expected_head(case.data)


@each_case
def test_every_beginning_wants_more(case: Case) -> None:
    for n in [*range(min(len(case.data), 40)), len(case.data) - 1]:
        assert facts(case.data[:n]) == (0 if n < 16 else len(case.data))
    assert parse(case.data + b"\xda\xbb") == parse(case.data)


@each_request
def test_attachments_may_be_read_later(case: Case) -> None:
    assert read(case.data, steps=True) == read(case.data)
    first = read(case.data, service=True)
    assert (first.authority, first.path, first.own) == (*read(case.data)[:2], 0)


@each_request
def test_written_unchanged_is_the_same(case: Case) -> None:
    _, written = write(case.data, id=struct.unpack(">Q", case.data[4:12])[0])
    assert written == case.data


@each_request
def test_an_attachment_is_added(case: Case) -> None:
    before = read(case.data)
    for service in (False, True):
        changed, written = write(case.data, id=99, add=[(b"x-request-id", b"0af7")], service=service)
        after = read(written)
        assert changed
        assert parse(written)._replace(length=0, id=0) == parse(case.data)._replace(length=0, id=0)
        assert parse(written).id == 99
        assert after.headers == (*before.headers, (b"x-request-id", b"0af7"))


@each_case
def test_an_id_is_patched(case: Case) -> None:
    patched = patch(case.data, 2**64 - 2)
    assert patched == case.data[:4] + b"\xff" * 7 + b"\xfe" + case.data[12:]


@each_case
def test_reads_nothing_outside(case: Case) -> None:
    step = 1 + len(case.data) // 200
    with GuardedPages(1 + len(case.data) // 4096) as pages:
        for n in range(0, len(case.data) + 1, step):
            parse_at(pages.at_end(case.data[:n]), n)
            parse_at(pages.at_start(case.data[:n]), n)
        if case.readable:
            read_at(pages.at_end(case.data), len(case.data))
            read_at(pages.at_start(case.data), len(case.data))


@pytest.mark.parametrize("case", [c for c in REQUESTS if len(c.data) < 2000], ids=lambda c: c.name)
def test_a_body_that_ends_anywhere(case: Case) -> None:
    """The fixed part says what is there: shorter bodies are refused, or have no attachments."""
    with GuardedPages(1) as pages:
        for n in range(16, len(case.data)):
            cut = case.data[:12] + struct.pack(">I", n - 16) + case.data[16:n]
            assert head(cut) == expected_head(cut)
            try:
                read_at(pages.at_end(cut), n)
            except Refused:
                pass


@pytest.mark.parametrize("case", BAD, ids=[c.name for c in BAD])
def test_refused(case: Case) -> None:
    assert facts(case.data) == expected_facts(case.data)
    assert head(case.data) == expected_head(case.data) == "BAD_HEADERS"


def test_what_was_recorded() -> None:
    """Every kind of frame from a real peer, in both serializations and from both generations of Dubbo."""
    recorded = [c for c in CASES if c.name.startswith("recorded/")]
    kinds = {(c.name.split("/")[1], p.kind) for c in recorded if isinstance(p := parse(c.data), Parsed)}
    everything = {"request", "oneway", "response", "heartbeat", "heartbeat_answer", "goaway"}
    for run in ("2.7.23-hessian2", "3.3.6-hessian2", "3.3.6-fastjson2"):
        assert {kind for where, kind in kinds if where == run} == everything
    assert {parse(c.data).value for c in recorded if "hessian2/" in c.name} >= {3, 4, 5}
