"""How long to wait before a process that died is started again."""

from __future__ import annotations

FIRST = 0.1
LONGEST = 10.0
HEALTHY_AFTER = 30.0  # seconds alive that wipe out the past
FORGIVEN_EVERY = 5.0  # seconds alive that make up for one death: a killed worker is no crash loop


class Backoff:
    """First restart at once, then 0.1 s doubling to 10 s.  All times in seconds."""

    def __init__(self) -> None:
        self.failures = 0

    def after(self, lived: float) -> float:
        """The wait, given how long the process that just died had been ready (0: never)."""
        forgiven = self.failures if lived >= HEALTHY_AFTER else int(lived // FORGIVEN_EVERY)
        self.failures = max(0, self.failures - forgiven) + 1
        return 0.0 if self.failures == 1 else min(LONGEST, FIRST * 2.0 ** (self.failures - 2))
