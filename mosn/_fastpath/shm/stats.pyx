from mosn._fastpath.shm.segment cimport MAX_COUNTERS, MAX_GAUGES, MAX_HISTOGRAMS, MAX_LIMIT_ROWS

# -- names, in the order of the enums in stats.pxd

SERVER_COUNTERS = (
    "loop_wakeups", "loop_events", "accept_failed", "access_log_dropped", "out_of_memory", "snapshots_installed",
)
SERVER_GAUGES = ("total_connections", "memory_allocated", "live", "total_upstream_connections")

LISTENER_COUNTERS = (
    "downstream_cx_total", "downstream_cx_destroy", "downstream_cx_overflow", "downstream_cx_overload_reject",
    "no_filter_chain_match", "downstream_pre_cx_timeout", "downstream_listener_filter_error",
    "downstream_listener_filter_remote_close",
)
LISTENER_GAUGES = ("downstream_cx_active", "downstream_pre_cx_active")
LISTENER_HISTOGRAMS = ("downstream_cx_length_ms",)

HTTP_INSPECTOR_COUNTERS = ("http10_found", "http11_found", "http2_found", "http_not_found", "read_error")
TLS_INSPECTOR_COUNTERS = (
    "tls_found", "tls_not_found", "sni_found", "sni_not_found", "alpn_found", "alpn_not_found",
    "client_hello_too_large",
)
PROTOCOL_INSPECTOR_COUNTERS = ("found", "not_found")

HTTP_COUNTERS = (
    "downstream_cx_total", "downstream_cx_destroy", "downstream_cx_destroy_local", "downstream_cx_destroy_remote",
    "downstream_cx_destroy_active_rq", "downstream_cx_destroy_local_active_rq",
    "downstream_cx_destroy_remote_active_rq", "downstream_cx_http1_total", "downstream_cx_upgrades_total",
    "downstream_cx_protocol_error", "downstream_cx_length_total_ms", "downstream_cx_rx_bytes_total",
    "downstream_cx_tx_bytes_total", "downstream_cx_drain_close", "downstream_cx_idle_timeout",
    "downstream_cx_max_duration_reached", "downstream_cx_max_requests_reached",
    "downstream_cx_overload_disable_keepalive", "downstream_cx_delayed_close_timeout",
    "downstream_flow_control_paused_reading_total", "downstream_flow_control_resumed_reading_total",
    "downstream_rq_total", "downstream_rq_http1_total", "downstream_rq_rx_reset", "downstream_rq_tx_reset",
    "downstream_rq_non_relative_path", "downstream_rq_too_large", "downstream_rq_failed_path_normalization",
    "downstream_rq_completed", "downstream_rq_1xx", "downstream_rq_2xx", "downstream_rq_3xx", "downstream_rq_4xx",
    "downstream_rq_5xx", "downstream_rq_ws_on_non_ws_route", "downstream_rq_timeout",
    "downstream_rq_header_timeout", "downstream_rq_idle_timeout", "downstream_rq_max_duration_reached",
    "downstream_rq_overload_close", "downstream_rq_redirected_with_normalized_path",
    "rq_direct_response", "rq_redirect", "no_route", "no_cluster", "rq_total",
    "requests_rejected_with_underscores_in_headers", "dropped_headers_with_underscores",
    "downstream_rq_oneway", "downstream_heartbeat", "fault.aborts_injected", "fault.delays_injected",
    "downstream_cx_http2_total", "downstream_rq_http2_total", "downstream_rq_too_many_premature_resets",
)
HTTP_GAUGES = (
    "downstream_cx_active", "downstream_cx_http1_active", "downstream_cx_upgrades_active", "downstream_rq_active",
    "fault.active_faults", "downstream_cx_http2_active",
)
HTTP_HISTOGRAMS = ("downstream_rq_time", "downstream_cx_length_ms")

HTTP2_COUNTERS = (
    "header_overflow", "inbound_empty_frames_flood", "inbound_priority_frames_flood",
    "inbound_window_update_frames_flood", "outbound_control_flood", "rx_messaging_error", "rx_reset", "tx_reset",
    "trailers", "goaway_sent", "stream_refused_errors", "inbound_continuation_flood", "too_many_premature_resets",
)
HTTP2_GAUGES = ("streams_active",)

