"""MOSN writes addresses as text: "127.0.0.1:8080", ":8080", "/path/of.sock"."""

from __future__ import annotations

import ipaddress

from mosn.config.mosn_json.build import const, mapping
from mosn.config.mosn_json.reader import Reader
from mosn.config.nodes import Mapping, Scalar

_MAX_PORT = 65_535


def split_host_port(text: str) -> tuple[str, int] | None:
    """Host and port; None when it is not both.  IPv6 stands in brackets."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port[:6]) > _MAX_PORT:
        return None
    if host.startswith("[") and host.endswith("]"):
        return host[1:-1], int(port)
    return (host, int(port)) if ":" not in host else None


def is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def address(reader: Reader, key: str, text: Scalar, *, unix: bool, any_host: str = "0.0.0.0") -> Mapping | None:
    """An Envoy Address; reports text that is not one.  An empty host is `any_host`."""
    if unix:
        return mapping(text, {"pipe": mapping(text, {"path": text})})
    found = split_host_port(str(text.value))
    if found is None:
        reader.report("MC0402", f'expected "HOST:PORT", found "{text.text}"', text, key)
        return None
    host, port = found
    socket = mapping(text, {"address": const(text, host or any_host), "port_value": const(text, port)})
    return mapping(text, {"socket_address": socket})
