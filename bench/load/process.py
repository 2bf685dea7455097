"""One end of the load as a process of its own. It reports in lines of JSON on standard output.

python -m bench.load serve --protocol http1 --body 1024
python -m bench.load load --protocol http1 --body 1024 --port 8080 --connections 64 --seconds 3
"""

from __future__ import annotations

import argparse
import json
import resource
import socket
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from bench import proc
from bench.load.protocols import NAMES, tls_cipher, wire

if TYPE_CHECKING:
    from bench.load.generator import Generator

BACKLOG = 4096
# Connections opened at once in `hold`: fewer than any proxy's accept queue.
BATCH = 64


def report(**fields: object) -> None:
    """One line for the process that started this one."""
    print(json.dumps(fields), flush=True)


def serve(options: argparse.Namespace) -> None:
    """Answer on a free (or the given) port until killed."""
    chosen = wire(options.protocol)
    from bench.load.backend import Backend  # compiled by wire()

    listener = socket.create_server(("127.0.0.1", options.port), backlog=BACKLOG)
    listener.setblocking(False)
    backend = Backend(chosen.protocol(), chosen.answer(options.body), options.body, listener.fileno())
    report(port=listener.getsockname()[1])
    backend.serve()


def generator(options: argparse.Namespace) -> Generator:
    chosen = wire(options.protocol)
    from bench.load.generator import Generator  # compiled by wire()

    cipher = tls_cipher() if options.tls else None
    request = chosen.request(options.request_body)
    return Generator(chosen.protocol(), request, options.body, options.port, options.connections, options.depth, cipher)


def load(options: argparse.Namespace) -> None:
    """Warm up, then load for the given time between two looks at the proxy's CPU time."""
    clients = generator(options)
    clients.connect(0, options.connections)
    clients.run(options.warmup, options.rate)
    clients.take()
    before = look(options)
    seconds = clients.run(options.seconds, options.rate)
    after = look(options)
    report(seconds=seconds, **{name: after[name] - before[name] for name in before}, **clients.take())


def look(options: argparse.Namespace) -> dict[str, float]:
    """Clock, CPU time of the proxy and of the load side, and how busy both cores have been, in seconds."""
    return {
        "wall_s": time.monotonic(),
        "cpu_s": proc.cpu_seconds(options.proxy) if options.proxy else 0.0,
        "load_cpu_s": time.process_time() + (proc.cpu_seconds(options.backend) if options.backend else 0.0),
        "proxy_core_busy_s": proc.core_busy_seconds(options.proxy_core),
        "load_core_busy_s": proc.core_busy_seconds(options.load_core),
    }


def hold(options: argparse.Namespace) -> None:
    """Open connections, one request on each, and keep them; each line of input is a step, its end the end."""
    clients = generator(options)
    held = 0
    for line in sys.stdin:
        wanted = int(line)
        for first in range(held, wanted, BATCH):
            last = min(first + BATCH, wanted)
            clients.connect(first, last)
            clients.ask_each(first, last)
        held = wanted
        report(held=held, **clients.take())


ROLES: dict[str, Callable[[argparse.Namespace], None]] = {"serve": serve, "load": load, "hold": hold}


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        prog="python -m bench.load", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    found.add_argument("role", choices=ROLES)
    found.add_argument("--protocol", choices=NAMES, default="http1")
    found.add_argument("--port", type=int, default=0, help="of 127.0.0.1; serve: 0 takes a free one")
    found.add_argument("--body", type=int, default=1024, help="bytes of an answer's body (default %(default)s)")
    found.add_argument("--request-body", type=int, default=0, help="bytes of a request's body (default %(default)s)")
    found.add_argument("--tls", action="store_true", help="load: by TLS 1.3; the backend never")
    found.add_argument("--connections", type=int, default=64)
    found.add_argument("--depth", type=int, default=1, help="requests in flight on each connection")
    found.add_argument("--warmup", type=float, default=0.5, help="seconds before the measured ones")
    found.add_argument("--seconds", type=float, default=3.0)
    found.add_argument("--rate", type=float, default=0.0, help="requests a second, open loop; 0: closed loop")
    found.add_argument("--proxy", type=int, default=0, help="pid whose tree's CPU time is taken")
    found.add_argument("--backend", type=int, default=0, help="pid whose CPU time counts as the load's own")
    found.add_argument("--proxy-core", type=int, default=0)
    found.add_argument("--load-core", type=int, default=1)
    return found


def main() -> int:
    options = parser().parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    try:
        ROLES[options.role](options)
    except (OSError, LookupError, RuntimeError) as failure:
        print(f"bench.load {options.role}: {failure}", file=sys.stderr)
        return 1
    return 0