TCP_COUNTERS = (
    "downstream_cx_total", "downstream_cx_no_route", "downstream_cx_rx_bytes_total", "downstream_cx_tx_bytes_total",
    "downstream_flow_control_paused_reading_total", "downstream_flow_control_resumed_reading_total",
    "idle_timeout", "max_downstream_connection_duration",
)
TCP_GAUGES = ("downstream_cx_rx_bytes_buffered", "downstream_cx_tx_bytes_buffered", "downstream_cx_active")

CLUSTER_COUNTERS = (
    "upstream_cx_total", "upstream_cx_http1_total", "upstream_cx_connect_fail", "upstream_cx_connect_timeout",
    "upstream_cx_idle_timeout", "upstream_cx_max_duration_reached", "upstream_cx_connect_attempts_exceeded",
    "upstream_cx_overflow", "upstream_cx_destroy", "upstream_cx_destroy_local", "upstream_cx_destroy_remote",
    "upstream_cx_destroy_with_active_rq", "upstream_cx_destroy_local_with_active_rq",
    "upstream_cx_destroy_remote_with_active_rq", "upstream_cx_close_notify", "upstream_cx_rx_bytes_total",
    "upstream_cx_tx_bytes_total", "upstream_cx_pool_overflow", "upstream_cx_protocol_error",
    "upstream_cx_max_requests", "upstream_cx_none_healthy",
    "upstream_rq_total", "upstream_rq_completed", "upstream_rq_pending_total", "upstream_rq_pending_overflow",
    "upstream_rq_pending_failure_eject", "upstream_rq_cancelled", "upstream_rq_maintenance_mode",
    "upstream_rq_timeout", "upstream_rq_max_duration_reached", "upstream_rq_per_try_timeout",
    "upstream_rq_per_try_idle_timeout", "upstream_rq_rx_reset", "upstream_rq_tx_reset", "upstream_rq_retry",
    "upstream_rq_retry_backoff_exponential", "upstream_rq_retry_limit_exceeded", "upstream_rq_retry_success",
    "upstream_rq_retry_overflow",
    "upstream_rq_1xx", "upstream_rq_2xx", "upstream_rq_3xx", "upstream_rq_4xx", "upstream_rq_5xx",
    "upstream_flow_control_paused_reading_total", "upstream_flow_control_resumed_reading_total",
    "upstream_flow_control_drained_total", "upstream_flow_control_backed_up_total",
    "lb_healthy_panic", "lb_recalculate_zone_structures", "original_dst_host_invalid",
    "bind_errors", "update_success", "update_failure", "update_attempt",
    "upstream_response_unknown", "upstream_heartbeat", "upstream_heartbeat_timeout", "upstream_cx_goaway",
    "upstream_callback", "upstream_callback_refused", "upstream_callback_timeout",
    "upstream_cx_http2_total",
)
CLUSTER_GAUGES = (
    "upstream_cx_active", "upstream_cx_http1_active", "upstream_rq_active", "upstream_rq_pending_active",
    "upstream_cx_http2_active",
)
CLUSTER_HISTOGRAMS = ("upstream_rq_time", "upstream_cx_connect_ms", "upstream_cx_length_ms")

HOST_COUNTERS = ("cx_total", "cx_connect_fail", "rq_total", "rq_success", "rq_error", "rq_timeout")
HOST_GAUGES = ("cx_active", "rq_active")

