"""How many instructions one request costs a worker: a figure that a busy machine does not change.

    python -m bench.instructions --rows http1,bolt

The proxy runs under valgrind's callgrind, which counts only while the load runs. The kernel's part is not in it: this
guards our own code against getting slower, and says nothing about system calls.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bench.instance import Instance, instance
from bench.load.build import ensure_built
from bench.load.client import FAILURES, Cores, Load, backend, run_load
from bench.peers.base import PeerFailure, Setup
from bench.peers.mosn import Mosn
from bench.rows import ROWS, Row

# Instructions a request in a worker, at most: about a twentieth above what was measured when they were last changed.
MOST: Mapping[str, float] = {"http1": 9600, "bolt": 5600, "bolt-8x64": 5400, "dubbo": 5600}
COUNTED = re.compile(r"^totals: (\d+)", re.MULTILINE)


class Counted(Mosn):
    """A worker's engine under callgrind, not counting yet. The master cannot: valgrind has no pidfd_open."""

    def command(self, configuration: Path, setup: Setup) -> list[str]:
        """The engine alone; callgrind's files go to the setup's directory."""
        python = str(self.program.parent / "python")
        options = ["--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={setup.directory}/callgrind.out"]
        return ["valgrind", "-q", *options, python, "-m", "bench.alone", str(configuration)]

    def environment(self, setup: Setup) -> dict[str, str]:
        """Nothing random in hashing, or figures differ from run to run."""
        return {**super().environment(setup), "PYTHONHASHSEED": "0"}


def control(*options: str) -> None:
    """Tell callgrind in a running process."""
    done = subprocess.run(["callgrind_control", *options], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise PeerFailure(f"callgrind_control {' '.join(options)}: {done.stdout}{done.stderr}")


@contextlib.contextmanager
def counting(running: Instance) -> Iterator[list[int]]:
    """Count what the process does in the block; the list holds the instructions after it."""
    found: list[int] = []
    control("-i", "on", str(running.pid))
    yield found
    control("-i", "off", str(running.pid))
    control("-d", str(running.pid))
    dumps = sorted(running.setup.directory.glob("callgrind.out*"))
    found.append(sum(int(total) for dump in dumps for total in COUNTED.findall(dump.read_text())))


def measure(row: Row, seconds: float, keep: Path | None) -> float:
    """Instructions a request."""
    cores = Cores()
    with (
        backend(row.exchange, cores.load) as behind,
        instance(Counted(), row.exchange, behind.port, cores.proxy) as running,
    ):
        load = Load(row.exchange, row.connections, row.depth, warmup=0.0, seconds=seconds)
        run_load(load, running.port, 0, behind, cores)
        with counting(running) as counted:
            report = run_load(load, running.port, 0, behind, cores)
        if keep:
            for dump in running.setup.directory.glob("callgrind.out*"):
                (keep / f"{row.name}.{dump.name}").write_bytes(dump.read_bytes())
    failures = {name: report[name] for name in FAILURES if report[name]}
    if failures or not report["answered"]:
        raise PeerFailure(f"{row.name}: {failures or 'nothing was answered'}")
    return float(counted[0]) / float(report["answered"])


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        prog="python -m bench.instructions", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    found.add_argument("--rows", default="http1,bolt", help="comma-separated (default: %(default)s)")
    found.add_argument("--seconds", type=float, default=3.0, help="of each row, about fifty times slower than else")
    found.add_argument("--keep", type=Path, help="directory for callgrind's files, to look at with callgrind_annotate")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit 0 when every row is within its bound, 1 when one is not, 2 when one could not be measured."""
    options = parser().parse_args(arguments)
    ensure_built()
    worst = 0
    for name in options.rows.split(","):
        begun = time.monotonic()
        try:
            found = measure(ROWS[name], options.seconds, options.keep)
        except (KeyError, PeerFailure, RuntimeError, OSError) as failure:
            print(f"{name}: not measured: {failure}", file=sys.stderr)
            return 2
        most = MOST.get(name)
        verdict = "" if most is None else f", at most {most:,.0f}: {'met' if found <= most else 'NOT MET'}"
        print(f"{name}: {found:,.0f} instructions a request{verdict} ({time.monotonic() - begun:.0f} s)", flush=True)
        worst = max(worst, int(most is not None and found > most))
    return worst


if __name__ == "__main__":
    sys.exit(main())
