"""What may be in the repository, and that its pages say what is so."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests.project.source import ROOT, tracked

BINARY = (".png", ".ico", ".bin", ".raw", ".gz", ".pem", ".key", ".der", ".woff2")
# A path that exists on somebody's machine only.
MACHINE_PATH = re.compile(r"/(?:work|root|home/[a-z]+|Users/[a-zA-Z]+)/")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
CODE_BLOCK = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
REQUIREMENT = re.compile(r"^[A-Za-z0-9_.-]+")


def texts() -> list[tuple[str, str]]:
    found = []
    for path in tracked():
        if path.suffix not in BINARY and "corpus" not in path.parts:
            try:
                found.append((str(path.relative_to(ROOT)), path.read_text()))
            except UnicodeDecodeError:
                pass
    return found


def pages() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".md"]


def read(name: str) -> str:
    return (ROOT / name).read_text()


def test_no_machine_paths() -> None:
    found = [
        f"{name}:{number} {line.strip()[:100]}"
        for name, text in texts()
        for number, line in enumerate(text.splitlines(), 1)
        if MACHINE_PATH.search(line)
    ]
    assert not found, "\n".join(found)


def test_nothing_built_is_tracked() -> None:
    built = (".so", ".o", ".pyc", ".whl")
    assert not [str(path.relative_to(ROOT)) for path in tracked() if path.suffix in built]


PAGES = ("LICENSE", "README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "THREAT_MODEL.md")


@pytest.mark.parametrize("name", [*PAGES, "docs/index.md"])
def test_the_page_exists(name: str) -> None:
    assert len(read(name)) > 400


@pytest.mark.parametrize("page", pages(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_resolve(page: Path) -> None:
    text = CODE_BLOCK.sub("", page.read_text())
    dead = []
    for found in LINK.finditer(text):
        target, _, anchor = found["target"].partition("#")
        if ":" in target:
            continue
        there = page if not target else page.parent / target
        broken_anchor = anchor and there.suffix == ".md" and there.exists() and anchor not in anchors(there.read_text())
        if broken_anchor or not there.exists():
            dead.append(found["target"])
    assert not dead


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to a page's headings."""
    headings = re.findall(r"^#+\s+(.*?)\s*$", CODE_BLOCK.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_first_screen_of_the_readme_shows_both_commands() -> None:
    first = "\n".join(read("README.md").splitlines()[:40])
    assert "./tools/demo" in first
    assert "./tools/test" in first


def test_continuous_integration_does_what_the_readme_says() -> None:
    commands = [line for line in read(".ci/run").splitlines() if line.strip() and not line.startswith("#")]
    assert "Continuous integration runs `./tools/test` and nothing else" in read("README.md")
    assert commands == ["set -euo pipefail", 'cd -P "$(dirname "${BASH_SOURCE[0]}")/.."', "exec ./tools/test"]


def test_every_dependency_is_justified() -> None:
    project = tomllib.loads(read("pyproject.toml"))
    wanted = [*project["build-system"]["requires"], *project["project"]["dependencies"]]
    for extra in project["project"]["optional-dependencies"].values():
        wanted += extra
    names = {found[0] for requirement in wanted if (found := REQUIREMENT.match(requirement))}
    rows = re.findall(r"^\| `([^`]+)` \| \S", read("docs/dependencies.md"), re.MULTILINE)
    assert sorted(names - set(rows)) == []
    assert sorted(row for row in set(rows) - names - NOT_IN_PYPROJECT if not row.startswith("system:")) == []


# Installed where it is needed, by tests/fuzz/run.
NOT_IN_PYPROJECT = {"atheris"}


def test_every_test_directory_has_tests() -> None:
    python = [path.relative_to(ROOT) for path in tracked() if path.suffix == ".py"]
    directories = {path.parts[1] for path in python if path.parts[0] == "tests" and len(path.parts) > 2}
    with_tests = {path.parts[1] for path in python if path.parts[0] == "tests" and path.name.startswith("test_")}
    assert sorted(directories - with_tests - NO_TESTS_BY_PURPOSE) == []


# Directories under tests/ that others import.
NO_TESTS_BY_PURPOSE = {"oracle"}