# kind -> names of its counters, gauges and histograms
NAMES = {
    "server": (SERVER_COUNTERS, SERVER_GAUGES, ()),
    "listener": (LISTENER_COUNTERS, LISTENER_GAUGES, LISTENER_HISTOGRAMS),
    "http_inspector": (HTTP_INSPECTOR_COUNTERS, (), ()),
    "tls_inspector": (TLS_INSPECTOR_COUNTERS, (), ()),
    "protocol_inspector": (PROTOCOL_INSPECTOR_COUNTERS, (), ()),
    "http": (HTTP_COUNTERS, HTTP_GAUGES, HTTP_HISTOGRAMS),
    "rpc": (HTTP_COUNTERS, HTTP_GAUGES, HTTP_HISTOGRAMS),
    "http2": (HTTP2_COUNTERS, HTTP2_GAUGES, ()),
    "tcp": (TCP_COUNTERS, TCP_GAUGES, ()),
    "cluster": (CLUSTER_COUNTERS, CLUSTER_GAUGES, CLUSTER_HISTOGRAMS),
    "host": (HOST_COUNTERS, HOST_GAUGES, ()),
}

# The same as the enums count them.
ENUM_SIZES = {
    "server": (SV_COUNTERS, SV_GAUGES, 0),
    "listener": (LS_COUNTERS, LS_GAUGES, LS_HISTOGRAMS),
    "http_inspector": (HI_COUNTERS, 0, 0),
    "tls_inspector": (TI_COUNTERS, 0, 0),
    "protocol_inspector": (PI_COUNTERS, 0, 0),
    "http": (HT_COUNTERS, HT_GAUGES, HT_HISTOGRAMS),
    "rpc": (HT_COUNTERS, HT_GAUGES, HT_HISTOGRAMS),
    "http2": (H2_COUNTERS, H2_GAUGES, 0),
    "tcp": (TC_COUNTERS, TC_GAUGES, 0),
    "cluster": (CL_COUNTERS, CL_GAUGES, CL_HISTOGRAMS),
    "host": (HS_COUNTERS, HS_GAUGES, 0),
}

CAPACITY = {
    "counters": MAX_COUNTERS, "gauges": MAX_GAUGES, "histograms": MAX_HISTOGRAMS, "limit rows": MAX_LIMIT_ROWS,
}


class StatsFull(ValueError):
    """No room is left in shared memory for another block of statistics."""


class StatRegistry:
    """Gives every scope its blocks in shared memory."""

    def __init__(self, previous=None, capacity=None):
        self._scopes = dict(previous or {})
        self._capacity = {**CAPACITY, **(capacity or {})}
        self._next = dict.fromkeys(CAPACITY, 1)
        for scope in self._scopes.values():
            self._step_over(scope)

    def scope(self, kind, name=""):
        if kind not in NAMES:
            raise ValueError(f"unknown kind of statistics {kind!r}: one of {', '.join(NAMES)}")
        key = f"{kind}.{name}" if name else kind
        found = self._scopes.get(key)
        if found is None:
            found = self._scopes[key] = self._allocate(kind, key)
        return found

    def limit_row(self, name):
        key = f"limit.{name}"
        found = self._scopes.get(key)
        if found is None:
            row = self._take("limit rows", 1, key)
            found = self._scopes[key] = {"kind": "limit", "counters": row, "gauges": 0, "histograms": 0}
        return found["counters"]

    def as_dict(self):
        return dict(self._scopes)

    def _allocate(self, kind, key):
        sizes = dict(zip(("counters", "gauges", "histograms"), map(len, NAMES[kind]), strict=True))
        for what, n in sizes.items():
            self._check(what, n, key)
        return {"kind": kind, **{what: self._take(what, n, key) for what, n in sizes.items()}}

    def _check(self, what, n, key):
        if self._next[what] + n > self._capacity[what]:
            raise StatsFull(
                f"no room for the {what} of {key}: shared memory holds {self._capacity[what]} and "
                f"{self._next[what]} are given out (blocks of removed resources are only reused after a restart)"
            )

    def _take(self, what, n, key):
        if n == 0:
            return 0
        self._check(what, n, key)
        base = self._next[what]
        self._next[what] = base + n
        return base

    def _step_over(self, scope):
        # Blocks that an earlier registry of this run gave out stay where they are.
        if scope["kind"] == "limit":
            self._next["limit rows"] = max(self._next["limit rows"], scope["counters"] + 1)
            return
        for what, names in zip(("counters", "gauges", "histograms"), NAMES[scope["kind"]], strict=True):
            self._next[what] = max(self._next[what], scope[what] + len(names))
