"""What is implemented of access logs: the part of supported.py that is about them."""

from __future__ import annotations

_LOG = "envoy.config.accesslog.v3."

TABLE: dict[str, str] = {
    f"{_LOG}AccessLog": "name filter typed_config",
    f"{_LOG}AccessLogFilter":
        "status_code_filter duration_filter not_health_check_filter runtime_filter and_filter or_filter "
        "header_filter response_flag_filter",
    f"{_LOG}StatusCodeFilter": "comparison",
    f"{_LOG}DurationFilter": "comparison",
    f"{_LOG}ComparisonFilter": "op value",
    f"{_LOG}NotHealthCheckFilter": "",
    f"{_LOG}RuntimeFilter": "runtime_key percent_sampled",
    f"{_LOG}AndFilter": "filters",
    f"{_LOG}OrFilter": "filters",
    f"{_LOG}HeaderFilter": "header",
    f"{_LOG}ResponseFlagFilter": "flags",
    "envoy.extensions.access_loggers.file.v3.FileAccessLog": "path format json_format typed_json_format log_format",
    "envoy.extensions.access_loggers.stream.v3.StdoutAccessLog": "log_format",
    "envoy.extensions.access_loggers.stream.v3.StderrAccessLog": "log_format",
}  # fmt: skip
