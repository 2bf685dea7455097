"""Another revision of this project as a peer: every change is measured against the one before."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bench.cache import CHECKOUT, cache_directory
from bench.peers.mosn import Mosn


class VersusFailure(Exception):
    """A revision could not be built; the text says what to do."""


def peer_at(revision: str) -> Mosn:
    """The proxy of a revision, built once a commit in the cache by its own ./tools/setup."""
    commit = run(["git", "rev-parse", "--verify", f"{revision}^{{commit}}"], CHECKOUT).strip()
    checkout = cache_directory("versions") / commit[:12]
    peer = Mosn(f"mosn@{commit[:9]}", checkout)
    if peer.absent():
        build(commit, checkout)
    if peer.absent():
        raise VersusFailure(f"{commit[:9]} is built but has no mosn command; choose a later revision")
    return peer


def build(commit: str, checkout: Path) -> None:
    """A work tree of the commit, set up."""
    if not checkout.exists():
        run(["git", "worktree", "prune"], CHECKOUT)
        run(["git", "worktree", "add", "--force", "--detach", str(checkout), commit], CHECKOUT)
    if not (checkout / "tools" / "setup").exists():
        raise VersusFailure(f"{commit[:9]} has no ./tools/setup; choose a later revision")
    print(f"building {commit[:9]}", file=sys.stderr, flush=True)
    run(["./tools/setup"], checkout)


def run(command: list[str], directory: Path) -> str:
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        end = (done.stderr or done.stdout).strip()[-1500:]
        raise VersusFailure(f"`{' '.join(command)}` failed with {done.returncode}: {end}")
    return done.stdout
