"""Compile the generator and the backend into the cache, once per state of their sources."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import bench.load
from bench.cache import CHECKOUT, cache_directory

HERE = Path(__file__).resolve().parent
COMPILED = ("generator", "backend", "http1", "http2", "tcp", "bolt", "dubbo")
# Only where OpenSSL's headers are.
OPTIONAL = "tls"
HEADER = "openssl/ssl.h"
FLAGS = ["-O2", "-Wall", "-Wno-unused-function"]


def digest_of_sources() -> str:
    """Changes with any source and with the interpreter."""
    digest = hashlib.sha256(sys.version.encode())
    for source in sorted([*HERE.glob("*.pyx"), *HERE.glob("*.pxd"), HERE / "build.py"]):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def ensure_built() -> Path:
    """Make `bench.load.generator` and the others importable; return the directory of the compiled files."""
    target = cache_directory("load") / digest_of_sources()
    if not target.exists():
        compile_into(target)
    if str(target) not in bench.load.__path__:
        bench.load.__path__.append(str(target))
    return target


def compile_into(target: Path) -> None:
    """Build beside the target and rename, so that two builds at once do no harm."""
    scratch = Path(tempfile.mkdtemp(dir=target.parent, prefix="building-"))
    command = [sys.executable, "-m", "bench.load.build", str(scratch)]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(
            "the load generator did not compile; is a C compiler installed? "
            f"`{' '.join(command)}` said:\n{done.stderr[-3000:]}"
        )
    try:
        os.rename(scratch / "bench" / "load", target)
    except OSError:
        # Another build was quicker: its result is the same.
        if not target.exists():
            raise
    shutil.rmtree(scratch, ignore_errors=True)


def build(scratch: Path) -> None:
    """Compile every module; runs in a process of its own because setuptools changes global state."""
    from Cython.Build import cythonize
    from setuptools import Distribution, Extension

    def extension(name: str, *libraries: str) -> Extension:
        source = str(Path("bench/load") / f"{name}.pyx")
        return Extension(f"bench.load.{name}", [source], extra_compile_args=FLAGS, libraries=list(libraries))

    extensions = [extension(name) for name in COMPILED]
    if compiler_finds(HEADER):
        extensions.append(extension(OPTIONAL, "ssl", "crypto"))
    directives = {"language_level": 3, "boundscheck": False, "wraparound": False, "cdivision": True}
    modules = cythonize(  # type: ignore[no-untyped-call]
        extensions, build_dir=str(scratch / "c"), compiler_directives=directives
    )
    distribution = Distribution({"ext_modules": modules})
    command = distribution.get_command_obj("build_ext")
    command.build_lib = str(scratch)
    command.build_temp = str(scratch / "objects")
    command.ensure_finalized()
    command.run()


def compiler_finds(header: str) -> bool:
    """Whether a C header is installed."""
    compiler = os.environ.get("CC", "cc").split()
    code = f"#include <{header}>\n"
    return subprocess.run([*compiler, "-E", "-"], input=code.encode(), capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    build(Path(sys.argv[1]).resolve())
