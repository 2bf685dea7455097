"""Soak the proxy: cycles of mixed load and faults, a sample of memory and descriptors after each, a verdict.

Worker 0 is killed in every fifth cycle, and the configuration is reloaded in every seventh.  Clients that behave must
get right answers, except those of a worker that was killed.  All other processes must stay flat.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from endurance import clients, slope, upstreams
from endurance.proxy import Proxy

KILL_EVERY, RELOAD_EVERY = 5, 7
EXCUSED_SECONDS = 3.0
QUIET_SECONDS = 2.5
CYCLES_AT_LEAST = 8


@dataclass
class Soak:
    """What happened so far."""

    proxy: Proxy
    killed_at: float = -1e9
    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    memory: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    descriptors: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))

    def sample(self) -> None:
        for pid, (resident, descriptors) in self.proxy.usage().items():
            self.memory[pid].append(resident)
            self.descriptors[pid].append(descriptors)

    async def converse(self, client: clients.Client, target: clients.Target, owed: bool) -> None:
        """One conversation; a good client's failure counts unless a worker was killed while it talked."""
        started = time.monotonic()
        try:
            await asyncio.wait_for(client(target), clients.DEADLINE if owed else clients.FAULTY_DEADLINE)
            self.counts["good" if owed else "faulty"] += 1
        except (clients.Wrong, OSError, TimeoutError, asyncio.IncompleteReadError, ValueError, KeyError) as error:
            if not owed:
                self.counts["faulty"] += 1
            elif started - EXCUSED_SECONDS < self.killed_at:
                self.counts["excused"] += 1
            else:
                self.counts["wrong"] += 1
                self.wrong.append(f"{client.__name__}: {error!r}")

    async def load(self, kinds: tuple[clients.Client, ...], target: clients.Target, until: float, owed: bool) -> None:
        while time.monotonic() < until:
            await self.converse(random.choice(kinds), target, owed)

    async def cycle(self, number: int, seconds: float) -> None:
        target = clients.Target(self.proxy.web, self.proxy.tcp)
        until = time.monotonic() + seconds
        loads = [self.load(clients.GOOD, target, until, owed=True) for _ in range(20)]
        loads += [self.load(clients.FAULTY, target, until, owed=False) for _ in range(20)]
        await asyncio.gather(*loads, self.harm(number, seconds / 2))
        await asyncio.sleep(QUIET_SECONDS)
        self.sample()

    async def harm(self, number: int, after: float) -> None:
        await asyncio.sleep(after)
        if number % RELOAD_EVERY == RELOAD_EVERY - 1:
            await asyncio.to_thread(self.proxy.command, "reload")
            self.counts["reloads"] += 1
        if number % KILL_EVERY == KILL_EVERY - 1:
            pids = await asyncio.to_thread(self.proxy.worker_pids)
            self.killed_at = time.monotonic()
            os.kill(pids[0], signal.SIGKILL)
            self.counts["kills"] += 1

    def verdict(self, samples: int) -> list[str]:
        """What is not as it should be; processes that lived through all samples are judged."""
        faults = [f"good clients: {text}" for text in self.wrong[:20]]
        lasting = [pid for pid, series in self.memory.items() if len(series) == samples]
        for pid in lasting:
            memory, descriptors = slope.fit(self.memory[pid]), slope.fit(self.descriptors[pid])
            print(
                f"process {pid}: {memory.level / slope.MIB:.1f} MiB, rising {memory.rise / slope.MIB:+.2f};"
                f" {descriptors.level:.0f} descriptors, rising {descriptors.rise:+.1f}"
            )
            if not slope.memory_is_flat(memory, samples):
                faults.append(f"the memory of process {pid} rises")
            if not slope.descriptors_are_flat(descriptors):
                faults.append(f"the descriptors of process {pid} rise")
        if len(lasting) < 3:
            faults.append(f"only {len(lasting)} processes lived through; master, controller and a worker should")
        return faults


async def run(minutes: float, workers: int, directory: Path) -> int:
    servers, web, tcp = await upstreams.start()
    soak = Soak(Proxy(directory, workers, web, tcp))
    await soak.proxy.start()
    cycles = max(CYCLES_AT_LEAST, round(minutes))
    seconds = max(2.0, minutes * 60 / cycles - QUIET_SECONDS)
    try:
        for number in range(cycles):
            await soak.cycle(number, seconds)
            print(f"cycle {number + 1}/{cycles}: {dict(soak.counts)}", flush=True)
            if not soak.proxy.alive():
                print("soak: the proxy died; its messages:", (directory / "proxy.log").read_text()[-3000:])
                return 1
        faults = soak.verdict(cycles)
    finally:
        await asyncio.to_thread(soak.proxy.stop)
        for server in servers:
            server.close()
    print("\n".join(faults) or "soak: flat, and every good client was served")
    return 1 if faults else 0


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="tools/soak", description=__doc__, epilog="example: ./tools/soak --minutes 60",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--minutes", type=float, default=60, help="how long (default: 60)")
    parser.add_argument("--workers", type=int, default=2, help="of the proxy (default: 2)")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the random choices (default: the time)")
    chosen = parser.parse_args()
    print(f"soak: {chosen.minutes:g} minutes, {chosen.workers} workers, seed {chosen.seed}", flush=True)
    random.seed(chosen.seed)
    with tempfile.TemporaryDirectory(prefix="mosn-soak-") as directory:
        return asyncio.run(run(chosen.minutes, chosen.workers, Path(directory)))


if __name__ == "__main__":
    sys.exit(main())
