"""Where downloaded and built things live: `$MOSN_CACHE`, or `.cache` in the checkout."""

from __future__ import annotations

import os
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent


def cache_directory(room: str) -> Path:
    """Create (git-ignored) and return one room of the cache: "peers", "load" or "versions"."""
    root = Path(os.environ.get("MOSN_CACHE") or CHECKOUT / ".cache")
    root.mkdir(parents=True, exist_ok=True)
    ignore = root / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n")
    directory = root / room
    directory.mkdir(exist_ok=True)
    return directory
