"""The codec reads no byte before or behind what it is given."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

from tests.fastpath.codec.guard_page import GuardedPages
from tests.fastpath.codec.http1_cases import Case, load

CASES = load()


@pytest.mark.parametrize("case", CASES, ids=[c.name for c in CASES])
def test_reads_nothing_outside(case: Case) -> None:
    """Every beginning of the bytes, right in front of and right behind an unreadable page."""
    step = 1 + len(case.data) // 400
    with GuardedPages(4) as pages:
        for n in range(0, len(case.data) + 1, step):
            beginning = case.data[:n]
            case.parser().feed_at(pages.at_end(beginning), n)
            case.parser().feed_at(pages.at_start(beginning), n)
        whole = case.parser().feed_at(pages.at_end(case.data), len(case.data))
    assert bool(case.error) == any(e[0] == "error" for e in whole)


def test_the_guard_works() -> None:
    """A process that reads one byte too far dies."""
    program = (
        "import ctypes\n"
        "from tests.fastpath.codec.guard_page import GuardedPages\n"
        "pages = GuardedPages(1)\n"
        "ctypes.string_at(pages.at_end(b'abc'), 4)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert done.returncode < 0


def test_a_guarded_page_is_writable() -> None:
    with GuardedPages(1) as pages:
        assert ctypes.string_at(pages.at_end(b"abc"), 3) == b"abc"
