"""Which listener and filter chain a connection would get, for `mosn route`.

The engine decides this for real in mosn/_fastpath/proxy/chain.pyx, which has no face for Python; these are the same
levels in the same order.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass

from mosn.model import FilterChain, FilterChainMatch, Listener, PrefixRange

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Connection:
    """What is known of a connection: where it comes from, and where it goes."""

    source: Address
    source_port: int
    destination: Address | None
    destination_port: int
    https: bool


@dataclass(frozen=True, slots=True)
class Rejected:
    what: str
    why: str


def choose_listener(
    listeners: list[Listener], name: str, host: str, port: int
) -> tuple[Listener | None, list[Rejected]]:
    """By name; else by the port of the URL, preferring the listener on exactly its address; else the first."""
    rejected = []
    fitting = []
    for listener in listeners:
        why = _not_this(listener, name, host, port)
        if why:
            rejected.append(Rejected(f"listener {listener['name']}", why))
        else:
            fitting.append(listener)
    fitting.sort(key=lambda listener: _is_wildcard(listener["address"]) if port else False)
    rejected += [
        Rejected(f"listener {other['name']}", "another fits better or stands before it") for other in fitting[1:]
    ]
    return (fitting[0] if fitting else None), rejected


def _not_this(listener: Listener, name: str, host: str, port: int) -> str:
    if name:
        return "" if listener["name"] == name else "another name"
    if not port:
        return ""
    bound_host, _, bound_port = listener["address"].rpartition(":")
    if bound_port != str(port):
        return f"address {listener['address']}"
    own = bound_host.strip("[]")
    if not _is_wildcard(listener["address"]) and ip_of(host) not in (None, ip_of(own)):
        return f"address {listener['address']}"
    return ""


def _is_wildcard(address: str) -> bool:
    return address.startswith(("0.0.0.0:", "[::]:"))


def ip_of(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def choose_chain(listener: Listener, connection: Connection) -> tuple[FilterChain | None, list[Rejected]]:
    """Level by level, only the chains that match most specifically go on (Envoy's FilterChainMatch)."""
    rejected: list[Rejected] = []
    left = list(enumerate(listener["filter_chains"]))
    for what, score in _LEVELS:
        scores = {index: score(chain["match"], connection) if chain["match"] else 0 for index, chain in left}
        best = max(scores.values(), default=-1)
        for index, chain in left:
            if scores[index] < best or scores[index] < 0:
                why = what if scores[index] < 0 else f"{what}: another chain matches more closely"
                rejected.append(Rejected(chain_name(index, chain), why))
        left = [(index, chain) for index, chain in left if scores[index] == best >= 0]
    return (left[0][1] if left else listener["default_filter_chain"]), rejected


def chain_name(index: int, chain: FilterChain) -> str:
    return f"filter chain {chain['name'] or f'#{index}'}"


def _destination_port(match: FilterChainMatch, connection: Connection) -> int:
    wanted = match["destination_port"]
    return 0 if not wanted else 1 if wanted == connection.destination_port else -1


def _prefixes(ranges: list[PrefixRange], address: Address | None) -> int:
    """0 when nothing is asked, the length of the longest matching prefix and one, or -1."""
    if not ranges:
        return 0
    networks = [ipaddress.ip_network((item["address"], item["prefix_len"]), strict=False) for item in ranges]
    lengths = [network.prefixlen + 1 for network in networks if address is not None and address in network]
    return max(lengths, default=-1)


def _transport(match: FilterChainMatch, connection: Connection) -> int:
    wanted = match["transport_protocol"]
    return 0 if not wanted else 1 if wanted == ("tls" if connection.https else "raw_buffer") else -1


def _source_type(match: FilterChainMatch, connection: Connection) -> int:
    if match["source_type"] == "any":
        return 0
    inside = connection.source.is_loopback or connection.source == connection.destination
    return 1 if inside == (match["source_type"] == "same_ip_or_loopback") else -1


def _source_port(match: FilterChainMatch, connection: Connection) -> int:
    wanted = match["source_ports"]
    return 0 if not wanted else 1 if connection.source_port in wanted else -1


_LEVELS: list[tuple[str, Callable[[FilterChainMatch, Connection], int]]] = [
    ("destination_port", _destination_port),
    ("prefix_ranges", lambda match, connection: _prefixes(match["prefix_ranges"], connection.destination)),
    ("server_names", lambda match, _: -1 if match["server_names"] else 0),
    ("transport_protocol", _transport),
    ("application_protocols", lambda match, _: -1 if match["application_protocols"] else 0),
    ("direct_source_prefix_ranges", lambda match, at: _prefixes(match["direct_source_prefix_ranges"], at.source)),
    ("source_type", _source_type),
    ("source_prefix_ranges", lambda match, connection: _prefixes(match["source_prefix_ranges"], connection.source)),
    ("source_ports", _source_port),
]
