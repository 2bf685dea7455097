"""Node programs of tests/interop: packages through npm, kept in the cache."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from bench.cache import cache_directory
from tests.interop.java import HERE, Unavailable, digest, kept, only_one


def packages() -> Path:
    """The directory of what node/package.json asks for.  Raises Unavailable."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise Unavailable(f"{program} is not installed")
    home, wanted = cache_directory("interop") / "node", HERE / "node" / "package.json"
    install = 'cp "$1" "$2" && cd "$2" && npm install --silent --no-audit --no-fund --ignore-scripts --no-package-lock'
    with only_one(home):
        try:
            made = kept(home, f"packages-{digest([wanted])}", ["sh", "-c", install, "npm", str(wanted)])
        except RuntimeError as failed:
            raise Unavailable(str(failed)) from failed
    return made / "node_modules"


def node(program: str) -> tuple[list[str], dict[str, str]]:
    """The command that runs a program of node/, and its environment."""
    return ["node", str(HERE / "node" / program)], {**os.environ, "NODE_PATH": str(packages())}
