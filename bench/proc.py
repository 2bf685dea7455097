"""CPU time and memory of a process and all its descendants, and the load of a core, read from /proc."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
# Places in /proc/PID/stat counted from the state, which follows the program's name.
PARENT, UTIME, CSTIME = 1, 11, 14
# Places in the /proc/stat line of a core: user, nice, system, (idle, iowait,) irq, softirq, steal.
BUSY = (0, 1, 2, 5, 6, 7)


def stat_fields(pid: int) -> list[str]:
    """Fields of /proc/PID/stat from the state on. The name before may itself hold spaces and brackets."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def descendants(root: int) -> list[int]:
    """The process and every process under it that is alive now."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError, IndexError):
                children.setdefault(int(stat_fields(int(entry))[PARENT]), []).append(int(entry))
    found = [root] if Path(f"/proc/{root}").exists() else []
    for pid in found:
        found.extend(children.get(pid, []))
    return found


def cpu_seconds(root: int) -> float:
    """User and system time of the tree, with that of descendants that have ended and were waited for."""
    total = 0
    for pid in descendants(root):
        with contextlib.suppress(OSError, IndexError):
            total += sum(int(ticks) for ticks in stat_fields(pid)[UTIME : CSTIME + 1])
    return total / TICKS_PER_SECOND


def core_busy_seconds(core: int) -> float:
    """Time a core was not idle since boot; time the hypervisor took counts as busy."""
    for line in Path("/proc/stat").read_text().splitlines():
        name, *ticks = line.split()
        if name == f"cpu{core}":
            return sum(int(ticks[place]) for place in BUSY) / TICKS_PER_SECOND
    raise LookupError(f"no core {core} in /proc/stat; choose another with --proxy-core or --load-core")


@dataclass(frozen=True)
class Memory:
    """Bytes held by a process tree. RSS counts shared pages once a process, PSS once in all."""

    rss: int
    pss: int
    private_dirty: int

    def __add__(self, other: Memory) -> Memory:
        return Memory(self.rss + other.rss, self.pss + other.pss, self.private_dirty + other.private_dirty)


def memory_of(pid: int) -> Memory:
    """Memory of one process."""
    sizes: dict[str, int] = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, _, size = line.partition(":")
        sizes[name] = int(size.split()[0]) * 1024
    return Memory(sizes["Rss"], sizes["Pss"], sizes["Private_Dirty"])


def memory_by_process(root: int) -> dict[int, Memory]:
    """Memory of every process of the tree."""
    found = {}
    for pid in descendants(root):
        with contextlib.suppress(OSError, KeyError):
            found[pid] = memory_of(pid)
    return found


def memory(root: int) -> Memory:
    """Memory of the whole tree."""
    return sum(memory_by_process(root).values(), Memory(0, 0, 0))


def names_of(pid: int) -> str:
    """The name and the command line a process has, or has given itself; empty when it has ended."""
    try:
        name = Path(f"/proc/{pid}/comm").read_bytes()
        line = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return ""
    return (name + line).replace(b"\0", b" ").decode(errors="replace").strip()


def pin(root: int, *cores: int) -> None:
    """Bind every thread of the tree to these cores, also those that chose cores for themselves."""
    for pid in descendants(root):
        with contextlib.suppress(OSError):
            for thread in os.listdir(f"/proc/{pid}/task"):
                with contextlib.suppress(OSError):
                    os.sched_setaffinity(int(thread), cores)
