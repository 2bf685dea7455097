"""Listening sockets, which the master alone creates and keeps.

A port has one SO_REUSEPORT socket per worker, so that each has a queue of its own; a unix socket is one for all.
None is closed as long as some listener of the running configuration is on its address: closing a socket resets
whoever waits in its queue.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from mosn.workers.messages import Binding

DEFAULT_BACKLOG = 4096  # the kernel caps it at net.core.somaxconn
IP_FREEBIND, IPV6_TRANSPARENT, IPV6_FREEBIND = 15, 75, 78  # not in Python's socket module


class BindError(Exception):
    """A listener's address could not be had."""

    def __init__(self, owner: str, address: str, reason: str) -> None:
        super().__init__(f"{owner}: cannot listen on {address}: {reason}")


class Address(NamedTuple):
    """`sockaddr` is what bind() takes."""

    family: int
    sockaddr: tuple[str, int] | str

    @property
    def path(self) -> str:
        """Of a unix socket in the file system, else ""."""
        return self.sockaddr if isinstance(self.sockaddr, str) and self.sockaddr[:1] != "\0" else ""


def parse_address(text: str) -> Address:
    """Read a listener's address as the snapshot has it.  Raises ValueError."""
    if text.startswith("unix:"):
        path = text[len("unix:") :]
        return Address(socket.AF_UNIX, "\0" + path[1:] if path.startswith("@") else path)
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit():
        raise ValueError(f"not an address: {text!r}")
    if host.startswith("["):
        return Address(socket.AF_INET6, (host.strip("[]"), int(port)))
    return Address(socket.AF_INET, (host, int(port)))


def format_address(sock: socket.socket) -> str:
    name = sock.getsockname()
    if sock.family == socket.AF_UNIX:
        text = os.fsdecode(name)
        return "unix:@" + text[1:] if text.startswith("\0") else "unix:" + text
    return f"[{name[0]}]:{name[1]}" if sock.family == socket.AF_INET6 else f"{name[0]}:{name[1]}"


class Port:
    """The sockets of one address."""

    def __init__(self, address: Address, sockets: list[socket.socket], *, inherited: bool = False) -> None:
        self.address = address
        self.sockets = sockets
        self.shown = format_address(sockets[0])
        self._unlink = address.path if not inherited else ""

    def of_worker(self, index: int) -> socket.socket:
        return self.sockets[index % len(self.sockets)]

    def apply(self, binding: Binding) -> None:
        """Set what can be set on a socket that is bound already."""
        for sock in self.sockets:
            _set_options(sock, binding)
            sock.listen(binding.backlog or DEFAULT_BACKLOG)
        if self.address.path and binding.mode:
            os.chmod(self.address.path, binding.mode)

    def close(self) -> None:
        for sock in self.sockets:
            sock.close()
        if self._unlink:
            try:
                os.unlink(self._unlink)
            except OSError:
                pass


PortKey = tuple[Address, bool]


class Plan(NamedTuple):
    """Sockets for a new configuration, next to those of the running one."""

    table: dict[str, Port]  # listener name to its port
    bindings: list[Binding]
    opened: list[PortKey]


class Listeners:
    """Which listener has which port, and every port that is open."""

    def __init__(self, workers: int, activated: Iterable[socket.socket] = ()) -> None:
        self.table: dict[str, Port] = {}
        self._workers = workers
        self._ports: dict[PortKey, Port] = {}
        self._activated = {format_address(sock): sock for sock in activated}

    def prepare(self, bindings: list[Binding]) -> Plan:
        """Open what is missing.  Raises BindError and leaves everything as it was."""
        plan = Plan({}, bindings, [])
        try:
            for binding in bindings:
                plan.table[binding.name] = self._port(binding, plan.opened)
        except BindError:
            self.abandon(plan)
            raise
        return plan

    def abandon(self, plan: Plan) -> None:
        for key in plan.opened:
            port = self._ports.pop(key, None)
            if port is not None:  # None: everything was closed meanwhile
                port.close()

    def commit(self, plan: Plan) -> None:
        """The plan is what runs now; workers have let go of everything else, which is closed."""
        self.table = dict(plan.table)
        for binding in plan.bindings:
            try:
                self.table[binding.name].apply(binding)
            except OSError as error:
                raise BindError(f"listener {binding.name}", binding.address, _explain(error)) from error
        kept = {id(port) for port in self.table.values()}
        for key, port in list(self._ports.items()):
            if id(port) not in kept:
                self._ports.pop(key).close()

    def close(self) -> None:
        self.table = {}
        for port in self._ports.values():
            port.close()
        self._ports = {}

    def addresses(self) -> dict[str, list[str]]:
        return {name: [port.shown] for name, port in self.table.items()}

    def _port(self, binding: Binding, opened: list[PortKey]) -> Port:
        try:
            key = (parse_address(binding.address), binding.ipv4_compat)
            if key not in self._ports:
                self._ports[key] = self._open(key[0], binding)
                opened.append(key)
            return self._ports[key]
        except ValueError as error:
            raise BindError(f"listener {binding.name}", binding.address, str(error)) from error
        except OSError as error:
            raise BindError(f"listener {binding.name}", binding.address, _explain(error)) from error

    def _open(self, address: Address, binding: Binding) -> Port:
        activated = self._activated.pop(binding.address, None)
        if activated is not None:
            port = Port(address, [activated], inherited=True)
            port.apply(binding)
            return port
        if address.family == socket.AF_UNIX:
            return Port(address, [open_unix(address, binding)])
        return Port(address, self._open_group(address, binding))

    def _open_group(self, address: Address, binding: Binding) -> list[socket.socket]:
        """One socket per worker on one address."""
        ours = {port.shown.rpartition(":")[2] for port in self._ports.values()}
        if str(address.sockaddr[1]) not in ours:
            _refuse_foreign(address, binding)
        sockets: list[socket.socket] = []
        sockaddr = address.sockaddr
        try:
            for _ in range(self._workers):
                sockets.append(open_socket(Address(address.family, sockaddr), binding))
                sockaddr = sockets[0].getsockname()[:2]  # a port 0 is the same for all
            for sock in sockets:
                sock.listen(binding.backlog or DEFAULT_BACKLOG)
        except OSError:
            for sock in sockets:
                sock.close()
            raise
        return sockets


