"""One function per rule of protoc-gen-validate: given a value, what is wrong with it, or None."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Any

from google.protobuf.descriptor import EnumDescriptor

Check = Callable[[Any], str | None]

REQUIRED = "is required"

_HEADER_NAME = re.compile(r":?[0-9a-zA-Z!#$%&'*+\-.^_|~`]+\Z")
_HEADER_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*\Z")
_NO_LINE_BREAKS = re.compile(r"[^\x00\n\r]*\Z")
_LABEL = r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)"
_HOST_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*\Z")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s]*\Z")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")


def compile_checks(kind: str, rules: Any, enum: EnumDescriptor | None) -> list[Check]:
    """The checks that a rules message (`validate.StringRules` ...) asks for; kind is its name in FieldRules."""
    checks = [check for field, value in rules.ListFields() if (check := _check(kind, field.name, value, rules, enum))]
    if getattr(rules, "ignore_empty", False):
        return [_unless_empty(check) for check in checks]
    return checks


def _unless_empty(check: Check) -> Check:
    return lambda value: check(value) if value else None


def _check(kind: str, rule: str, value: Any, rules: Any, enum: EnumDescriptor | None) -> Check | None:
    if kind == "duration":
        return _duration_check(rule, value)
    if kind == "enum" and rule == "defined_only":
        return _defined_only(enum) if enum is not None and value else None
    if rule in ("in", "not_in"):
        return _membership(rule, [_enum_name(enum, item) for item in value], list(value))
    if rule in _COMPARISONS and kind not in ("string", "bytes", "repeated", "map"):
        return _comparison(rule, value, f"{value:g}" if isinstance(value, float) else str(_enum_name(enum, value)))
    if rule == "well_known_regex":
        return _well_known(value, not rules.HasField("strict") or rules.strict)
    maker = _MAKERS.get(rule)
    return maker(value) if maker and value not in (False, None) else None


def _enum_name(enum: EnumDescriptor | None, value: Any) -> Any:
    known = enum.values_by_number.get(value) if enum is not None else None
    return known.name if known is not None else value


_COMPARISONS: dict[str, tuple[Callable[[Any, Any], bool], str]] = {
    "const": (lambda value, bound: value == bound, "must be"),
    "lt": (lambda value, bound: value < bound, "must be less than"),
    "lte": (lambda value, bound: value <= bound, "must be at most"),
    "gt": (lambda value, bound: value > bound, "must be greater than"),
    "gte": (lambda value, bound: value >= bound, "must be at least"),
}


def _comparison(rule: str, bound: Any, shown: str) -> Check:
    holds, words = _COMPARISONS[rule]
    return lambda value: None if holds(value, bound) else f"{words} {shown}"


def _nanos(duration: Any) -> int:
    return int(duration.seconds) * 1_000_000_000 + int(duration.nanos)


def _duration_check(rule: str, bound: Any) -> Check | None:
    if rule not in _COMPARISONS:
        return None
    holds, words = _COMPARISONS[rule]
    limit = _nanos(bound)
    shown = f"{limit / 1_000_000_000:g}s"
    return lambda value: None if holds(_nanos(value), limit) else f"{words} {shown}"


def _defined_only(enum: EnumDescriptor) -> Check:
    known = frozenset(enum.values_by_number)
    return lambda value: None if value in known else f"{enum.full_name} has no value {value}"


def _membership(rule: str, shown: list[Any], values: list[Any]) -> Check:
    words = ", ".join(map(str, shown))
    if rule == "in":
        return lambda value: None if value in values else f"must be one of {words}"
    return lambda value: f"must not be any of {words}" if value in values else None


def _length(measure: Callable[[Any], int], low: int, high: int | None, what: str) -> Check:
    def check(value: Any) -> str | None:
        size = measure(value)
        if size < low:
            return REQUIRED if size == 0 and low == 1 else f"must have at least {low} {what}"
        return f"must have at most {high} {what}" if high is not None and size > high else None

    return check


def _bytes_of(value: Any) -> int:
    return len(value.encode()) if isinstance(value, str) else len(value)


def _entries(low: int, high: int | None) -> Check:
    return _length(len, low, high, "entries" if (high or low) != 1 else "entry")


def _pattern(text: str) -> Check | None:
    try:
        compiled = re.compile(re.sub(r"(?<!\\)\$\Z", r"\\Z", text))
    except re.error:
        return None
    return lambda value: None if compiled.search(_as_text(value)) else f"must match {text}"


def _as_text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _matches(pattern: re.Pattern[str], what: str) -> Check:
    return lambda value: None if pattern.match(value) else f"must be {what}"


def _is_ip(value: Any, version: int | None = None) -> bool:
    try:
        return version in (None, ipaddress.ip_address(value).version)
    except ValueError:
        return False


def _well_known(kind: int, strict: bool) -> Check:
    name = kind == 1
    if not strict:
        return _matches(_NO_LINE_BREAKS, "free of line breaks")
    return _matches(_HEADER_NAME, "a header name") if name else _matches(_HEADER_VALUE, "a header value")


def _unique(_: Any) -> Check:
    return lambda value: None if len({repr(item) for item in value}) == len(value) else "must not repeat an entry"


_MAKERS: dict[str, Callable[[Any], Check | None]] = {
    "len": lambda n: _length(len, n, n, "characters"),
    "min_len": lambda n: _length(len, n, None, "characters"),
    "max_len": lambda n: _length(len, 0, n, "characters"),
    "len_bytes": lambda n: _length(_bytes_of, n, n, "bytes"),
    "min_bytes": lambda n: _length(_bytes_of, n, None, "bytes"),
    "max_bytes": lambda n: _length(_bytes_of, 0, n, "bytes"),
    "min_items": lambda n: _entries(n, None),
    "max_items": lambda n: _entries(0, n),
    "min_pairs": lambda n: _entries(n, None),
    "max_pairs": lambda n: _entries(0, n),
    "unique": _unique,
    "const": lambda bound: lambda value: None if value == bound else f"must be {bound!r}",
    "prefix": lambda part: lambda value: None if value.startswith(part) else f"must begin with {part!r}",
    "suffix": lambda part: lambda value: None if value.endswith(part) else f"must end with {part!r}",
    "contains": lambda part: lambda value: None if part in value else f"must contain {part!r}",
    "not_contains": lambda part: lambda value: f"must not contain {part!r}" if part in value else None,
    "pattern": _pattern,
    "hostname": lambda _: _matches(_HOST_NAME, "a host name"),
    "ip": lambda _: lambda value: None if _is_ip(value) else "must be an IP address",
    "ipv4": lambda _: lambda value: None if _is_ip(value, 4) else "must be an IPv4 address",
    "ipv6": lambda _: lambda value: None if _is_ip(value, 6) else "must be an IPv6 address",
    "address": lambda _: (
        lambda value: None if _is_ip(value) or _HOST_NAME.match(value) else "must be a host name or an IP address"
    ),
    "uri": lambda _: _matches(_URI, "an absolute URI"),
    "uuid": lambda _: _matches(_UUID, "a UUID"),
    "email": lambda _: lambda value: None if "@" in value else "must be an e-mail address",
}
