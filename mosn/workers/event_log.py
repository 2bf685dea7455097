"""The event log: standard logging to standard error, one line an event, one form for every process.

2026-11-20 18:50:01.123 info    worker-1[4711] mosn.worker: ready with configuration 3f2a
"""

from __future__ import annotations

import logging
import os
import sys
import time

LEVELS = ("trace", "debug", "info", "warning", "error", "critical", "off")
"""Envoy's names."""

_NUMBERS = {
    "trace": 5,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "warn": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
    "off": logging.CRITICAL + 10,
}


class _Form(logging.Formatter):
    def __init__(self, role: str) -> None:
        super().__init__(f"%(when)s %(word)-7s {role}[{os.getpid()}] %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        record.word = record.levelname.lower()
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(record.created))
        record.when = f"{when}.{int(record.msecs):03d}"
        return super().format(record)


def configure(role: str, level: str) -> None:
    """Log as this process from now on.  `level` is one of LEVELS; ValueError otherwise."""
    logging.addLevelName(_NUMBERS["trace"], "TRACE")
    root = logging.getLogger()
    for handler in root.handlers[:]:
        root.removeHandler(handler)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Form(role))
    root.addHandler(handler)
    set_level("", level)


def set_level(name: str, level: str) -> None:
    """Set one logger's level, or (name "") that of all that have none of their own.  ValueError for a level that is
    none of LEVELS."""
    if level not in _NUMBERS:
        raise ValueError(f"no level {level!r}; one of {', '.join(LEVELS)}")
    logging.getLogger(name or None).setLevel(_NUMBERS[level])


def levels() -> dict[str, str]:
    """Every logger of ours with its effective level."""
    names = ["", *sorted(name for name in logging.root.manager.loggerDict if name.split(".")[0] == "mosn")]
    words = {number: word for word, number in _NUMBERS.items() if word != "warn"}
    return {name or "root": words.get(logging.getLogger(name).getEffectiveLevel(), "info") for name in names}
