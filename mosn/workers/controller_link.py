"""The master's side of the controller: started by fork and exec, restarted when it dies, never trusted with traffic."""

from __future__ import annotations

import itertools
import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any

from mosn.workers import messages
from mosn.workers.backoff import Backoff
from mosn.workers.channel import Channel
from mosn.workers.loop import Loop, Timer
from mosn.workers.options import StartOptions
from mosn.workers.pool import describe_end
from mosn.workers.publication import Publication

log = logging.getLogger("mosn.master")

CHANNEL_FD = 3
"""The controller finds its channel here."""

FIRST_START_ATTEMPTS = 3
END_TIMEOUT = 5.0
LOAD_TIMEOUT = 60.0  # for reading the configuration; a controller that takes longer is stuck

LoadedCallback = Callable[[messages.Loaded, list[int]], None]


class ControllerLink:
    """`on_restarted()` when a new one goes on with `resume`; `on_message(message, fds)` gets what is not an answer to a
    question asked here and owns the descriptors; `on_failed(reason)` when it keeps dying before it ever served;
    `on_gone()` once it has ended after end()."""

    def __init__(
        self,
        loop: Loop,
        command: list[str],
        options: StartOptions,
        descriptors: list[int],
        *,
        on_restarted: Callable[[], None],
        on_message: Callable[[Any, list[int]], None],
        on_failed: Callable[[str], None],
        on_gone: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._command = command
        self._options = options
        self._descriptors = descriptors
        self._on_restarted = on_restarted
        self._on_message = on_message
        self._on_failed = on_failed
        self._on_gone = on_gone
        self._backoff = Backoff()
        self._channel: Channel | None = None
        self._requests = itertools.count(1)
        self._loads: dict[int, LoadedCallback] = {}
        self._modules: list[Callable[[list[str]], None]] = []
        self.memory: dict[str, Any] = {}
        self.resume: Publication | None = None
        self.pid = 0
        self.started = 0.0
        self.started_at = time.time()
        self.restarts = 0
        self.state = "waiting"  # starting, serving, waiting, stopped
        self._pidfd = -1
        self._serving_since = 0.0
        self._patience: Timer | None = None
        self._ending = False

    def start(self) -> None:
        if self._ending:
            return
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        actions = [(os.POSIX_SPAWN_DUP2, theirs.fileno(), CHANNEL_FD)]
        self.pid = os.posix_spawn(self._command[0], self._command, os.environ, file_actions=actions)
        theirs.close()
        self._pidfd = os.pidfd_open(self.pid)
        self._loop.add_reader(self._pidfd, self._reap)
        self._channel = Channel(ours, self._loop, self._received, lambda reason: None)
        self.state, self.started, self._serving_since = "starting", time.time(), 0.0
        self._expect_load()
        self._send_hello()
        if self.resume is not None:
            self._on_restarted()

    def load(self, loaded: LoadedCallback) -> None:
        """Have the configuration read again.  `loaded` owns the descriptors it gets."""
        request = next(self._requests)
        if self._channel is None:
            loaded(_not_loaded(request, "the controller is being restarted; try again"), [])
            return
        self._loads[request] = loaded
        self._expect_load()
        self.send(messages.Load(request))

    def modules(self, answered: Callable[[list[str]], None]) -> None:
        if self._channel is None:
            answered([])
            return
        self._modules.append(answered)
        self.send(messages.Notice("modules", {}))

    def send(self, message: messages.Message, fds: Sequence[int] = ()) -> None:
        if self._channel is not None:
            self._channel.send(message, fds)

    def _expect_load(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
        self._patience = self._loop.call_later(LOAD_TIMEOUT, self._stuck)

    def _stuck(self) -> None:
        if self._pidfd >= 0:
            log.error("the controller (pid %d) has not answered for %g s: killing it", self.pid, LOAD_TIMEOUT)
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def serving(self) -> None:
        self.state, self._serving_since = "serving", time.monotonic()

    def end(self) -> None:
        """Let it finish (flush logs) and go."""
        self._ending = True
        if self._channel is None:
            self._on_gone()
            return
        self.send(messages.Notice("stopping", {}))
        self._loop.call_later(END_TIMEOUT, self.kill)

    def kill(self) -> None:
        self._ending = True
        if self._pidfd >= 0:
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def _send_hello(self) -> None:
        fds = list(self._descriptors)
        if self.resume is not None:
            fds += [self.resume.snapshot_fd, self.resume.state_fd]
        self.send(
            messages.Hello(
                messages.PROTOCOL_VERSION,
                self._options._asdict(),
                self._options.workers,
                self.resume is not None,
                self.started_at,
                self.memory,
            ),
            fds,
        )

    def _received(self, message: messages.Message, fds: list[int]) -> None:
        if isinstance(message, messages.Loaded | messages.Serving) and self._patience is not None:
            self._patience.cancel()
        if isinstance(message, messages.Loaded) and message.request in self._loads:
            self._loads.pop(message.request)(message, fds)
        elif isinstance(message, messages.Remember):
            self.memory = message.memory
        elif isinstance(message, messages.Modules) and self._modules:
            self._modules.pop(0)(message.names)
        else:
            self._on_message(message, fds)

    def _reap(self) -> None:
        status = os.waitpid(self.pid, 0)[1]
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        if self._channel is not None:
            self._channel.close()
        pid, self.pid, self._pidfd, self._channel = self.pid, 0, -1, None
        if self._patience is not None:
            self._patience.cancel()
        self._forget_questions()
        if self._ending:
            self.state = "stopped"
            self._on_gone()
            return
        lived = time.monotonic() - self._serving_since if self._serving_since else 0.0
        self._restart(f"the controller (pid {pid}) {describe_end(status)}", self._backoff.after(lived))

    def _restart(self, what: str, delay: float) -> None:
        log.error("%s; starting another in %g s (traffic goes on)", what, delay)
        self.state = "waiting"
        if self.resume is None and self._backoff.failures >= FIRST_START_ATTEMPTS:
            self._on_failed(what)
            return
        self.restarts += 1
        self._loop.call_later(delay, self.start)

    def _forget_questions(self) -> None:
        loads, self._loads = self._loads, {}
        modules, self._modules = self._modules, []
        for request, loaded in loads.items():
            loaded(_not_loaded(request, "the controller died while it read the configuration"), [])
        for answered in modules:
            answered([])


def _not_loaded(request: int, text: str) -> messages.Loaded:
    return messages.Loaded(request, False, "", [], "", [], text)
