"""Prints what pyproject.toml asks for, one requirement a line: to build, to run, and to test.

Example: python tools/requirements.py
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path


def requirements(pyproject: Path) -> list[str]:
    """The requirements of the build, of the program and of the `test` extra, without repeats."""
    settings = tomllib.loads(pyproject.read_text())
    project = settings["project"]
    wanted = [*settings["build-system"]["requires"], *project["dependencies"]]
    wanted += project["optional-dependencies"]["test"]
    return list(dict.fromkeys(wanted))


def main() -> int:
    if sys.argv[1:]:
        print(__doc__)
        return 0
    print("\n".join(requirements(Path(__file__).resolve().parent.parent / "pyproject.toml")))
    return 0


if __name__ == "__main__":
    sys.exit(main())
