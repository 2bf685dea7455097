"""The Go program of tests/interop: modules through go, the binary kept in the cache."""

from __future__ import annotations

import shutil
from pathlib import Path

from bench.cache import cache_directory
from tests.interop.java import HERE, Unavailable, digest, kept, only_one


def program() -> Path:
    """The program of go/.  Raises Unavailable."""
    if shutil.which("go") is None:
        raise Unavailable("go is not installed")
    home, sources = cache_directory("interop") / "go", sorted((HERE / "go").iterdir())
    # In a copy: go notes there what it found.
    build = 'cp "$1"/* "$2" && cd "$2" && go build -mod=mod -trimpath -o program .'
    with only_one(home):
        try:
            made = kept(home, digest(sources), ["sh", "-c", build, "go", str(HERE / "go")])
        except RuntimeError as failed:
            raise Unavailable(str(failed)) from failed
    return made / "program"
