"""Addresses as the snapshot writes them, and as envoy.config.core.v3.Address."""

from __future__ import annotations

from typing import Any


def split_address(address: str) -> tuple[str, int]:
    """("::1", 80) of "[::1]:80".  Raises ValueError for anything else than IP:PORT."""
    host, colon, port = address.rpartition(":")
    if not colon:
        raise ValueError(f"{address!r} has no port")
    return host.removeprefix("[").removesuffix("]"), int(port)


def address_json(address: str) -> dict[str, Any]:
    if address.startswith("unix:"):
        return {"pipe": {"path": address.removeprefix("unix:")}}
    host, port = split_address(address)
    return {"socket_address": {"address": host, "port_value": port}}
