"""Path normalisation: Envoy's vectors, slashes that were escaped, and what must hold for any path."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mosn._fastpath.proxy.route_face import normalize

KEEP, REJECT, UNESCAPE_REDIRECT, UNESCAPE_FORWARD = range(4)

CANONICAL = [
    ("/xyz", "/xyz"), ("/x/y/z", "/x/y/z"), ("/a/b/../c", "/a/c"), ("/a/b/./c", "/a/b/c"), ("a/b/../c", "/a/c"),
    ("/a/b/../../../../c", "/c"), ("/a/..\\c", "/c"), ("/%c0%af", "/%c0%af"), ("/%5c%25", "/%5c%25"),
    ("/a/b/%2E%2E/c", "/a/c"), ("/a/b/%2E./c", "/a/c"), ("/a/b/.%2e/c", "/a/c"), ("/a/b/%2E/c", "/a/b/c"),
    ("..", "/"), (".", "/"), ("/../a/b", "/a/b"), ("/./a/b", "/a/b"), ("/A/B/C", "/A/B/C"),
    ("/a/%2F%2f/c", "/a/%2F%2f/c"), ("/a/b/..", "/a/"), ("/a/b/.", "/a/b/"), ("/a/b/%2e%2e", "/a/"),
    ("/..", "/"), ("/.", "/"), ("/...", "/..."), ("/.../x", "/.../x"), ("/a..", "/a.."), ("/..a", "/..a"),
    ("/.a", "/.a"), ("/a.", "/a."), ("/a/.b/c", "/a/.b/c"), ("/%2ehidden", "/.hidden"), ("/a%2e", "/a."),
    ("\\a\\b", "/a/b"), ("/a\\..\\b", "/b"), ("//a//b", "//a//b"), ("/a//../b", "/a/b"), ("//../a", "/a"),
    ("/%41%5A%61%30", "/AZa0"), ("/%7e%2d%5f", "/~-_"), ("/%20%3f%23", "/%20%3f%23"), ("/a b", "/a%20b"),
    ('/"<>^`{|}', "/%22%3C%3E%5E%60%7B%7C%7D"), ("/!$&'()*+,:;=@[]~-_", "/!$&'()*+,:;=@[]~-_"),
    ("/100%", "/100%"), ("/%", "/%"), ("/%4", "/%4"), ("/%zz", "/%zz"), ("/ä", "/%C3%A4"), ("/€", "/%E2%82%AC"),
    ("/a/../b?x/../y", "/b?x/../y"), ("/a/..?q", "/?q"), ("/a?b?c", "/a?b?c"), ("/\x7f", "/%7F"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "expected"), CANONICAL)
def test_canonical(path: str, expected: str) -> None:
    assert normalize(path.encode()) == ("ok", expected.encode())


@pytest.mark.parametrize(
    "path",
    ["/xyz/.%00../abc", "/xyz/%00.%00./abc", "/xyz/AAAAA%%0000/abc", "/%00", "/a\0b", "/%%32e", "/%%32%65%2e/x",
     "/%4%31"],
)  # fmt: skip
def test_refused(path: str) -> None:
    """NUL, and escapes that unescaping would make."""
    assert normalize(path.encode()) == ("bad", path.encode())


@pytest.mark.parametrize("path", [b"/\xff", b"/\xc3", b"/\xc0\xaf", b"/\xed\xa0\x80", b"/\xf5\x80\x80\x80", b"/\x80"])
def test_bytes_that_are_not_utf8_are_refused(path: bytes) -> None:
    assert normalize(path)[0] == "bad"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a//b/c", "a/b/c"), ("/a//b/c/", "/a/b/c/"), ("/a", "/a"), ("//a/b/c", "/a/b/c"), ("/a/b/c//", "/a/b/c/"),
        ("/a///b/c", "/a/b/c"), ("/a////b/c", "/a/b/c"), ("/a//b?a=///c", "/a/b?a=///c"), ("/a//b?", "/a/b?"),
        ("//a/?b", "/a/?b"), ("//", "/"), ("", ""),
    ],
)  # fmt: skip
def test_merge_slashes(path: str, expected: str) -> None:
    assert normalize(path.encode(), normalize=False, merge_slashes=True) == ("ok", expected.encode())


def test_merging_comes_after_normalisation() -> None:
    assert normalize(b"/a/%2e%2e//../b//c", merge_slashes=True) == ("ok", b"/b/c")


@pytest.mark.parametrize(
    ("escaped", "path", "expected"),
    [
        (KEEP, "/a%2fb%5Cc", ("ok", "/a%2fb%5Cc")),
        (REJECT, "/a%2fb", ("bad", "/a%2fb")),
        (REJECT, "/a%5cb", ("bad", "/a%5cb")),
        (REJECT, "/a/b?%2f", ("ok", "/a/b?%2f")),
        (UNESCAPE_REDIRECT, "/a%2Fb", ("redirect", "/a/b")),
        (UNESCAPE_REDIRECT, "/a%5Cb?q=%2F", ("redirect", "/a/b?q=%2F")),
        (UNESCAPE_REDIRECT, "/a/b", ("ok", "/a/b")),
        (UNESCAPE_REDIRECT, "/a%2F..%2Fb", ("redirect", "/b")),
        (UNESCAPE_FORWARD, "/a%2fb%5Cc", ("ok", "/a/b/c")),
        (UNESCAPE_FORWARD, "/a%2f%2e%2E%2fb", ("ok", "/b")),
        (UNESCAPE_FORWARD, "/a%252fb", ("ok", "/a%252fb")),
        (UNESCAPE_FORWARD, "/a%2", ("ok", "/a%2")),
    ],
)
def test_escaped_slashes(escaped: int, path: str, expected: tuple[str, str]) -> None:
    assert normalize(path.encode(), escaped=escaped) == (expected[0], expected[1].encode())


def test_escaped_slashes_without_normalisation() -> None:
    assert normalize(b"/a%2f..%5Cb", normalize=False, escaped=UNESCAPE_FORWARD) == ("ok", b"/a/..\\b")


PIECES = st.sampled_from([b"/", b".", b"..", b"%2e", b"%2E", b"\\", b"%", b"%25", b"2", b"e", b"%32", b"%2f", b"%5c",
                          b"a", b"?", b"#", b" ", b"\xc3\xa4", b"%00", b"%%", b"~", b"%7E", b"%c3"])  # fmt: skip
PATHS = st.lists(PIECES, max_size=20).map(b"".join) | st.binary(max_size=60)


@given(PATHS, st.booleans(), st.integers(0, 3))
def test_normalising_twice_changes_nothing(path: bytes, merge: bool, escaped: int) -> None:
    verdict, once = normalize(path, merge_slashes=merge, escaped=escaped)
    if verdict != "bad":
        assert normalize(once, merge_slashes=merge, escaped=KEEP) == ("ok", once)


@given(PATHS)
def test_no_dot_segment_is_left(path: bytes) -> None:
    verdict, result = normalize(path)
    if verdict == "ok" and path:
        bare = result.partition(b"?")[0]
        segments = bare.lower().replace(b"%2e", b".").split(b"/")
        assert bare.startswith(b"/") and b"\\" not in bare
        assert b"." not in segments and b".." not in segments


@given(PATHS)
def test_the_query_is_left_alone(path: bytes) -> None:
    verdict, result = normalize(path, merge_slashes=True, escaped=UNESCAPE_FORWARD)
    if verdict == "ok":
        assert result.partition(b"?")[1:] == path.partition(b"?")[1:]
