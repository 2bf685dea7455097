"""HTTP/2 options, of listeners and of clusters."""

from __future__ import annotations

from typing import Any

from mosn.config.lower.context import wrapped
from mosn.model import Http2Options


def lower_http2(options: Any) -> Http2Options:
    """Defaults are Envoy's but for the windows: bytes that nobody takes are held here, so they are smaller."""
    return {
        "max_concurrent_streams": wrapped(options, "max_concurrent_streams", 1024),
        "initial_stream_window_size": wrapped(options, "initial_stream_window_size", 256 * 1024),
        "initial_connection_window_size": wrapped(options, "initial_connection_window_size", 1024 * 1024),
        "hpack_table_size": min(wrapped(options, "hpack_table_size", 4096), 65536),
    }
