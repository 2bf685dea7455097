"""MOSN's network filters.  A downstream protocol is one line in PROTOCOLS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from mosn.config.findings import Findings, nearest
from mosn.config.lower.rpc import detectable_protocols, rpc_protocols
from mosn.config.mosn_json.build import const, extension, mapping, sequence, typed
from mosn.config.mosn_json.dubbo_names import with_dubbo_names
from mosn.config.mosn_json.reader import Reader, envoy_duration
from mosn.config.nodes import Mapping, Node, Scalar

_HTTP = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
_TCP = "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"
_RPC = "mosn.protocol.v1.RpcProxy"
_HTTP1 = ("http/1.0", "http/1.1")
_HTTP2 = ("h2c",)
_ROUTER = "envoy.extensions.filters.http.router.v3.Router"


@dataclass(slots=True)
class ListenerParts:
    """What the filters of a listener share.  `routers` are route configurations by name."""

    findings: Findings
    name: Node
    routers: dict[str, Mapping]
    access_logs: list[Node] = field(default_factory=list)
    idle_timeout: Node | None = None
    detected: list[str] = field(default_factory=list)
    """RPC protocols that the listener has to tell by their first bytes; filled in by filters, with "http" for HTTP."""


@dataclass(frozen=True, slots=True)
class Served:
    """A network filter for connections of these application protocols; without any, for all."""

    network_filter: Mapping
    protocols: tuple[str, ...] = ()


def network_filter(reader: Reader, parts: ListenerParts) -> list[Served]:
    kind = reader.word("type")
    config = reader.child("config") or Reader(reader.findings, None, reader.where("config"))
    reader.leave("MC0405", {"go_plugin_config": "Go plugins cannot be loaded"})
    reader.finish()
    maker = _FILTERS.get(kind)
    if maker is not None:
        return maker(config, parts)
    if kind != _CONNECTION_MANAGER:
        text = f'the network filter "{kind}" is not available'
        reader.report("MC0405", text, suggestion=nearest(kind, _FILTERS))
    return []


def _proxy(reader: Reader, parts: ListenerParts) -> list[Served]:
    protocol = reader.text("downstream_protocol")
    upstream = reader.text("upstream_protocol")
    extend = reader.child("extend_config")
    router = reader.text("router_config_name")
    name = str(protocol.value) if protocol is not None and protocol.value else "Auto"
    sub_protocol = extend.word("sub_protocol") if extend is not None else ""
    declaration = extend.text("declaration") if extend is not None else None
    reader.leave(
        "MC0403",
        {
            "fallback_for_unknown_protocol": "falling back to TCP for unknown protocols is not implemented",
            "router_handler_name": "router handlers are Go code",
        },
    )
    unused = "MOSN reads it and does nothing with it"
    reader.leave("MC0406", {"name": unused, "validate_clusters": unused, "concurrency_num": "there is no worker pool"})
    reader.finish()
    asked = _asked(name.lower(), sub_protocol.lower())
    for each in asked:
        if each not in PROTOCOLS and each not in rpc_protocols() and declaration is None:
            text = f'the protocol "{each if len(asked) > 1 else sub_protocol or name}" is not available'
            reader.report("MC0404", text, protocol, "downstream_protocol")
            return []
    _check_upstream(reader, upstream, {name.lower(), *asked})
    if len(asked) == 1:
        made = (PROTOCOLS.get(asked[0]) or _rpc(asked[0], declaration))(reader, parts, router)
        return [Served(made)] if made is not None else []
    return _many(reader, parts, router, asked)


def _asked(name: str, sub_protocol: str) -> list[str]:
    """What is spoken on the port: Auto is everything that can be told, unless a list names some of it."""
    listed = [_RPC_NAMES.get(each, each) for word in sub_protocol.split(",") if (each := word.strip())]
    if name == "auto" and not listed:
        return ["auto", *detectable_protocols()]
    http = [each for each in listed if each in PROTOCOLS]
    listed = [*(http if len(http) < 2 else ["auto"]), *(each for each in listed if each not in PROTOCOLS)]
    return list(dict.fromkeys(listed)) if name in ("auto", "x") and listed else [_RPC_NAMES.get(name, name)]


def _check_upstream(reader: Reader, upstream: Scalar | None, good: set[str]) -> None:
    """Upstreams are spoken to as clients speak here."""
    wanted = _RPC_NAMES.get(str(upstream.value).lower(), str(upstream.value).lower()) if upstream is not None else ""
    if wanted in ("", "auto", "x", *good) or (wanted == "http1" and good & PROTOCOLS.keys()):
        return
    own = " and ".join("HTTP/1" if each in PROTOCOLS else each for each in sorted(good - {"x"}))
    reader.report("MC0404", f'upstreams speak {own} here, not "{wanted}"', upstream, "upstream_protocol")


def _many(reader: Reader, parts: ListenerParts, router: Scalar | None, asked: list[str]) -> list[Served]:
    """A filter for each of the protocols, which are told apart by their first bytes."""
    served = []
    for each in asked:
        made = (PROTOCOLS.get(each) or _rpc(each, None))(reader, parts, router)
        if made is None:
            return []
        served.append(Served(made, _TOLD.get(each, (each,))))
        parts.detected.append("http" if each in PROTOCOLS else each)
    return served


def _routes(reader: Reader, parts: ListenerParts, router: Scalar | None) -> Mapping | None:
    wanted = str(router.value) if router is not None else ""
    routes = parts.routers.get(wanted) if router is not None else None
    if routes is None:
        text = f'there is no router configuration "{wanted}"'
        at: Node = router or reader.node
        reader.report("MC0402", text, at, "router_config_name", suggestion=nearest(wanted, parts.routers))
    return routes


def _rpc(protocol: str, declaration: Scalar | None) -> Callable[[Reader, ListenerParts, Scalar | None], Mapping | None]:
    def make(reader: Reader, parts: ListenerParts, router: Scalar | None) -> Mapping | None:
        routes = _routes(reader, parts, router)
        if routes is None:
            return None
        config = typed(
            reader.node,
            _RPC,
            {
                "protocol": const(reader.node, protocol),
                "declaration": mapping(declaration, {"filename": declaration}) if declaration is not None else None,
                "stat_prefix": parts.name,
                "route_config": with_dubbo_names(reader, routes) if protocol == "dubbo" else routes,
                "idle_timeout": parts.idle_timeout,
                "access_log": sequence(router or reader.node, parts.access_logs),
            },
        )
        return extension(reader.node, "mosn.rpc_proxy", config)

    return make


def _http(codec: str) -> Callable[[Reader, ListenerParts, Scalar | None], Mapping | None]:
    def make(reader: Reader, parts: ListenerParts, router: Scalar | None) -> Mapping | None:
        at: Node = router or reader.node
        routes = _routes(reader, parts, router)
        if routes is None:
            return None
        options = mapping(at, {"idle_timeout": parts.idle_timeout}) if parts.idle_timeout is not None else None
        router_filter = extension(at, "envoy.filters.http.router", typed(at, _ROUTER, {}))
        config = typed(
            reader.node,
            _HTTP,
            {
                "stat_prefix": parts.name,
                "codec_type": const(reader.node, codec),
                "route_config": routes,
                "http_filters": sequence(at, [router_filter]),
                "common_http_protocol_options": options,
                "generate_request_id": const(reader.node, False),
                "access_log": sequence(at, parts.access_logs),
            },
        )
        return extension(reader.node, "envoy.filters.network.http_connection_manager", config)

    return make


PROTOCOLS: dict[str, Callable[[Reader, ListenerParts, Scalar | None], Mapping | None]] = {
    "http1": _http("HTTP1"),
    "http2": _http("HTTP2"),
    "auto": _http("AUTO"),
}
"""By MOSN's name in lower case.  RPC protocols are those that the data path has."""
_TOLD = {"http1": _HTTP1, "http2": _HTTP2, "auto": (*_HTTP1, *_HTTP2)}
"""How filter chains name what the HTTP inspector finds."""
_RPC_NAMES = {"boltv1": "bolt", "boltv2": "bolt"}
"""One protocol here: each frame says its version."""


