"""One running proxy: configured, started on its core, known to answer rightly, and ended."""

from __future__ import annotations

import contextlib
import http.client
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import proc
from bench.certificate import issue
from bench.load.client import Exchange
from bench.peers.base import Peer, PeerFailure, Setup
from bench.probe import WrongAnswer, probe
from bench.process import as_cores, running

SECONDS_TO_BE_READY = 60.0
# How often a starting proxy is asked, in seconds: the resolution of `ready`.
POLL = 0.005
# Bytes of an answer from which on the peers are tuned for bulk.
BULK = 32768


@dataclass(frozen=True)
class Instance:
    """A proxy that answers."""

    pid: int
    port: int
    ready_seconds: float
    setup: Setup
    configuration: Path


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on. Below the range the kernel gives to clients."""
    for port in range(18000 + int(time.monotonic() * 1000) % 4000, 32000):
        with socket.socket() as candidate:
            candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                candidate.bind(("127.0.0.1", port))
                return port
    raise PeerFailure("no free port between 18000 and 32000; end what listens there")


@contextmanager
def scratch_directory() -> Iterator[Path]:
    """For one instance's configuration, sockets and log; short, because unix socket paths must be."""
    directory = Path(tempfile.mkdtemp(prefix="mosn-bench-"))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def instance(
    peer: Peer, exchange: Exchange, backend_port: int, cores: int | tuple[int, ...], workers: int = 1, clusters: int = 1
) -> Iterator[Instance]:
    """A proxy in front of the backend, all its threads on these cores, while the block runs."""
    with scratch_directory() as directory:
        setup = Setup(
            exchange.protocol,
            free_port(),
            backend_port,
            directory,
            workers,
            clusters,
            exchange.body >= BULK,
            issue(directory) if exchange.tls else None,
        )
        configuration = peer.configure(setup)
        log = directory / "output.log"
        begun = time.monotonic()
        command = peer.command(configuration, setup)
        with running(command, cores, log, peer.environment(setup), peer.stop_signal) as child:
            try:
                wait_until_ready(child, exchange, setup.port)
            except (OSError, http.client.HTTPException, WrongAnswer) as failure:
                raise PeerFailure(f"{peer.name}: {failure}; it said:\n{last_words(directory)}") from failure
            ready = time.monotonic() - begun
            proc.pin(child.pid, *as_cores(cores))
            yield Instance(child.pid, setup.port, ready, setup, configuration)


def wait_until_ready(child: subprocess.Popen[str], exchange: Exchange, port: int) -> None:
    """Ask until there is a right answer; a wrong one is final."""
    deadline = time.monotonic() + SECONDS_TO_BE_READY
    while True:
        try:
            return probe(exchange, port)
        except (OSError, http.client.HTTPException):
            if child.poll() is not None or time.monotonic() > deadline:
                raise
        except WrongAnswer:
            # A proxy that listens before it has its configuration says 503 for a moment.
            if time.monotonic() > deadline:
                raise
        time.sleep(POLL)


def last_words(directory: Path) -> str:
    """The ends of a failed proxy's logs."""
    logs = sorted(directory.glob("**/*.log"))
    return "\n".join(f"{log.name}: {log.read_text(errors='replace')[-1500:]}" for log in logs)
