"""Who may import whom, read from `import`, `from` and `cimport` in Python and Cython sources.

`cli` > `workers admin xds` > `config policy report upstream protocol filter` > `_fastpath` > the four modules that
every layer may use.  Siblings see of each other only what a package's `__init__` exports.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.project.source import CYTHON, ROOT, code

LAYERS = (
    ("errors", "model", "extension", "clock"),
    ("_fastpath",),
    ("config", "policy", "report", "upstream", "protocol", "filter"),
    ("workers", "admin", "xds"),
    ("cli", "__main__"),
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}

# Inside the fast path: codecs and shared memory are below the engine, which is below the proxy.
FAST_LAYERS = (("memory", "hashing"), ("head",), ("codec", "shm"), ("engine",), ("proxy",), ("data_plane",))
FAST_LEVEL = {name: level for level, names in enumerate(FAST_LAYERS) for name in names}

CYTHON_FROM = re.compile(r"^\s*from\s+(?P<module>[\w.]+)\s+c?import\s+(?P<names>.*)$")
CYTHON_IMPORT = re.compile(r"^\s*c?import\s+(?P<names>[\w., ]+)$")

# A Python face of compiled code, for tests and tools, belongs to what it shows.
FACE = re.compile(r"_(?:face|probe|timing)$")

# A violation that stays, and why: (importing file, imported module) -> reason.
ALLOWED: dict[tuple[str, str], str] = {}


def module_of(path: Path) -> str:
    """Dotted name of a source file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[str]:
    """Dotted names of everything of ours that a file imports, at any depth."""
    found = cython_imports(path) if path.suffix in CYTHON else python_imports(path)
    return (name for name in found if name.split(".")[0] == "mosn")


def python_imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = absolute("." * node.level + (node.module or ""), path)
            yield from (member(base, alias.name) for alias in node.names)


def cython_imports(path: Path) -> Iterator[str]:
    text = re.sub(r"#.*", "", path.read_text())
    # A parenthesised list of names on several lines becomes one line.
    for line in re.sub(r"\(\s*([^()]*?)\s*\)", lambda found: found[1].replace("\n", " "), text).splitlines():
        if found := CYTHON_FROM.match(line):
            base = absolute(found["module"], path)
            yield from (member(base, name.split()[0]) for name in found["names"].split(",") if name.strip())
        elif found := CYTHON_IMPORT.match(line):
            yield from (name.split()[0] for name in found["names"].split(",") if name.strip())


def absolute(name: str, path: Path) -> str:
    """A relative module name, seen from a file, in full."""
    dots = len(name) - len(name.lstrip("."))
    if not dots:
        return name
    package = path.relative_to(ROOT).parent.parts
    return ".".join([*package[: len(package) - dots + 1], *filter(None, name.lstrip(".").split("."))])


def member(base: str, name: str) -> str:
    """What `from base import name` reaches: the submodule if there is one, else the package's face."""
    inside = ROOT.joinpath(*base.split("."), name)
    is_module = inside.is_dir() or any(inside.with_suffix(suffix).exists() for suffix in (".py", ".pyx", ".pxd"))
    return f"{base}.{name}" if is_module else base


def fault(importer: str, imported: str) -> str | None:
    """Why this import is not allowed, or None."""
    source, target = importer.split("."), imported.split(".")
    if len(target) == 1 or len(source) == 1 or source[1] == target[1]:
        return fast_fault(source, target)
    if source[1] not in LEVEL or target[1] not in LEVEL:
        return "is in no layer: add it to LAYERS and to CONTRIBUTING.md"
    if LEVEL[source[1]] < LEVEL[target[1]]:
        return "is a layer above"
    if LEVEL[source[1]] == LEVEL[target[1]] and len(target) > 2:
        return "is a sibling's inside; import it from the package"
    return None


def fast_fault(source: list[str], target: list[str]) -> str | None:
    source, target = [FACE.sub("", name) for name in source], [FACE.sub("", name) for name in target]
    if len(source) < 3 or len(target) < 3 or target[1] != "_fastpath" or source[2] == target[2]:
        return None
    if source[2] not in FAST_LEVEL or target[2] not in FAST_LEVEL:
        return "is in no layer of the fast path: add it to FAST_LAYERS"
    if FAST_LEVEL[source[2]] < FAST_LEVEL[target[2]]:
        return "is a layer above in the fast path"
    if FAST_LEVEL[source[2]] == FAST_LEVEL[target[2]]:
        return "is a sibling in the fast path"
    return None


def test_every_import_goes_down() -> None:
    faults = [
        f"{name}: {imported} {reason}"
        for path in code("mosn")
        for name in [str(path.relative_to(ROOT))]
        for imported in sorted(set(imports(path)))
        if (reason := fault(module_of(path), imported)) and (name, imported) not in ALLOWED
    ]
    assert not faults, "\n".join(faults)


def test_the_program_needs_nothing_of_the_checkout() -> None:
    outside = re.compile(r"^\s*(?:from|import|cimport)\s+(?:bench|tests|tools)\b", re.MULTILINE)
    assert not [str(path.relative_to(ROOT)) for path in code("mosn") if outside.search(path.read_text())]


@pytest.mark.parametrize(
    ("importer", "imported", "good"),
    [
        ("mosn.cli.check", "mosn.config.loader", True),
        ("mosn.config.loader", "mosn.cli", False),
        ("mosn.config.loader", "mosn.upstream", True),
        ("mosn.config.loader", "mosn.upstream.health", False),
        ("mosn.workers.worker", "mosn.admin", True),
        ("mosn.model", "mosn.errors", True),
        ("mosn.model", "mosn.config", False),
        ("mosn._fastpath.codec.http1", "mosn._fastpath.head", True),
        ("mosn._fastpath.codec.http1", "mosn._fastpath.engine.loop", False),
        ("mosn._fastpath.engine.loop", "mosn._fastpath.proxy.types", False),
    ],
)
def test_the_rule_itself(importer: str, imported: str, good: bool) -> None:
    assert (fault(importer, imported) is None) == good


def test_imports_are_found_in_every_form(tmp_path: Path) -> None:
    source = tmp_path / "a.pyx"
    source.write_text(
        "from libc.stdint cimport uint8_t\ncimport mosn.cli\nfrom mosn.workers cimport (\n    a,\n    b,\n)\n"
        "from mosn.admin import x as y\nimport mosn.errors as e, os\n"
    )
    assert sorted(imports(source)) == ["mosn.admin", "mosn.cli", "mosn.errors", "mosn.workers", "mosn.workers"]
