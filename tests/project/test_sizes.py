"""How long files and functions may be (CONTRIBUTING.md).  An exception is listed here with its reason."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.project.source import ROOT, Function, code, functions

PROGRAM = ("mosn", "bench", "tools")
FILE_LINES = 400
FILE_LINES_EVER = 700
FUNCTION_LINES = 60

# File over 400 lines -> why it is better whole.
LONG_FILES: dict[str, str] = {
    "mosn/_fastpath/proxy/runtime.pxd": "structs that refer to each other: a stream and its connections",
    "mosn/_fastpath/engine/conn.pyx": "one socket's states: reading, writing and closing call each other",
    "mosn/config/supported.py": "one table of what is implemented, by message, read as a reference",
    "mosn/model.py": "one declaration of the whole snapshot, read as a reference",
}

# "file function" over 60 lines -> why it is better whole.  At most one function in a hundred.
LONG_FUNCTIONS: dict[str, str] = {}


def all_functions() -> list[Function]:
    return [function for path in code(*PROGRAM) if path.suffix != ".pyi" for function in functions(path)]


def percentile(values: list[int], percent: float) -> int:
    return sorted(values)[min(len(values) - 1, math.ceil(len(values) * percent / 100) - 1)] if values else 0


def test_files_are_short() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in code(*PROGRAM, "tests")}
    long = [f"{name}: {lines}" for name, lines in lengths.items() if lines > FILE_LINES and name not in LONG_FILES]
    assert not long, "split these by what they do:\n" + "\n".join(long)
    assert not [name for name, lines in lengths.items() if lines > FILE_LINES_EVER]


def test_functions_are_short() -> None:
    long = [
        f"{function.place}: {function.lines} lines"
        for function in all_functions()
        if function.lines > FUNCTION_LINES and exception_key(function) not in LONG_FUNCTIONS
    ]
    assert not long, "split these:\n" + "\n".join(long)


def test_most_functions_fit_on_half_a_screen() -> None:
    lengths = [function.lines for function in all_functions()]
    assert percentile(lengths, 50) <= 8
    assert percentile(lengths, 90) <= 28
    assert len(LONG_FUNCTIONS) <= len(lengths) / 100


def test_exceptions_are_still_needed() -> None:
    """An exception that no longer applies is removed from the list."""
    lengths = {exception_key(function): function.lines for function in all_functions()}
    stale = [key for key in LONG_FUNCTIONS if lengths.get(key, 0) <= FUNCTION_LINES]
    stale += [name for name in LONG_FILES if len((ROOT / name).read_text().splitlines()) <= FILE_LINES]
    assert not stale


def exception_key(function: Function) -> str:
    return f"{function.path.relative_to(ROOT)} {function.name}"


CYTHON_SAMPLE = '''
cdef struct Point:
    int x

cdef int declared(int a) noexcept nogil

cdef class Thing:
    cdef int method(self, int a,
                    int b) except -1:
        # A comment.
        return a + \\
            b

    def other(self):
        """Two
        lines."""
        return 1


cpdef fast():
    pass
'''


def test_cython_functions_are_read(tmp_path: Path) -> None:
    path = tmp_path / "sample.pyx"
    path.write_text(CYTHON_SAMPLE)
    assert [(found.name, found.kind, found.lines) for found in functions(path)] == [
        ("method", "cdef", 5),
        ("other", "def", 2),
        ("fast", "cpdef", 2),
    ]


@pytest.mark.parametrize(("percent", "value"), [(50, 2), (90, 4), (100, 4)])
def test_percentile(percent: float, value: int) -> None:
    assert percentile([4, 1, 2, 3], percent) == value
