"""`mosn start` with the fake data plane and the fake configuration format; arguments: StartOptions as JSON."""

from __future__ import annotations

import json
import sys

from mosn.workers import change, controller_link, pool
from mosn.workers.master import Master
from mosn.workers.options import StartOptions
from tests.workers.fake_plane import FakeFastPath

if __name__ == "__main__":
    change.INSTALL_TIMEOUT = pool.START_TIMEOUT = controller_link.LOAD_TIMEOUT = 5.0
    command = [sys.executable, "-m", "tests.workers.fake_controller"]
    sys.exit(Master(StartOptions(**json.loads(sys.argv[1])), FakeFastPath(), command).run())
