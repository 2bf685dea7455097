"""What fuzz targets share: they are started by tests/fuzz/run, which sees to the instrumented build."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable

import atheris


def fuzz(one_input: Callable[[bytes], None]) -> None:
    """Call one_input with what libFuzzer thinks up until the time is over; an exception is a finding."""
    # The bytes that matter are read by compiled code: Python's own coverage would only slow this down.
    atheris.Setup(sys.argv, one_input, enable_python_coverage=False)
    atheris.Fuzz()


def pieces(data: bytes) -> list[bytes]:
    """The bytes cut at up to four places, or into single bytes; always the same for the same bytes."""
    seed = zlib.crc32(data)
    if seed % 8 == 0:
        return [data[i:i + 1] for i in range(len(data))]
    at = sorted((seed >> (7 * k)) % (len(data) + 1) for k in range(1 + seed % 4))
    return [data[i:j] for i, j in zip([0, *at], [*at, len(data)], strict=True)]
