"""MOSN listeners."""

from __future__ import annotations

from mosn.config.mosn_json.addresses import address
from mosn.config.mosn_json.build import const, extension, mapping, placed, sequence, typed
from mosn.config.mosn_json.filters import ListenerParts, network_filter
from mosn.config.mosn_json.logs import access_logs
from mosn.config.mosn_json.reader import Reader
from mosn.config.nodes import Mapping, Node

_ORIGINAL_DST = "envoy.extensions.filters.listener.original_dst.v3.OriginalDst"
_DIRECTIONS = {"ingress": "INBOUND", "egress": "OUTBOUND"}
_TLS = "TLS is not implemented"
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
    chains = [chain for child in reader.children("filter_chains") if (chain := _chain(child, parts))]
    fields: dict[str, Node | None] = {
        "name": name,
        "address": bound,
        "bind_to_port": const(at, reader.flag("bind_port")),
        "traffic_direction": _direction(reader),
        "use_original_dst": const(at, True) if original else None,
        "transparent": const(at, True) if original == "tproxy" else None,
        "listener_filters": sequence(at, _listener_filters(reader, original)),
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


def _listener_filters(reader: Reader, original: str) -> list[Node]:
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
    if not wanted:
        return []
    at = placed(reader.node, reader.path)
    return [extension(at, "envoy.filters.listener.original_dst", typed(at, _ORIGINAL_DST, {}))]


def _chain(reader: Reader, parts: ListenerParts) -> Mapping | None:
    """A chain without a filter that could be translated is left out; why was reported."""
    _tls(reader, reader.child("tls_context"))
    for context in reader.children("tls_context_set"):
        _tls(reader, context)
    reader.leave("MC0403", {"match": "MOSN's text form of a filter chain match is not carried over"})
    filters = [made for child in reader.children("filters") if (made := network_filter(child, parts))]
    reader.finish()
    chain = mapping(reader.node, {"filters": sequence(reader.node, filters)})
    return chain if filters else None


def _tls(reader: Reader, context: Reader | None) -> None:
    if context is not None and context.flag("status"):
        context.report("MC0405", _TLS)


def _leave(reader: Reader) -> None:
    for child in reader.children("stream_filters"):
        child.report("MC0405", f'the stream filter "{child.word("type")}" is not available')
    reader.leave("MC0403", {"inspector": "telling TLS from plain text on one port needs TLS, which is not implemented"})
    reader.leave(
        "MC0406",
        {
            "default_read_buffer_size": "read buffers are shared and sized by the engine",
            "log_path": "MOSN no longer reads it",
            "log_level": "MOSN no longer reads it",
        },
    )
