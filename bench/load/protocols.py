"""The protocols the generator and the backend speak: one line each."""

from __future__ import annotations

import importlib
from typing import Protocol, cast

from bench.load.build import ensure_built

NAMES = ("http1", "http2", "tcp", "bolt", "dubbo")


class Wire(Protocol):
    """What the compiled file of a protocol offers."""

    def protocol(self) -> object:
        """The functions, for the generator and the backend."""

    def request(self, body_length: int) -> bytes:
        """The bytes of one request."""

    def answer(self, body_length: int) -> bytes:
        """The bytes of one answer."""


def tls_cipher() -> object:
    """TLS for the generator, where the headers of OpenSSL were there to compile it."""
    ensure_built()
    try:
        module = importlib.import_module("bench.load.tls")
    except ImportError as failure:
        raise LookupError(f"no TLS in the load ({failure}); install libssl-dev and remove the cache") from failure
    return module.cipher()


def wire(name: str) -> Wire:
    """The compiled file of a protocol, compiled first if need be."""
    if name not in NAMES:
        raise LookupError(f"no protocol {name!r}; choose from {', '.join(NAMES)}")
    ensure_built()
    return cast("Wire", importlib.import_module(f"bench.load.{name}"))