def open_socket(address: Address, binding: Binding, *, reuse_port: bool = True) -> socket.socket:
    """A bound TCP socket with the binding's options."""
    sock = socket.socket(address.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if address.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(not binding.ipv4_compat))
        _set_options(sock, binding)
        sock.bind(address.sockaddr)
    except BaseException:
        sock.close()
        raise
    return sock


def open_unix(address: Address, binding: Binding) -> socket.socket:
    """A listening unix socket; a file that nobody answers on any more is replaced."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        if address.path:
            remove_stale_socket(address.path)
        sock.bind(address.sockaddr)
        if address.path and binding.mode:
            os.chmod(address.path, binding.mode)
        sock.listen(binding.backlog or DEFAULT_BACKLOG)
    except BaseException:
        sock.close()
        raise
    return sock


def open_single(name: str, text: str) -> socket.socket | None:
    """A listening socket that is not shared among workers, or None when `text` is "".  Raises BindError."""
    if not text:
        return None
    binding = Binding(name, text)
    try:
        address = parse_address(text)
        if address.family == socket.AF_UNIX:
            return open_unix(address, binding._replace(mode=0o600))
        sock = open_socket(address, binding, reuse_port=False)
        sock.listen(DEFAULT_BACKLOG)
    except ValueError as error:
        raise BindError(name, text, str(error)) from error
    except OSError as error:
        raise BindError(name, text, _explain(error)) from error
    return sock


def remove_stale_socket(path: str) -> None:
    """Raises OSError(EADDRINUSE) when somebody listens there or it is not a socket."""
    try:
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            raise OSError(errno.EADDRINUSE, "the path exists and is not a socket")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.connect(path)
    except FileNotFoundError:
        return
    except ConnectionRefusedError:
        os.unlink(path)
        return
    raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))


def activated_sockets(environment: Mapping[str, str], pid: int) -> list[socket.socket]:
    """Sockets that the service manager opened for us (sd_listen_fds(3))."""
    if environment.get("LISTEN_PID") != str(pid) or not environment.get("LISTEN_FDS", "").isdigit():
        return []
    sockets = []
    for fd in range(3, 3 + int(environment["LISTEN_FDS"])):
        os.set_inheritable(fd, False)
        sock = socket.socket(fileno=fd)
        sock.setblocking(False)
        sockets.append(sock)
    return sockets


def _set_options(sock: socket.socket, binding: Binding) -> None:
    if sock.family == socket.AF_UNIX:
        return
    # Accepted sockets inherit it: saves a system call for each.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    v6 = sock.family == socket.AF_INET6
    level = socket.IPPROTO_IPV6 if v6 else socket.IPPROTO_IP
    if binding.freebind:
        sock.setsockopt(level, IPV6_FREEBIND if v6 else IP_FREEBIND, 1)
    if binding.transparent:
        sock.setsockopt(level, IPV6_TRANSPARENT if v6 else socket.IP_TRANSPARENT, 1)


def _refuse_foreign(address: Address, binding: Binding) -> None:
    """Another program of the same user with SO_REUSEPORT would silently share the port's connections with us: a
    socket without that option cannot be bound then."""
    if address.sockaddr[1] != 0:
        open_socket(address, binding, reuse_port=False).close()


def _explain(error: OSError) -> str:
    text = error.strerror or str(error)
    if error.errno == errno.EADDRINUSE:
        return f"{text} (another program is there)" if text == os.strerror(errno.EADDRINUSE) else text
    if error.errno == errno.EACCES:
        return f"{text} (ports below 1024 need CAP_NET_BIND_SERVICE)"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{text} (no interface has this address; freebind allows it)"
    return text
