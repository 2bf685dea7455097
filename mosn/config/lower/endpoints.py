"""Endpoints of a cluster: from its load assignment, and from resolved names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from mosn.config.lower.addresses import canonical_ip, join_host_port, lower_address, port_is_given
from mosn.config.lower.context import Context, wrapped
from mosn.model import Host

Health = Literal["healthy", "unhealthy", "draining", "degraded"]
_HEALTH: tuple[Health, ...] = ("healthy", "healthy", "unhealthy", "draining", "unhealthy", "degraded")
_LB_METADATA = "envoy.lb"


@dataclass(frozen=True, slots=True)
class Located:
    """An endpoint with the path to it and the locality around it."""

    path: str
    endpoint: Any
    locality: Any


def endpoints_of(cluster: Any, path: str) -> Iterator[Located]:
    base = f"{path}.load_assignment.endpoints"
    for number, locality in enumerate(cluster.load_assignment.endpoints):
        for index, endpoint in enumerate(locality.lb_endpoints):
            yield Located(f"{base}[{number}].lb_endpoints[{index}]", endpoint, locality)


def static_hosts(ctx: Context, cluster: Any, path: str) -> list[Host]:
    """Hosts whose addresses stand in the file."""
    hosts = []
    for item in endpoints_of(cluster, path):
        where = f"{item.path}.endpoint.address"
        address = lower_address(ctx, item.endpoint.endpoint.address, where)
        if not item.endpoint.endpoint.HasField("address") and not ctx.findings.failed(where):
            ctx.report("MC0108", where, "is required")
        if address:
            hosts.append(_host(ctx, cluster, item, address, item.endpoint.endpoint.hostname))
    return _distinct(hosts)


def resolved_hosts(ctx: Context, cluster: Any, path: str, *, only_first: bool) -> list[Host]:
    """Hosts of a DNS cluster, from the addresses that the controller resolved.  `only_first`: LOGICAL_DNS."""
    hosts = []
    for item in endpoints_of(cluster, path):
        target = dns_target(ctx, item)
        if target is None:
            continue
        name, port = target
        addresses = list(ctx.resolved.get(target, ()))
        hostname = item.endpoint.endpoint.hostname or name
        for address in addresses[:1] if only_first else addresses:
            hosts.append(_host(ctx, cluster, item, join_host_port(address, port), hostname))
    return _distinct(hosts)


def dns_target(ctx: Context, item: Located) -> tuple[str, int] | None:
    """Host name (or IP address) and port that a DNS cluster's endpoint names."""
    address = item.endpoint.endpoint.address
    path = f"{item.path}.endpoint.address"
    kind = address.WhichOneof("address")
    if kind != "socket_address":
        if kind is not None:
            ctx.report("MC0308", path, "a DNS cluster's endpoint is a host name and a port")
        return None
    if not port_is_given(ctx, address.socket_address, f"{path}.socket_address") or not address.socket_address.address:
        return None
    return address.socket_address.address, address.socket_address.port_value


def literal_addresses(name: str) -> list[str]:
    """A name that is an IP address needs no resolver."""
    address = canonical_ip(name)
    return [address] if address else []


def _host(ctx: Context, cluster: Any, item: Located, address: str, hostname: str) -> Host:
    scope = ctx.registry.scope("host", f"{cluster.name}.{address}")
    health = item.endpoint.health_status
    return {
        "address": address,
        "hostname": hostname,
        "weight": wrapped(item.endpoint, "load_balancing_weight", 1),
        "priority": item.locality.priority,
        "health": _HEALTH[health] if 0 <= health < len(_HEALTH) else "healthy",
        "region": item.locality.locality.region,
        "zone": item.locality.locality.zone,
        "sub_zone": item.locality.locality.sub_zone,
        "metadata": _lb_metadata(item.endpoint.metadata),
        "stats": scope["counters"],
        "gauges": scope["gauges"],
    }


def _lb_metadata(metadata: Any) -> dict[str, str]:
    if _LB_METADATA not in metadata.filter_metadata:
        return {}
    fields = metadata.filter_metadata[_LB_METADATA].fields
    return {key: _text(fields[key]) for key in sorted(fields)}


def _text(value: Any) -> str:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return str(value.string_value)
    if kind == "bool_value":
        return "true" if value.bool_value else "false"
    if kind == "number_value":
        return f"{value.number_value:g}"
    return ""


def _distinct(hosts: list[Host]) -> list[Host]:
    """The first host of every address and priority."""
    found: dict[tuple[str, int], Host] = {}
    for host in hosts:
        found.setdefault((host["address"], host["priority"]), host)
    return list(found.values())
