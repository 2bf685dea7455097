"""HPACK as Python sees it, for tests and tools."""

from collections.abc import Iterable

class Broken(Exception):
    """A header block that ends the connection (COMPRESSION_ERROR)."""

class TooLarge(Exception):
    """A header block above the limits; the decoder goes on with the next."""

class Decoder:
    def __init__(self, list_bytes: int = ..., fields: int = ...) -> None: ...
    def decode(self, block: bytes) -> list[tuple[bytes, bytes, bool]]:
        """Names, values, and whether the sender said "never indexed".  Raises Broken or TooLarge."""

    def allow(self, table_size: int) -> None:
        """The peer acknowledged this SETTINGS_HEADER_TABLE_SIZE."""

    def table(self) -> list[tuple[bytes, bytes]]:
        """The dynamic table, newest first."""

    def table_size(self) -> int: ...
    def memory(self) -> int:
        """Bytes of blocks that are in use."""

    def save(self) -> bytes: ...
    def restore(self, state: bytes) -> None:
        """Into a new one.  Raises ValueError when the state cannot be read."""

class Encoder:
    def encode(self, fields: Iterable[tuple[bytes, bytes] | tuple[bytes, bytes, bool]]) -> bytes: ...
    def allow(self, table_size: int) -> None:
        """The peer's SETTINGS_HEADER_TABLE_SIZE."""

    def table(self) -> list[tuple[bytes, bytes]]: ...
    def save(self) -> bytes: ...
    def restore(self, state: bytes) -> None: ...

def huffman_encode(data: bytes) -> bytes: ...
def huffman_decode(data: bytes) -> bytes:
    """Raises Broken."""

def time_decode(block: bytes, rounds: int) -> float:
    """Nanoseconds of decoding the block again and again (it must not grow the table)."""

def time_encode(fields: list[tuple[bytes, bytes]], rounds: int) -> float: ...
def time_huffman(data: bytes, rounds: int) -> float: ...
