"""Builds the compiled extensions of mosn/_fastpath; everything else is in pyproject.toml.

Switches (environment):
    MOSN_SANITIZE=1   AddressSanitizer and UndefinedBehaviourSanitizer (needs clang; run with PYTHONMALLOC=malloc)
    MOSN_FUZZ=1       as above plus libFuzzer's coverage instrumentation, for atheris
    MOSN_DEBUG=1      -O0 -g, assertions on
    MOSN_COVERAGE=1   line tracing for coverage.py
    MOSN_ONLY=GLOB    build only the modules whose dotted name matches, e.g. 'mosn._fastpath.codec.*'
"""

import os
from fnmatch import fnmatch
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
PROCESSORS = os.cpu_count() or 1


def switch(name):
    return os.environ.get(name, "") not in ("", "0")


SANITIZE = switch("MOSN_SANITIZE") or switch("MOSN_FUZZ")
if SANITIZE:
    os.environ.setdefault("CC", "clang")
    os.environ.setdefault("CXX", "clang++")

# What a module links against besides libc.
LIBRARIES = {
    "mosn._fastpath.proxy.regex": ["re2"],
    "mosn._fastpath.engine.tls": ["ssl", "crypto"],
    "mosn._fastpath.proxy.tls_context": ["ssl", "crypto"],
    "mosn._fastpath.proxy.tls_facts": ["ssl", "crypto"],
    "mosn._fastpath.proxy.tls_describe": ["ssl", "crypto"],
    "mosn._fastpath.proxy.tls_verify": ["ssl", "crypto"],
    "mosn._fastpath.proxy.tls_handshake": ["ssl", "crypto"],
}
CPLUSPLUS = {"mosn._fastpath.proxy.regex"}


# `&(<Type *>NULL).member` is how Cython says offsetof, vptr and function would need the sanitizer's C++ runtime; a null
# pointer that is really followed is a SEGV, which AddressSanitizer reports.
CHECKS_OFF = "-fno-sanitize=null,object-size,vptr,function"


def compile_flags():
    if switch("MOSN_DEBUG"):
        return ["-O0", "-g"]
    if switch("MOSN_FUZZ"):
        return ["-O1", "-g", "-fsanitize=address,undefined,fuzzer-no-link", CHECKS_OFF, "-fno-omit-frame-pointer"]
    if SANITIZE:
        return ["-O1", "-g", "-fsanitize=address,undefined", CHECKS_OFF, "-fno-omit-frame-pointer"]
    # -g1 keeps line numbers for perf at no cost in speed.
    return ["-O3", "-g1", "-fno-semantic-interposition", "-fno-plt"]


def link_flags():
    if switch("MOSN_FUZZ"):
        # No runtime: atheris brings one that has AddressSanitizer and libFuzzer in it, and two would quarrel.
        return ["-fsanitize=address,undefined,fuzzer-no-link"]
    return ["-fsanitize=address,undefined", "-shared-libasan"] if SANITIZE else []


def extensions():
    only = os.environ.get("MOSN_ONLY", "*")
    for path in sorted((ROOT / "mosn" / "_fastpath").rglob("*.pyx")):
        relative = path.relative_to(ROOT)
        name = ".".join(relative.with_suffix("").parts)
        if not fnmatch(name, only):
            continue
        yield Extension(
            name,
            [str(relative)],
            libraries=LIBRARIES.get(name, []),
            language="c++" if name in CPLUSPLUS else "c",
            define_macros=[("CYTHON_TRACE_NOGIL", "1")] if switch("MOSN_COVERAGE") else [],
            extra_compile_args=[*compile_flags(), "-Wall", "-Wno-unused-function", "-Wno-unused-but-set-variable"],
            extra_link_args=link_flags(),
        )


DIRECTIVES = {
    "language_level": "3",
    "boundscheck": False,
    "wraparound": False,
    "cdivision": True,
    "initializedcheck": False,
    "embedsignature": False,
    "freethreading_compatible": False,
    "linetrace": switch("MOSN_COVERAGE"),
}



class BuildWithReference(build_py):
    """`mosn explain` reads the reference pages: they are installed with the package."""

    def run(self):
        super().run()
        pages = Path(self.build_lib) / "mosn" / "reference"
        pages.mkdir(parents=True, exist_ok=True)
        for page in (ROOT / "docs" / "reference").glob("*.md"):
            self.copy_file(str(page), str(pages / page.name))


setup(
    cmdclass={"build_py": BuildWithReference},
    ext_modules=cythonize(
        list(extensions()),
        compiler_directives=DIRECTIVES,
        nthreads=0 if switch("MOSN_SERIAL") else PROCESSORS,
        build_dir=os.environ.get("MOSN_BUILD_DIR", "build/cython"),
    ),
    # So that `pip install .` uses every core too.
    options={"build_ext": {"parallel": 1 if switch("MOSN_SERIAL") else PROCESSORS}},
)
