"""File descriptors of a process: the standard ones, how many, and none that are another's."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Collection


def open_standard_descriptors() -> None:
    """Whoever started us may have closed them; what we open must not take their numbers."""
    fd = os.open(os.devnull, os.O_RDWR)
    while fd <= 2:
        os.set_inheritable(fd, True)
        fd = os.dup(fd)
    os.close(fd)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)


def raise_descriptor_limit() -> None:
    """As many open files as the hard limit allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def descriptor_limit() -> int:
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def close_others(keep: Collection[int]) -> None:
    """Close every descriptor but the standard ones and `keep`."""
    for fd in map(int, os.listdir("/proc/self/fd")):
        if fd > 2 and fd not in keep:
            try:
                os.close(fd)
            except OSError:
                pass  # the one that listed the directory
