"""What is true of the events that any bytes give."""

from __future__ import annotations

import re
from collections.abc import Iterable

from mosn._fastpath.codec.http1_face import HeadEvent

Event = tuple[object, ...]
NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z]+")
VALUE = re.compile(rb"(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?")


def joined(events: Iterable[Event]) -> list[Event]:
    """The events with neighbouring data put together."""
    out: list[Event] = []
    for event in events:
        if event[0] == "data" and out and out[-1][0] == "data":
            out[-1] = ("data", out[-1][1] + event[1])
        else:
            out.append(event)
    return out


def check_events(events: list[Event]) -> None:
    """Heads, bodies and ends take turns; an error comes last; fields are clean."""
    inside = False
    for i, event in enumerate(events):
        if isinstance(event, HeadEvent):
            check(not inside, "a head inside a message")
            check_fields(event.headers)
            check(not re.search(rb"[\x00-\x20\x7f-\xff]", event.method + event.path + event.authority), "target")
            inside = True
        elif event[0] == "end":
            check(inside, "an end without a head")
            inside = False
        elif event[0] == "error":
            check(i == len(events) - 1, "something behind an error")
        else:
            check(inside, "a body without a head")
            if event[0] == "trailers":
                check_fields(event[1])


def check_fields(fields: Iterable[tuple[bytes, bytes]]) -> None:
    for name, value in fields:
        check(bool(NAME.fullmatch(name)), f"name {name!r}")
        check(bool(VALUE.fullmatch(value)), f"value {value!r}")


def check(true: bool, what: str) -> None:
    if not true:
        raise AssertionError(what)
