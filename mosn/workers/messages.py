"""What the processes say to each other.

    master <-> controller      Hello Load Applied Answer Notice Serve | Loaded Serving Command Remember
    master <-> worker          Install Sockets Drain Stop Query Level | Done Drained Report

A message is a tuple with a name; on the wire it is msgpack of [name, field, ...].  Descriptors travel beside it
(`Channel`); each class says which.  Snapshots and state are sealed memory files and the master never decodes them.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import msgpack  # type: ignore[import-untyped]

PROTOCOL_VERSION = 1
"""Raised when two programs of different versions would misread each other.  Hello carries it."""


class ProtocolError(Exception):
    """The other side said something that is not a message of this version."""


class Binding(NamedTuple):
    """What the master must know of a listener (fields of `mosn.model.Listener`)."""

    name: str
    address: str
    ipv4_compat: bool = False
    freebind: bool = False
    transparent: bool = False
    backlog: int = 0
    mode: int = 0


# ---- master to controller


class Hello(NamedTuple):
    """First message.  Descriptors: segment, one log eventfd per worker, then (when `resume`) the last good snapshot
    and its state."""

    protocol: int
    options: dict[str, Any]  # StartOptions._asdict()
    workers: int
    resume: bool
    started_at: float
    memory: dict[str, Any]  # last Remember, {} at first


class Load(NamedTuple):
    """Read the configuration again and answer with Loaded."""

    request: int


class Applied(NamedTuple):
    """What became of a Loaded: `error` is "" when every worker runs it."""

    request: int
    version: str
    error: str


class Serve(NamedTuple):
    """Workers are up: start the services.  Descriptors: the admin's listening socket, if there is one.  `addresses`
    are the listeners' real ones (a port 0 filled in)."""

    addresses: dict[str, list[str]]
    admin_address: str


class Answer(NamedTuple):
    """To a Command.  `code` is the exit code that a command line would give: 0 done, 1 did not happen, 2 bad."""

    request: int
    code: int
    body: dict[str, Any]
    error: str
    findings: list[dict[str, Any]]


class Notice(NamedTuple):
    """Something happened: `kind` is "draining", "stopping", "reopen_logs", "level" or "worker"."""

    kind: str
    body: dict[str, Any]


# ---- controller to master


class Loaded(NamedTuple):
    """A configuration to run, or why there is none.  `request` is that of Load, 0 for the start, -1 for a change of the
    controller's own (names resolved, health).  Descriptors when `ok`: snapshot, state (opaque: what a new controller
    needs to go on from here)."""

    request: int
    ok: bool
    version: str
    bindings: list[list[Any]]  # of Binding
    admin_address: str
    findings: list[dict[str, Any]]
    text: str  # the findings for people


class Serving(NamedTuple):
    """The services are up, or why not."""

    ok: bool
    error: str


class Command(NamedTuple):
    """A control command that came in through the admin; answered by Answer."""

    request: int
    name: str
    args: dict[str, Any]


class Remember(NamedTuple):
    """What the next controller must know if this one dies."""

    memory: dict[str, Any]


class Modules(NamedTuple):
    """Answer of a controller to the notice "modules"."""

    names: list[str]


# ---- master to worker; everything with a `sequence` is answered by Done


class Install(NamedTuple):
    """Descriptor: the snapshot."""

    sequence: int
    version: str


class Sockets(NamedTuple):
    """Accept for `listener` from exactly these sockets (the descriptors; none: stop accepting)."""

    sequence: int
    listener: str


class Drain(NamedTuple):
    sequence: int
    milliseconds: int


class Stop(NamedTuple):
    """End now, without goodbye."""


class Query(NamedTuple):
    sequence: int
    modules: bool


class Level(NamedTuple):
    name: str
    level: str


# ---- worker to master


class Done(NamedTuple):
    """`error` is "" when it happened."""

    sequence: int
    error: str


class Drained(NamedTuple):
    """The last connection is gone; the process ends by itself."""


class Report(NamedTuple):
    sequence: int
    connections: int
    version: str  # of the live snapshot
    descriptor_limit: int
    modules: list[str]


Message: TypeAlias = (
    Hello | Load | Applied | Serve | Answer | Notice | Loaded | Serving | Command | Remember | Modules
    | Install | Sockets | Drain | Stop | Query | Level | Done | Drained | Report
)  # fmt: skip

_TYPES: dict[str, Any] = {kind.__name__: kind for kind in Message.__args__}


def pack(document: Any) -> bytes:
    """A tree of plain values as bytes: snapshots and messages."""
    packed: bytes = msgpack.packb(document)
    return packed


def unpack(data: bytes) -> Any:
    """Raises ValueError (or msgpack's own)."""
    return msgpack.unpackb(data, strict_map_key=False)


def encode(message: Message) -> bytes:
    return pack([type(message).__name__, *message])


def decode(data: bytes) -> Message:
    """Raises ProtocolError."""
    try:
        name, *fields = unpack(data)
        message: Message = _TYPES[name](*fields)
    except (ValueError, KeyError, TypeError, msgpack.exceptions.UnpackException) as error:
        raise ProtocolError(f"not a message of protocol {PROTOCOL_VERSION}: {error!r}") from error
    return message
