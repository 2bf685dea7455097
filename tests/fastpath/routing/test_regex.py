"""RE2: whole matches, its refusals, and that no pattern is slow."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mosn._fastpath.proxy.regex import RegexObject


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [("a+", b"aaa", True), ("a+", b"aaab", False), ("", b"", True), ("", b"a", False), (".*", b"\n", False),
     ("(?s).*", b"\n", True), ("(?i)abc", b"ABC", True), ("\\d+", b"12", True), (".", "é".encode(), True),
     (".", b"\xff", False), ("\\C", b"\xff", True), ("a\\x00b", b"a\0b", True), ("^/a$", b"/a", True)],
)  # fmt: skip
def test_whole_matches(pattern: str, text: bytes, matches: bool) -> None:
    assert RegexObject(pattern).full_match(text) == matches


@pytest.mark.parametrize("pattern", ["(", ")", "[", "*", "a{1001}", "(?<=a)b", "\\1", "(a)\\1",
"((a{100}){100}){100}", "\\"])
def test_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="bad regular expression"):
        RegexObject(pattern)


def test_substitutions() -> None:
    made = RegexObject("(a)(b)")
    for good in ("", "x", "\\0", "\\1\\2", "\\\\"):
        made.check_substitution(good)
    for bad in ("\\3", "\\", "\\x"):
        with pytest.raises(ValueError, match="bad substitution"):
            made.check_substitution(bad)


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|aa)+b", "(.*)*b", "(a*)*(a*)*b", "(?:a?){50}a{50}b"])
def test_evil_patterns_take_linear_time(pattern: str) -> None:
    made = RegexObject(pattern)
    start = time.process_time()
    assert not made.full_match(b"a" * 60_000)
    assert time.process_time() - start < 5


def test_it_is_made_once() -> None:
    made = RegexObject("a")
    with pytest.raises(TypeError):
        made.__init__("b")  # type: ignore[misc]
    assert made.full_match(b"a")


@given(st.text(max_size=30), st.binary(max_size=60))
def test_any_pattern_and_text(pattern: str, text: bytes) -> None:
    try:
        made = RegexObject(pattern)
    except ValueError:
        return
    made.full_match(text)
