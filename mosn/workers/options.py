"""What `mosn start` was asked for."""

from __future__ import annotations

from typing import NamedTuple


class StartOptions(NamedTuple):
    config: str  # absolute path
    run_dir: str  # absolute path
    workers: int
    log_level: str = "info"
    service_node: str = ""
    service_cluster: str = ""
    drain_seconds: float = 600.0  # QUIT and `mosn drain`; Envoy's default
    stop_seconds: float = 5.0  # TERM, INT and `mosn stop`
    strict: bool = False
    watch: bool = False
