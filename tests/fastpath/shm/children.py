"""Worker processes for tests: forked, so that they have the segment as a worker has it from the master."""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable


class Child:
    """A forked process that runs `work` and reports by its exit code; without `work` it waits to be killed."""

    def __init__(self, work: Callable[[], object]) -> None:
        self.pid = os.fork()
        if self.pid:
            return
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            traceback.print_exc(file=sys.__stderr__)
        finally:
            os._exit(code)

    def join(self) -> None:
        _, status = os.waitpid(self.pid, 0)
        assert status == 0, f"child ended with status {status:#x}"

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def run_all(works: Iterable[Callable[[], object]]) -> None:
    for child in [Child(work) for work in works]:
        child.join()


def wait_until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.001)
