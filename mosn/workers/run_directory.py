"""The run directory: pid file, lock and control socket of one running instance."""

from __future__ import annotations

import fcntl
import os
import stat
from pathlib import Path

MAX_SOCKET_PATH = 107


class RunDirectoryError(Exception):
    """The directory cannot be used; the text says why and what to do."""


def default_run_directory() -> Path:
    """/run/mosn for root, else the user's runtime directory, else a private one in /tmp."""
    if os.geteuid() == 0:
        return Path("/run/mosn")
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    return Path(runtime) / "mosn" if runtime else Path(f"/tmp/mosn-{os.geteuid()}")


class RunDirectory:
    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._lock_fd = -1

    @property
    def pid_file(self) -> Path:
        return self.path / "mosn.pid"

    @property
    def control_socket(self) -> Path:
        return self.path / "control.sock"

    def take(self) -> None:
        """Make the directory ours until this process ends (the lock on the pid file goes with it).  Raises
        RunDirectoryError."""
        self._prepare()
        fd = os.open(self.pid_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            raise RunDirectoryError(
                f"mosn is already running in {self.path} (pid {self.written_pid() or 'unknown'}); "
                "stop it with `mosn stop` or choose another --run-dir"
            ) from None
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        self._lock_fd = fd

    def leave(self) -> None:
        """Remove our files.  The lock stays until the process ends."""
        for file in (self.control_socket, self.pid_file):
            file.unlink(missing_ok=True)

    def written_pid(self) -> int:
        """What the pid file says, 0 when it says nothing."""
        try:
            text = self.pid_file.read_text().strip()
        except OSError:
            return 0
        return int(text) if text.isdigit() else 0

    def is_locked(self) -> bool:
        """Whether a master lives here."""
        try:
            fd = os.open(self.pid_file, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(fd)
        return False

    def _prepare(self) -> None:
        if len(os.fsencode(self.control_socket)) > MAX_SOCKET_PATH:
            raise RunDirectoryError(f"the run directory's path is too long for a socket: {self.path}")
        try:
            self.path.mkdir(mode=0o755, parents=True, exist_ok=True)
            info = os.stat(self.path)
        except OSError as error:
            raise RunDirectoryError(f"cannot make the run directory {self.path}: {error.strerror}") from error
        if info.st_uid not in (os.geteuid(), 0) or info.st_mode & stat.S_IWOTH:
            raise RunDirectoryError(f"the run directory {self.path} can be changed by another user; choose another")
        if not os.access(self.path, os.W_OK):
            raise RunDirectoryError(f"the run directory {self.path} is not writable; choose another with --run-dir")
