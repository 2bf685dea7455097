"""Fetches and compiles what the tests here run; with everything in the cache that takes no time.

Example: python -m tests.interop
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from tests.interop import golang, node
from tests.interop.java import HERE, Unavailable, class_path


def builders() -> list[Callable[[], object]]:
    found: list[Callable[[], object]] = [node.packages, golang.program]
    for pom in sorted(HERE.glob("*/pom-*.xml")):
        framework, version = pom.parent.name, pom.stem.removeprefix("pom-")
        found.append(lambda framework=framework, version=version: class_path(framework, version))
    return found


def main() -> int:
    failed = 0
    for build in builders():
        try:
            print(build())
        except Unavailable as why:
            print(why, file=sys.stderr)
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main())
