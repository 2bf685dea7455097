from __future__ import annotations

from tests.proxy.conftest import MakeUpstream, Start, start, upstream

__all__ = ["MakeUpstream", "Start", "start", "upstream"]
