"""`mosn version`"""

from __future__ import annotations

import argparse
import json
import platform
import re
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from mosn.workers.version import VERSION

LIBRARIES = ("Cython", "uvloop", "msgpack", "aiohttp", "grpcio", "protobuf", "xds-protos", "PyYAML", "orjson", "psutil")

KERNEL_SETTINGS = {
    "somaxconn": "/proc/sys/net/core/somaxconn",
    "tcp_migrate_req": "/proc/sys/net/ipv4/tcp_migrate_req",
    "ip_unprivileged_port_start": "/proc/sys/net/ipv4/ip_unprivileged_port_start",
    "io_uring_disabled": "/proc/sys/kernel/io_uring_disabled",
    "file-max": "/proc/sys/fs/file-max",
}


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "version",
        help="say what this program is made of",
        description="Print the version; with -v what it is made of and what the kernel offers.",
        epilog="example: mosn version -v",
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="libraries, compiler, kernel")
    parser.add_argument("--json", action="store_true", help="print as JSON")


def run(args: argparse.Namespace) -> int:
    if not args.verbose:
        print(json.dumps({"version": VERSION}) if args.json else f"mosn {VERSION}")
        return 0
    parts = {"mosn": {"version": VERSION, "directory": str(Path(__file__).parents[1])}, **_parts()}
    if args.json:
        print(json.dumps(parts))
        return 0
    for title, values in parts.items():
        print(title)
        for name, value in values.items():
            print(f"  {name:<28}{value}")
    return 0


def _parts() -> dict[str, dict[str, str]]:
    return {
        "python": {
            "version": platform.python_version(),
            "built with": platform.python_compiler(),
            "executable": sys.executable,
        },
        "libraries": {name: _library(name) for name in LIBRARIES},
        "compiled": _compiled(),
        "kernel": {"release": platform.release(), "machine": platform.machine(), **_kernel()},
    }


def _library(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _compiled() -> dict[str, str]:
    """The extension modules, and whether one is built for debugging."""
    root = Path(__file__).parents[1] / "_fastpath"
    modules = sorted(root.rglob("*.so"))
    sanitized = [path for path in modules if b"__asan_init" in path.read_bytes()]
    return {
        "extension modules": str(len(modules)),
        "bytes": str(sum(path.stat().st_size for path in modules)),
        "sanitizer": "address, undefined" if sanitized else "none",
        **_build_record(modules),
    }


def _build_record(modules: list[Path]) -> dict[str, str]:
    """Compiler and flags, from the record that compilers leave beside line numbers."""
    found: dict[str, set[str]] = {"compiler": set(), "flags": set()}
    for path in modules:
        for text in re.findall(rb"(?:GNU C\+*\d* |clang version )[ -~]+", path.read_bytes()):
            words = text.decode().split()
            found["compiler"].add(" ".join(word for word in words if not word.startswith("-")))
            found["flags"].add(" ".join(word for word in words if word.startswith("-")))
    return {name: "; ".join(sorted(values)) or "not recorded" for name, values in found.items()}


def _kernel() -> dict[str, str]:
    found = {}
    for name, path in KERNEL_SETTINGS.items():
        try:
            found[name] = Path(path).read_text().strip()
        except OSError:
            found[name] = "not there"
    return found
