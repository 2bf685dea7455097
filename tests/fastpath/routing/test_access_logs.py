"""Access logs: which requests pass the filters, and what arrives in the record ring."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest

from mosn._fastpath.proxy.info import RESPONSE_FLAGS
from mosn._fastpath.proxy.log import AccessLogsObject
from mosn._fastpath.proxy.route_exchange import Exchange
from mosn._fastpath.proxy.route_face import write_logs
from mosn._fastpath.shm.ring import RingReader
from mosn._fastpath.shm.segment import Segment
from mosn.model import AccessLog

FLAG = {short: 1 << bit for bit, (short, _) in enumerate(RESPONSE_FLAGS)}


@pytest.fixture
def segment() -> Iterator[Segment]:
    made = Segment.create(1)
    yield made
    made.close()


def log(sink: int = 0, text: str = "%REQ(:path)% %REQ(none)%\n", **more: Any) -> AccessLog:
    return cast(AccessLog, {
        "sink": sink, "format": text, "json": None, "omit_empty_values": False, "filter": None, **more})  # fmt: skip


def answered(status: int = 200, flags: int = 0, duration_ms: int = 0, **more: Any) -> Exchange:
    exchange = Exchange(response_flags=flags, start_us=1000, end_us=1000 + duration_ms * 1000, **more)
    exchange.respond(status)
    return exchange


def passes(segment: Segment, spec: dict[str, Any], exchange: Exchange) -> bool:
    write_logs(AccessLogsObject([log(filter=spec)]), exchange, segment)
    return bool(RingReader(segment, 0).read())


def test_records(segment: Segment) -> None:
    logs = AccessLogsObject([
        log(3), log(7, omit_empty_values=True), log(9, "", json=[("p", "%REQ(:path)%"), ("n", "%REQ(none)%")]),
        log(9, "", json=[("n", "%REQ(none)%")], omit_empty_values=True),
    ])  # fmt: skip
    write_logs(logs, Exchange(path="/x"), segment)
    assert RingReader(segment, 0).read() == [
        (1, 3, b"/x -\n"), (1, 7, b"/x \n"), (1, 9, b'{"n":null,"p":"/x"}\n'), (1, 9, b"{}\n")]  # fmt: skip


def test_no_logs_and_empty_lines(segment: Segment) -> None:
    write_logs(AccessLogsObject([]), Exchange(), segment)
    write_logs(AccessLogsObject([log(0, "")]), Exchange(), segment)
    assert RingReader(segment, 0).read() == []


def test_a_full_ring_drops(segment: Segment) -> None:
    logs = AccessLogsObject([log(0, "x" * 60_000 + "\n")])
    for _ in range(200):
        write_logs(logs, Exchange(), segment)
    assert 10 < len(RingReader(segment, 0).read()) < 200
    write_logs(logs, Exchange(), segment)
    assert len(RingReader(segment, 0).read()) == 1


@pytest.mark.parametrize(
    ("op", "statuses"), [("eq", [404]), ("ge", [404, 500]), ("le", [0, 200, 404]), ("ne", [0, 200, 500])]
)
def test_status(segment: Segment, op: str, statuses: list[int]) -> None:
    spec = {"kind": "status", "op": op, "value": 404}
    assert [s for s in (0, 200, 404, 500) if passes(segment, spec, answered(s))] == statuses


def test_duration(segment: Segment) -> None:
    spec = {"kind": "duration", "op": "ge", "value": 100}
    assert [ms for ms in (0, 99, 100, 101) if passes(segment, spec, answered(duration_ms=ms))] == [100, 101]


def test_header(segment: Segment) -> None:
    string = {"kind": "prefix", "value": "curl", "ignore_case": False}
    matcher = {"name": "user-agent", "kind": "string", "present": True, "string": string, "range_start": 0,
               "range_end": 0, "invert": False, "treat_missing_as_empty": False}  # fmt: skip
    spec = {"kind": "header", "header": matcher}
    assert passes(segment, spec, Exchange(headers=[("User-Agent", "curl/8")]))
    assert not passes(segment, spec, Exchange()) and not passes(segment, spec, Exchange(tcp=True))


def test_flags(segment: Segment) -> None:
    named, any_ = {"kind": "flags", "flags": ["UF", "NR"]}, {"kind": "flags", "flags": []}
    for flags, by_name, by_any in [(0, 0, 0), (FLAG["UF"], 1, 1), (FLAG["NR"] | FLAG["DC"], 1, 1), (FLAG["DC"], 0, 1)]:
        assert passes(segment, named, answered(flags=flags)) == bool(by_name)
        assert passes(segment, any_, answered(flags=flags)) == bool(by_any)


def test_not_health_check(segment: Segment) -> None:
    assert passes(segment, {"kind": "not_health_check"}, answered())


def test_fraction(segment: Segment) -> None:
    spec = {"kind": "fraction", "fraction": {"numerator": 10, "denominator": 100}}
    logs = AccessLogsObject([log(text="x\n", filter=spec)])
    for random in range(20_000):
        write_logs(logs, Exchange(random=random), segment)
    assert 1800 < len(RingReader(segment, 0).read()) < 2200
    for numerator, expected in [(0, False), (100, True)]:
        spec = {"kind": "fraction", "fraction": {"numerator": numerator, "denominator": 100}}
        assert {passes(segment, spec, Exchange(random=r)) for r in range(200)} == {expected}


def test_and_or(segment: Segment) -> None:
    slow, bad = {"kind": "duration", "op": "ge", "value": 10}, {"kind": "status", "op": "ge", "value": 500}
    both, either = {"kind": "and", "children": [slow, bad]}, {"kind": "or", "children": [slow, bad]}
    nested = {"kind": "or", "children": [both, {"kind": "flags", "flags": ["DC"]}]}
    cases = [answered(503, 0, 50), answered(503), answered(200, 0, 50), answered(200), answered(200, FLAG["DC"])]
    assert [passes(segment, both, case) for case in cases] == [True, False, False, False, False]
    assert [passes(segment, either, case) for case in cases] == [True, True, True, False, False]
    assert [passes(segment, nested, case) for case in cases] == [True, False, False, False, True]


def deep(levels: int) -> dict[str, Any]:
    spec: dict[str, Any] = {"kind": "not_health_check"}
    for _ in range(levels):
        spec = {"kind": "and", "children": [spec]}
    return spec


@pytest.mark.parametrize(
    ("spec", "words"),
    [({"kind": "nope"}, "nope"), ({"kind": "flags", "flags": ["XX"]}, "'XX'"),
    ({"kind": "and", "children": []}, "nothing"),
     (deep(100), "nested")],
)  # fmt: skip
def test_refused(spec: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        AccessLogsObject([log(filter=spec)])
