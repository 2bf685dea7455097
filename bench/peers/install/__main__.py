"""Install the peers and cross-check load tools; report what is present and what is absent.

Nothing here is fatal: a peer that cannot be installed is left out of the comparison. Only what was asked for by
name and could not be had makes the exit code 1.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from bench.peers.install import apt, envoy, mosn
from bench.peers.install.command import InstallFailure

INSTALLERS: dict[str, Callable[[], str]] = {
    "nginx": lambda: apt.install("nginx", "nginx", "libnginx-mod-stream"),
    "haproxy": lambda: apt.install("haproxy", "haproxy"),
    "wrk": lambda: apt.install("wrk", "wrk"),
    "h2load": lambda: apt.install("h2load", "nghttp2-client"),
    "envoy": envoy.install,
    "mosn-go": mosn.install,
}


def install_one(name: str) -> bool:
    """Install one program and print the outcome; True when it can be used."""
    try:
        where = INSTALLERS[name]()
    except (InstallFailure, OSError) as failure:
        print(f"{name:8} absent   {failure}", flush=True)
        return False
    print(f"{name:8} present  {where}", flush=True)
    return True


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.peers.install",
        description=__doc__,
        epilog="example: python -m bench.peers.install --only envoy,nginx",
    )
    parser.add_argument("--only", help=f"comma-separated, of: {','.join(INSTALLERS)} (default: all)")
    wanted = parser.parse_args().only
    names = wanted.split(",") if wanted else list(INSTALLERS)
    unknown = [name for name in names if name not in INSTALLERS]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; choose from {', '.join(INSTALLERS)}")
    outcomes = [install_one(name) for name in names]
    return 1 if wanted and not all(outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