def _tcp_proxy(reader: Reader, parts: ListenerParts) -> list[Served]:
    cluster = reader.text("cluster")
    routes = list(reader.children("routes"))
    idle = reader.number("idle_timeout")
    fields: dict[str, Node | None] = {
        "stat_prefix": reader.text("stat_prefix") or parts.name,
        "cluster": cluster if cluster is not None and cluster.value else _first_cluster(routes),
        "idle_timeout": _nanoseconds(idle) or parts.idle_timeout,
        "max_connect_attempts": reader.number("max_connect_attempts"),
        "access_log": sequence(reader.node, parts.access_logs),
    }
    for route in routes:
        _tcp_route(route, str(cluster.value) if cluster is not None else "")
    reader.finish()
    return [Served(extension(reader.node, "envoy.filters.network.tcp_proxy", typed(reader.node, _TCP, fields)))]


def _nanoseconds(number: Scalar | None) -> Node | None:
    """MOSN's Go duration as a bare number."""
    return (
        const(number, envoy_duration(int(number.value)))
        if number is not None and isinstance(number.value, int)
        else None
    )


def _first_cluster(routes: list[Reader]) -> Node | None:
    return routes[0].text("cluster") if routes else None


def _tcp_route(reader: Reader, cluster: str) -> None:
    """Routes that only repeat the cluster mean nothing more; others choose by address."""
    other = reader.word("cluster")
    choose = reader.has("source_addrs") or reader.has("destination_addrs") or (other and cluster and other != cluster)
    text = "routes of tcp_proxy by address are not carried over; use one listener for each"
    reader.leave("MC0403", {"source_addrs": text, "destination_addrs": text})
    reader.finish()
    if choose and other and cluster and other != cluster:
        reader.report("MC0403", text)


_FILTERS: dict[str, Callable[[Reader, ListenerParts], list[Served]]] = {"proxy": _proxy, "tcp_proxy": _tcp_proxy}
_CONNECTION_MANAGER = "connection_manager"
"""The older place of a router configuration; the server reads it before the listeners."""
