"""Filter chains: which connections they match, and the network filter that serves them."""

from __future__ import annotations

from typing import Any, Literal

from mosn.config.lower.addresses import lower_range, network_of
from mosn.config.lower.context import Context, wrapped
from mosn.config.lower.dubbo import lower_dubbo
from mosn.config.lower.http import lower_http, pick
from mosn.config.lower.rpc import lower_rpc
from mosn.config.lower.tcp import lower_tcp
from mosn.config.lower.tls import DOWNSTREAM_TLS, HANDSHAKE_TIMEOUT_MS, lower_downstream_tls
from mosn.config.rules import unpack
from mosn.model import FilterChain, FilterChainMatch, PrefixRange, RpcManager, TlsContext

_DUBBO = "envoy.extensions.filters.network.dubbo_proxy.v3.DubboProxy"
_KINDS: dict[str, Literal["http", "tcp", "rpc"]] = {
    "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager": "http",
    "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy": "tcp",
    "mosn.protocol.v1.RpcProxy": "rpc",
    _DUBBO: "rpc",
}
"""Network filters that end a connection."""
_RAW_BUFFER = "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer"
_SOURCES: tuple[Literal["any", "same_ip_or_loopback", "external"], ...] = ("any", "same_ip_or_loopback", "external")


def lower_chains(
    ctx: Context, listener: Any, path: str, stat_name: str
) -> tuple[list[FilterChain], FilterChain | None]:
    """The chains of a listener and its default chain; `stat_name` is the listener's."""
    chains = [
        made
        for index, chain in enumerate(listener.filter_chains)
        if (made := _chain(ctx, chain, f"{path}.filter_chains[{index}]", stat_name))
    ]
    default = None
    if listener.HasField("default_filter_chain"):
        default = _chain(ctx, listener.default_filter_chain, f"{path}.default_filter_chain", stat_name)
    _check_matches(ctx, listener, path)
    return chains, default


def _chain(ctx: Context, chain: Any, path: str, stat_name: str) -> FilterChain | None:
    tls = _transport(ctx, chain, path, stat_name)
    match = _match(ctx, chain.filter_chain_match, f"{path}.filter_chain_match")
    terminal = _terminal(ctx, chain, path)
    if terminal is None:
        return None
    config, where = terminal
    kind = _KINDS[config.DESCRIPTOR.full_name]
    return {
        "name": chain.name,
        "match": match if chain.HasField("filter_chain_match") else None,
        "tls": tls,
        "kind": kind,
        "http": lower_http(ctx, config, where) if kind == "http" else None,
        "tcp": lower_tcp(ctx, config, where) if kind == "tcp" else None,
        "rpc": _lower_rpc(ctx, config, where) if kind == "rpc" else None,
    }


def _lower_rpc(ctx: Context, config: Any, path: str) -> RpcManager:
    lower = lower_dubbo if config.DESCRIPTOR.full_name == _DUBBO else lower_rpc
    return lower(ctx, config, path)


def _transport(ctx: Context, chain: Any, path: str, stat_name: str) -> TlsContext | None:
    config: Any = unpack(chain.transport_socket.typed_config)
    if config is None or config.DESCRIPTOR.full_name == _RAW_BUFFER:
        return None
    where = f"{path}.transport_socket.typed_config"
    if config.DESCRIPTOR.full_name != DOWNSTREAM_TLS:
        if not ctx.findings.failed(path):
            ctx.report("MC0202", where, f"{config.DESCRIPTOR.full_name} is not implemented for listeners")
        return None
    timeout = ctx.milliseconds(chain, "transport_socket_connect_timeout", HANDSHAKE_TIMEOUT_MS, path)
    return lower_downstream_tls(ctx, config, where, stat_name, timeout or HANDSHAKE_TIMEOUT_MS)


def _terminal(ctx: Context, chain: Any, path: str) -> tuple[Any, str] | None:
    """The last filter's configuration and its path; reports filters that cannot stand where they do."""
    filters: list[tuple[Any, str]] = []
    for index, item in enumerate(chain.filters):
        where = f"{path}.filters[{index}]"
        filters.append((unpack(item.typed_config), f"{where}.typed_config"))
    if not filters:
        if not ctx.findings.failed(f"{path}.filters"):
            ctx.report("MC0307", f"{path}.filters", "a filter chain needs a network filter")
        return None
    for config, where in filters[:-1]:
        if _ends_connection(config):
            ctx.report("MC0307", where, f"{config.DESCRIPTOR.name} must be the last network filter")
    config, where = filters[-1]
    return (config, where) if _ends_connection(config) else None


def _ends_connection(config: Any) -> bool:
    return config is not None and config.DESCRIPTOR.full_name in _KINDS


def _match(ctx: Context, match: Any, path: str) -> FilterChainMatch:
    names = [_server_name(ctx, name, f"{path}.server_names[{index}]") for index, name in enumerate(match.server_names)]
    return {
        "destination_port": wrapped(match, "destination_port", 0),
        "prefix_ranges": _ranges(ctx, match.prefix_ranges, f"{path}.prefix_ranges"),
        "server_names": names,
        "transport_protocol": match.transport_protocol,
        "application_protocols": list(match.application_protocols),
        "direct_source_prefix_ranges": _ranges(
            ctx, match.direct_source_prefix_ranges, f"{path}.direct_source_prefix_ranges"
        ),
        "source_type": pick(_SOURCES, match.source_type),
        "source_prefix_ranges": _ranges(ctx, match.source_prefix_ranges, f"{path}.source_prefix_ranges"),
        "source_ports": list(match.source_ports),
    }


def _server_name(ctx: Context, name: str, path: str) -> str:
    if "*" in name and (not name.startswith("*.") or "*" in name[1:]):
        ctx.report("MC0315", path, f'"{name}": a server name may begin with "*." and have no other asterisk')
    return name.lower()


def _ranges(ctx: Context, ranges: Any, path: str) -> list[PrefixRange]:
    made = (lower_range(ctx, cidr, f"{path}[{index}]") for index, cidr in enumerate(ranges))
    return [cidr for cidr in made if cidr]


def _check_matches(ctx: Context, listener: Any, path: str) -> None:
    """Chains must differ in every combination of values, as Envoy demands."""
    seen: list[list[frozenset[Any]]] = []
    for index, chain in enumerate(listener.filter_chains):
        where = f"{path}.filter_chains[{index}].filter_chain_match"
        given = _match_values(chain.filter_chain_match)
        values = [frozenset(each) for each in given]
        if any(len(each) != len(kept) for each, kept in zip(given, values, strict=True)):
            ctx.report("MC0310", where, "gives a value twice")
        for other, others in enumerate(seen):
            if all(mine & theirs for mine, theirs in zip(values, others, strict=True)):
                ctx.report("MC0310", where, f"matches connections that filter_chains[{other}] matches")
                break
        seen.append(values)


def _match_values(match: Any) -> list[list[Any]]:
    """The values of each criterion; one that is not given matches like a value of its own."""
    given = [
        [wrapped(match, "destination_port", 0)],
        _range_keys(match.prefix_ranges),
        [name.lower() for name in match.server_names],
        [match.transport_protocol],
        match.application_protocols,
        _range_keys(match.direct_source_prefix_ranges),
        [match.source_type],
        _range_keys(match.source_prefix_ranges),
        match.source_ports,
    ]
    return [list(values) or [""] for values in given]


def _range_keys(ranges: Any) -> list[Any]:
    made = (network_of(cidr) for cidr in ranges)
    return [network for network in made if network is not None]
