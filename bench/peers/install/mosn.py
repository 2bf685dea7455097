"""MOSN, built from its Go module as the module proxy serves it. About ten minutes on two cores.

Two things keep the published module from compiling: the seata filter, which nothing here uses, and two modules
on a host that no longer answers. The first import is dropped and the latter get empty stand-ins, in a copy.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from bench.cache import cache_directory
from bench.peers.install.command import InstallFailure, run

VERSION = "v1.6.1"
MAIN = Path("cmd/mosn/main")
UNUSED_IMPORT = '_ "mosn.io/mosn/pkg/filter/stream/seata"'
UNREACHABLE = ("vimagination.zapto.org/byteio", "vimagination.zapto.org/memio")


def find_program() -> Path | None:
    """The binary, if it has been built."""
    program = cache_directory("peers") / f"mosn-go-{VERSION}" / "mosn"
    return program if program.exists() else None


def install() -> str:
    """Build once; return the binary's path."""
    present = find_program()
    if present:
        return str(present)
    if not shutil.which("go"):
        raise InstallFailure("no Go compiler on PATH; install Go 1.18 or later, then run this again")
    directory = cache_directory("peers") / f"mosn-go-{VERSION}"
    directory.mkdir(exist_ok=True)
    sources = copy_module(directory)
    drop_unused_import(sources)
    stand_in_for_unreachable(sources, directory)
    return build(sources, directory)


def copy_module(directory: Path) -> Path:
    """Copy the module out of Go's read-only cache to a place where it can be changed."""
    downloaded = json.loads(run(["go", "mod", "download", "-json", f"mosn.io/mosn@{VERSION}"], cwd=directory))
    sources = directory / "sources"
    shutil.rmtree(sources, ignore_errors=True)
    shutil.copytree(downloaded["Dir"], sources, copy_function=shutil.copyfile)
    for path in [sources, *sources.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    return sources


def drop_unused_import(sources: Path) -> None:
    """Take the seata filter's line out of the program's list of extensions."""
    listing = sources / MAIN / "mosn.go"
    lines = listing.read_text().splitlines(keepends=True)
    listing.write_text("".join(line for line in lines if UNUSED_IMPORT not in line))


def stand_in_for_unreachable(sources: Path, directory: Path) -> None:
    """Give each unreachable module an empty one to resolve to; no package that is compiled imports them."""
    for module in UNREACHABLE:
        stand_in = directory / "empty" / module.rsplit("/", 1)[1]
        stand_in.mkdir(parents=True, exist_ok=True)
        (stand_in / "go.mod").write_text(f"module {module}\n")
        run(["go", "mod", "edit", f"-replace={module}={stand_in}"], cwd=sources)


def build(sources: Path, directory: Path) -> str:
    """Compile with the module graph left as published; return the binary's path."""
    program = directory / "mosn"
    run(["go", "build", "-mod=mod", "-o", str(program), f"./{MAIN}"], cwd=sources, GOFLAGS="-buildvcs=false")
    return str(program)
