"""MOSN's %variable% formats as Envoy's command operators."""

from __future__ import annotations

import re

from mosn.config.mosn_json.build import const, extension, mapping, typed
from mosn.config.mosn_json.reader import Reader
from mosn.config.nodes import Mapping, Node, Scalar

_FILE = "envoy.extensions.access_loggers.file.v3.FileAccessLog"
_STREAMS = {
    "stdout": "envoy.extensions.access_loggers.stream.v3.StdoutAccessLog",
    "stderr": "envoy.extensions.access_loggers.stream.v3.StderrAccessLog",
}
_STREAM_PATHS = {"stdout": "stdout", "/dev/stdout": "stdout", "stderr": "stderr", "/dev/stderr": "stderr"}
DEFAULT_FORMAT = (
    "%start_time% %request_received_duration% %response_received_duration% %bytes_sent% %bytes_received% %protocol% "
    "%response_code% %duration% %response_flag% %response_code% %upstream_local_address% %downstream_local_address% "
    "%downstream_remote_address% %upstream_host%"
)
"""MOSN's default without its trace and connection numbers."""
VARIABLES = {
    "start_time": "%START_TIME(%Y/%m/%d %H:%M:%S.%3f)%",
    "request_received_duration": "%REQUEST_DURATION%",
    "response_received_duration": "%RESPONSE_DURATION%",
    "request_finished_duration": "%DURATION%",
    "duration": "%DURATION%",
    "bytes_sent": "%BYTES_SENT%",
    "bytes_received": "%BYTES_RECEIVED%",
    "protocol": "%PROTOCOL%",
    "response_code": "%RESPONSE_CODE%",
    "response_flag": "%RESPONSE_FLAGS%",
    "response_flags": "%RESPONSE_FLAGS%",
    "upstream_local_address": "%UPSTREAM_LOCAL_ADDRESS%",
    "downstream_local_address": "%DOWNSTREAM_LOCAL_ADDRESS%",
    "downstream_remote_address": "%DOWNSTREAM_REMOTE_ADDRESS%",
    "upstream_host": "%UPSTREAM_HOST%",
    "upstream_cluster": "%UPSTREAM_CLUSTER%",
    "upstream_transport_failure_reason": "%UPSTREAM_TRANSPORT_FAILURE_REASON%",
    "requested_server_name": "%REQUESTED_SERVER_NAME%",
    "route_name": "%ROUTE_NAME%",
    "connection_id": "%CONNECTION_ID%",
}
_VARIABLE = re.compile(r"%([A-Za-z0-9_\-]+)%|%")
_HEADERS = (("request_header_", "REQ"), ("response_header_", "RESP"))


def format_text(reader: Reader, text: Scalar, key: str) -> str:
    """A MOSN format as Envoy's; a variable that has no operator is reported and becomes "-"."""

    def operator(match: re.Match[str]) -> str:
        name = match[1]
        if name is None:
            return "%%"  # a percent sign that stands for itself
        for prefix, letters in _HEADERS:
            if name.startswith(prefix) and len(name) > len(prefix):
                return f"%{letters}({name.removeprefix(prefix).upper()})%"
        if name not in VARIABLES:
            reader.report("MC0403", f'the variable %{name}% has no counterpart; "-" is written', text, key)
            return "-"
        return VARIABLES[name]

    return _VARIABLE.sub(operator, str(text.value))


def access_logs(listener: Reader) -> list[Node]:
    """`access_logs` of a listener."""
    return [log for reader in listener.children("access_logs") if (log := _access_log(reader))]


def _access_log(reader: Reader) -> Mapping | None:
    path = reader.text("log_path")
    text = reader.text("log_format")
    reader.finish()
    if path is None or not path.value:
        reader.report("MC0403", "without log_path MOSN logs to a file in its own log directory; name one")
        return None
    line = format_text(reader, text if text is not None and text.value else const(path, DEFAULT_FORMAT), "log_format")
    at = text if text is not None else path
    source = mapping(at, {"inline_string": const(at, line + "\n")})
    formatted = mapping(at, {"text_format_source": source})
    stream = _STREAM_PATHS.get(str(path.value))
    if stream:
        config = typed(path, _STREAMS[stream], {"log_format": formatted})
    else:
        config = typed(path, _FILE, {"path": path, "log_format": formatted})
    return extension(path, f"envoy.access_loggers.{stream or 'file'}", config)
