"""The project's own files and the functions in them, Python and Cython, as the rules need to see them."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

CODE = (".py", ".pyi", ".pyx", ".pxd")
CYTHON = (".pyx", ".pxd")

# The first line of a Cython function or of a declaration of one; not `cdef struct`, `cdef enum`, `cdef class`.
CYTHON_FUNCTION = re.compile(r"^(?P<indent>\s*)(?P<kind>cdef|cpdef|def|async def)\s+(?P<rest>[^=#]*\b\w+\s*\(.*)$")
CYTHON_NAME = re.compile(r"(\w+)\s*\(")
COMMENT = re.compile(r"\s+#.*$")


@dataclass(frozen=True)
class Function:
    """A function with a body.  `lines` counts signature and body without the docstring."""

    path: Path
    line: int
    name: str
    kind: str  # "def", "cdef" or "cpdef"
    signature: str
    lines: int

    @property
    def place(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line} {self.name}"


@cache
def tracked() -> tuple[Path, ...]:
    """Every file that git has or would take, in order."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return tuple(sorted(path for path in (ROOT / name for name in names if name) if path.is_file()))


def code(*tops: str, suffixes: tuple[str, ...] = CODE) -> list[Path]:
    """Source files under these directories of the checkout."""
    return [path for path in tracked() if path.suffix in suffixes and path.relative_to(ROOT).parts[0] in tops]


def functions(path: Path) -> Iterator[Function]:
    """The functions of a file, nested ones too."""
    return cython_functions(path) if path.suffix in CYTHON else python_functions(path)


def python_functions(path: Path) -> Iterator[Function]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1 - docstring_lines(node)
            yield Function(path, node.lineno, node.name, "def", node.name, length)


def docstring_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    if ast.get_docstring(node, clean=False) is None:
        return 0
    return (node.body[0].end_lineno or node.body[0].lineno) - node.body[0].lineno + 1


def cython_functions(path: Path) -> Iterator[Function]:
    """Functions with a body; declarations, which have no colon at their end, are left out."""
    lines = path.read_text().splitlines()
    for number, line in enumerate(lines):
        found = CYTHON_FUNCTION.match(line)
        if not found:
            continue
        signature, end = joined_signature(lines, number)
        if signature.endswith(":"):
            last = body_end(lines, end, len(found["indent"]))
            name = CYTHON_NAME.search(signature)
            yield Function(
                path, number + 1, name[1] if name else "?", found["kind"], signature,
                last - number + 1 - cython_docstring_lines(lines, end + 1),
            )


def joined_signature(lines: list[str], start: int) -> tuple[str, int]:
    """The text of a signature on one line, and the index of its last line."""
    text = ""
    for index in range(start, len(lines)):
        text = f"{text} {COMMENT.sub('', lines[index]).strip()}".strip()
        if text.count("(") <= text.count(")") and not text.endswith("\\"):
            return text, index
    return text, len(lines) - 1


def body_end(lines: list[str], signature_end: int, indent: int) -> int:
    """Index of the last line that is indented deeper than the signature."""
    last = signature_end
    for index in range(signature_end + 1, len(lines)):
        line = lines[index]
        if not line.strip():
            continue
        if len(line) - len(line.lstrip()) <= indent:
            break
        last = index
    return last


def cython_docstring_lines(lines: list[str], first: int) -> int:
    if first >= len(lines) or not lines[first].strip().startswith(('"""', 'r"""')):
        return 0
    if lines[first].count('"""') > 1:
        return 1
    for index in range(first + 1, len(lines)):
        if '"""' in lines[index]:
            return index - first + 1
    return 0
