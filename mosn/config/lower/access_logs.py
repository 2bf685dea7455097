"""Access logs: where they go, how a line is written, and which requests get one."""

from __future__ import annotations

from typing import Any, Literal

from mosn.config.lower.context import Context
from mosn.config.lower.datasource import read_source
from mosn.config.lower.matchers import fraction_of, lower_header, runtime_percent
from mosn.config.lower.runtime import runtime_integer
from mosn.config.rules import unpack
from mosn.model import AccessLog, AccessLogFilter

DEFAULT_FORMAT = (
    '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" '
    "%RESPONSE_CODE% %RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% %DURATION% "
    '%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" '
    '"%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%"\n'
)
"""Envoy's, for logs that name no format."""
_MAX_FORMAT = 65_536
_STREAMS = {"StdoutAccessLog": "/dev/stdout", "StderrAccessLog": "/dev/stderr"}
_OPS: tuple[Literal["eq", "ge", "le", "ne"], ...] = ("eq", "ge", "le", "ne")
JsonFormat = list[tuple[str, Any]]


def lower_access_logs(ctx: Context, logs: Any, path: str) -> list[AccessLog]:
    made = (_access_log(ctx, log, f"{path}[{index}]") for index, log in enumerate(logs))
    return [log for log in made if log]


def _access_log(ctx: Context, log: Any, path: str) -> AccessLog | None:
    config: Any = unpack(log.typed_config)
    if config is None:
        return None
    where = f"{path}.typed_config"
    name = config.DESCRIPTOR.name
    if name == "FileAccessLog":
        target = config.path
        text, lines, omit = _file_format(ctx, config, where)
    elif name in _STREAMS:
        target = _STREAMS[name]
        text, lines, omit = _format_of(ctx, config, where)
    else:
        return None  # reported as not implemented
    return {
        "sink": ctx.sink(target),
        "format": text,
        "json": lines,
        "omit_empty_values": omit,
        "filter": _filter(ctx, log.filter, f"{path}.filter") if log.HasField("filter") else None,
    }


def _file_format(ctx: Context, config: Any, path: str) -> tuple[str, JsonFormat | None, bool]:
    kind = config.WhichOneof("access_log_format")
    if kind == "format":
        return ctx.format(config.format, f"{path}.format") or DEFAULT_FORMAT, None, False
    if kind in ("json_format", "typed_json_format"):
        return "", lower_json(ctx, getattr(config, kind), f"{path}.{kind}"), False
    return _format_of(ctx, config, path)


def _format_of(ctx: Context, config: Any, path: str) -> tuple[str, JsonFormat | None, bool]:
    if not config.HasField("log_format"):
        return DEFAULT_FORMAT, None, False
    return lower_format(ctx, config.log_format, f"{path}.log_format")


def lower_format(ctx: Context, config: Any, path: str) -> tuple[str, JsonFormat | None, bool]:
    """Text, JSON and omit_empty_values of a SubstitutionFormatString."""
    kind = config.WhichOneof("format")
    if kind == "json_format":
        return "", lower_json(ctx, config.json_format, f"{path}.json_format"), config.omit_empty_values
    if kind == "text_format_source":
        where = f"{path}.text_format_source"
        text = read_source(ctx, config.text_format_source, where, _MAX_FORMAT).decode(errors="replace")
        return ctx.format(text, where), None, config.omit_empty_values
    return ctx.format(config.text_format, f"{path}.text_format"), None, config.omit_empty_values


def lower_json(ctx: Context, struct: Any, path: str) -> JsonFormat:
    """Pairs in the order in which they are written: sorted by key, as Envoy does."""
    return [(key, _json_value(ctx, struct.fields[key], f"{path}.{key}")) for key in sorted(struct.fields)]


def _json_value(ctx: Context, value: Any, path: str) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return dict(lower_json(ctx, value.struct_value, path))
    if kind == "list_value":
        return [_json_value(ctx, item, f"{path}[{index}]") for index, item in enumerate(value.list_value.values)]
    if kind == "string_value":
        return ctx.format(value.string_value, path)
    if kind == "number_value":
        return int(value.number_value) if value.number_value.is_integer() else value.number_value
    return value.bool_value if kind == "bool_value" else None


def _filter(ctx: Context, config: Any, path: str) -> AccessLogFilter | None:
    kind = config.WhichOneof("filter_specifier")
    where = f"{path}.{kind}"
    if kind == "status_code_filter":
        return _comparison(ctx, config.status_code_filter.comparison, "status")
    if kind == "duration_filter":
        return _comparison(ctx, config.duration_filter.comparison, "duration")
    if kind == "not_health_check_filter":
        return {"kind": "not_health_check"}
    if kind == "header_filter":
        return {"kind": "header", "header": lower_header(ctx, config.header_filter.header, f"{where}.header")}
    if kind == "response_flag_filter":
        return {"kind": "flags", "flags": list(config.response_flag_filter.flags)}
    if kind == "runtime_filter":
        return _runtime_filter(ctx, config.runtime_filter)
    if kind == "and_filter":
        return {"kind": "and", "children": _filters(ctx, config.and_filter.filters, f"{where}.filters")}
    if kind == "or_filter":
        return {"kind": "or", "children": _filters(ctx, config.or_filter.filters, f"{where}.filters")}
    return None


def _filters(ctx: Context, configs: Any, path: str) -> list[AccessLogFilter]:
    made = (_filter(ctx, config, f"{path}[{index}]") for index, config in enumerate(configs))
    return [child for child in made if child]


def _comparison(ctx: Context, comparison: Any, kind: Literal["status", "duration"]) -> AccessLogFilter:
    value = comparison.value
    number = runtime_integer(ctx.runtime, value.runtime_key, value.default_value)
    return {"kind": kind, "op": _OPS[comparison.op] if 0 <= comparison.op < len(_OPS) else "eq", "value": number}


def _runtime_filter(ctx: Context, config: Any) -> AccessLogFilter:
    override = runtime_percent(ctx.runtime.get(config.runtime_key))
    return {"kind": "fraction", "fraction": override or fraction_of(config.percent_sampled)}
