"""MOSN listeners."""

from __future__ import annotations

from mosn.config.mosn_json.addresses import address
from mosn.config.mosn_json.build import const, extension, mapping, placed, sequence, typed
from mosn.config.mosn_json.filters import ListenerParts, network_filter
from mosn.config.mosn_json.logs import access_logs
from mosn.config.mosn_json.reader import Reader
from mosn.config.nodes import Mapping, Node

_HTTP_INSPECTOR = "envoy.extensions.filters.listener.http_inspector.v3.HttpInspector"
_PROTOCOL_INSPECTOR = "mosn.protocol.v1.ProtocolInspector"
_ORIGINAL_DST = "envoy.extensions.filters.listener.original_dst.v3.OriginalDst"
_DIRECTIONS = {"ingress": "INBOUND", "egress": "OUTBOUND"}
_TLS = "MOSN's tls_context is not translated yet; say it as Envoy's transport_socket"
_IDLE_TIMEOUT = "90s"
"""MOSN's connection_idle_timeout when it is not set."""


def listener(reader: Reader, routers: dict[str, Mapping]) -> Mapping:
    name, text = reader.text("name"), reader.text("address")
    at = placed(reader.node, reader.path)
    network = reader.word("network", "tcp").lower()
    if network not in ("tcp", "unix"):
        reader.report("MC0405", f'the network "{network}" is not available')
    bound = None
    if text is None or not text.value:
        reader.report("MC0402", "a listener needs an address")
    else:
        bound = address(reader, "address", text, unix=network == "unix")
    parts = ListenerParts(
        reader.findings,
        name or (text if text is not None else at),
        routers,
        access_logs(reader),
        reader.duration("connection_idle_timeout") or const(at, _IDLE_TIMEOUT),
    )
    original = reader.word("use_original_dst").lower()
    chains = [chain for child in reader.children("filter_chains") for chain in _chains(child, parts)]
    fields: dict[str, Node | None] = {
        "name": name,
        "address": bound,
        "bind_to_port": const(at, reader.flag("bind_port")),
        "traffic_direction": _direction(reader),
        "use_original_dst": const(at, True) if original else None,
        "transparent": const(at, True) if original == "tproxy" else None,
        "listener_filters": sequence(at, _listener_filters(reader, original, parts)),
        "filter_chains": sequence(at, chains),
        "per_connection_buffer_limit_bytes": const(at, 32_768),
    }
    _leave(reader)
    reader.finish()
    return mapping(at, fields)


def _direction(reader: Reader) -> Node | None:
    kind = reader.text("type")
    direction = _DIRECTIONS.get(str(kind.value)) if kind is not None else None
    return const(kind, direction) if kind is not None and direction else None


def _listener_filters(reader: Reader, original: str, parts: ListenerParts) -> list[Node]:
    wanted = bool(original)
    for child in reader.children("listener_filters"):
        kind = child.word("type")
        child.leave("MC0406", {"config": "the filter needs no configuration here"})
        child.leave("MC0405", {"go_plugin_config": "Go plugins cannot be loaded"})
        child.finish()
        if kind == "original_dst":
            wanted = True
        else:
            child.report("MC0405", f'the listener filter "{kind}" is not available')
    at = placed(reader.node, reader.path)
    first = extension(at, "envoy.filters.listener.original_dst", typed(at, _ORIGINAL_DST, {}))
    return [*([first] if wanted else []), *_inspectors(at, parts.detected)]


def _inspectors(at: Node, detected: list[str]) -> list[Node]:
    made: list[Node] = []
    if "http" in detected:
        made.append(extension(at, "envoy.filters.listener.http_inspector", typed(at, _HTTP_INSPECTOR, {})))
    if names := [const(at, name) for name in dict.fromkeys(detected) if name != "http"]:
        config = typed(at, _PROTOCOL_INSPECTOR, {"protocols": sequence(at, names)})
        made.append(extension(at, "mosn.protocol_inspector", config))
    return made


def _chains(reader: Reader, parts: ListenerParts) -> list[Mapping]:
    """One for each protocol that is told apart.  Without a filter that could be translated there is none; why was
    reported."""
    _tls(reader, reader.child("tls_context"))
    for context in reader.children("tls_context_set"):
        _tls(reader, context)
    reader.leave("MC0403", {"match": "MOSN's text form of a filter chain match is not carried over"})
    served = [each for child in reader.children("filters") for each in network_filter(child, parts)]
    reader.finish()
    told = [each for each in served if each.protocols]
    every = [each.network_filter for each in served if not each.protocols]
    chains = [_chain(reader.node, [each.network_filter], each.protocols) for each in told]
    return [*chains, _chain(reader.node, every)] if every else chains


def _chain(at: Node, filters: list[Mapping], protocols: tuple[str, ...] = ()) -> Mapping:
    names = sequence(at, [const(at, name) for name in protocols])
    match = mapping(at, {"application_protocols": names}) if names is not None else None
    return mapping(at, {"filter_chain_match": match, "filters": sequence(at, filters)})


def _tls(reader: Reader, context: Reader | None) -> None:
    if context is not None and context.flag("status"):
        context.report("MC0405", _TLS)


def _leave(reader: Reader) -> None:
    for child in reader.children("stream_filters"):
        child.report("MC0405", f'the stream filter "{child.word("type")}" is not available')
    reader.leave("MC0403", {"inspector": "telling TLS from plain text on one port is Envoy's tls_inspector here"})
    reader.leave(
        "MC0406",
        {
            "default_read_buffer_size": "read buffers are shared and sized by the engine",
            "log_path": "MOSN no longer reads it",
            "log_level": "MOSN no longer reads it",
        },
    )
