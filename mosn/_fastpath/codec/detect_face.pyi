"""What the first bytes of a connection are, as Python sees it, for tests and tools."""

from typing import NamedTuple

class Hello(NamedTuple):
    server_name: bytes
    protocols: tuple[bytes, ...]

def client_hello(data: bytes) -> Hello | str:
    """The ClientHello, or "more", "no" or "too large"."""

def request_line(*pieces: bytes) -> str:
    """The bytes offered piece after piece: "http/1.0", "http/1.1", "h2c", or "more", "no" or "too long"."""

def frame(protocol: str, data: bytes) -> str:
    """Does a client of this protocol begin so: "yes", "more" or "no"."""
