"""How long to wait before a process that died is started again."""

from __future__ import annotations

FIRST = 0.1
LONGEST = 10.0
HEALTHY_AFTER = 30.0  # seconds alive that wipe out the past


class Backoff:
    """First restart at once, then 0.1 s doubling to 10 s.  All times in seconds."""

    def __init__(self) -> None:
        self.failures = 0

    def after(self, lived: float) -> float:
        """The wait, given how long the process that just died had been ready (0: never)."""
        if lived >= HEALTHY_AFTER:
            self.failures = 0
        self.failures += 1
        return 0.0 if self.failures == 1 else min(LONGEST, FIRST * 2.0 ** (self.failures - 2))
