"""A worker's engine alone in one process, for tools that cannot follow master, controller and workers.

python -m bench.alone CONFIGURATION      serves its listeners until it is told to end
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading

from mosn import config
from mosn._fastpath.data_plane import DataPlane
from mosn._fastpath.shm.segment import Segment
from mosn._fastpath.shm.stats import StatRegistry

BACKLOG = 4096


def main() -> int:
    """Compile, listen, serve."""
    loaded = config.load_file(sys.argv[1])
    snapshot = config.build_snapshot(loaded, StatRegistry(), {})
    segment = Segment.create(1)
    segment.set_wake_fd(0, os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC))
    plane = DataPlane(0, segment)
    plane.install(snapshot)
    for listener in snapshot["listeners"]:
        host, _, port = listener["address"].rpartition(":")
        sock = socket.create_server((host, int(port)), backlog=BACKLOG)
        sock.setblocking(False)
        plane.add_socket(listener["name"], sock.detach())
    threading.Thread(target=plane.run, name="engine", daemon=True).start()
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    os._exit(0)


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    sys.exit(main())
