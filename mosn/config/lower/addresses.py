"""Addresses as the snapshot writes them: "1.2.3.4:80", "[::1]:80", "unix:/path", "unix:@abstract"."""

from __future__ import annotations

import ipaddress
from typing import Any

from mosn.config.lower.context import Context
from mosn.model import PrefixRange

MAX_UNIX_PATH = 107
"""Bytes of sockaddr_un.sun_path without the final NUL."""


def join_host_port(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def canonical_ip(text: str) -> str:
    """The usual spelling of an IP address; "" when it is not one.  Zones (fe80::1%eth0) are kept."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""


def lower_address(ctx: Context, address: Any, path: str) -> str:
    """The text of an envoy.config.core.v3.Address that needs no resolving; "" (and a finding) when it is not one."""
    kind = address.WhichOneof("address")
    if kind == "socket_address":
        return lower_socket_address(ctx, address.socket_address, f"{path}.socket_address")
    if kind == "pipe":
        return _pipe(ctx, address.pipe, f"{path}.pipe")
    return ""


def lower_socket_address(ctx: Context, address: Any, path: str) -> str:
    if not port_is_given(ctx, address, path):
        return ""
    host = canonical_ip(address.address)
    if not host:
        if not ctx.findings.failed(f"{path}.address"):
            hint = "host names belong into clusters of type STRICT_DNS or LOGICAL_DNS"
            ctx.report("MC0308", f"{path}.address", f'"{address.address}" is not an IP address', hint=hint)
        return ""
    return join_host_port(host, address.port_value)


def port_is_given(ctx: Context, address: Any, path: str) -> bool:
    """TCP and a numeric port; reports what else it is."""
    if address.protocol != 0:
        ctx.report("MC0204", f"{path}.protocol", "UDP is not implemented")
        return False
    if address.named_port:
        ctx.report("MC0308", f"{path}.named_port", "a port by name is not supported; give port_value")
        return False
    return True


def _pipe(ctx: Context, pipe: Any, path: str) -> str:
    if not pipe.path:
        return ""
    if len(pipe.path.encode()) > MAX_UNIX_PATH:
        ctx.report("MC0308", f"{path}.path", f"a unix socket's path has at most {MAX_UNIX_PATH} bytes")
    elif pipe.path.startswith("@") and pipe.mode:
        ctx.report("MC0315", f"{path}.mode", "an abstract socket has no file mode")
    elif "\0" in pipe.path[1:]:
        ctx.report("MC0308", f"{path}.path", "a path must not hold a zero byte")
    else:
        return f"unix:{pipe.path}"
    return ""


def lower_range(ctx: Context, cidr: Any, path: str) -> PrefixRange | None:
    try:
        address = ipaddress.ip_address(cidr.address_prefix)
    except ValueError:
        if not ctx.findings.failed(f"{path}.address_prefix"):
            ctx.report("MC0308", f"{path}.address_prefix", f'"{cidr.address_prefix}" is not an IP address')
        return None
    length = cidr.prefix_len.value if cidr.HasField("prefix_len") else 0
    if length > address.max_prefixlen:
        text = f"an IPv{address.version} prefix has at most {address.max_prefixlen} bits"
        ctx.report("MC0308", f"{path}.prefix_len", text)
        return None
    network = network_of(cidr)
    return {"address": str(network.network_address), "prefix_len": length} if network is not None else None


def network_of(cidr: Any) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """The range with its host bits cleared; None when it is not one."""
    length = cidr.prefix_len.value if cidr.HasField("prefix_len") else 0
    try:
        return ipaddress.ip_network((cidr.address_prefix.split("%")[0], length), strict=False)
    except ValueError:
        return None
