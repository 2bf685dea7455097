"""What is implemented: fields by message, extensions by the field that holds them.

A field that stands in neither FIELDS nor NO_EFFECT is reported when a configuration sets it, and nothing below it is
looked at.  To implement a field: lower it, then move its name here.  A test walks the API from Bootstrap through the
implemented fields and fails when a message has no row.
"""

from __future__ import annotations

_CORE = "envoy.config.core.v3."
_ROUTE = "envoy.config.route.v3."
_LISTENER = "envoy.config.listener.v3."
_CLUSTER = "envoy.config.cluster.v3."
_ENDPOINT = "envoy.config.endpoint.v3."
_BOOTSTRAP = "envoy.config.bootstrap.v3."
_LOG = "envoy.config.accesslog.v3."
_HCM = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
HTTP_FILTER = "envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter"
_TCP = "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"
_RPC = "mosn.protocol.v1.RpcProxy"
_DUBBO = "envoy.extensions.filters.network.dubbo_proxy.v3."
_INSPECTOR = "mosn.protocol.v1.ProtocolInspector"
_BRIDGE = "mosn.protocol.v1.RpcBridge"
_FAULT = "envoy.extensions.filters.http.fault.v3."
_DELAY = "envoy.extensions.filters.common.fault.v3.FaultDelay"
_LB = "envoy.extensions.load_balancing_policies."

_HEADER_OPS = "request_headers_to_add request_headers_to_remove response_headers_to_add response_headers_to_remove"

_TABLE: dict[str, str] = {
    # -- bootstrap
    f"{_BOOTSTRAP}Bootstrap": "node static_resources layered_runtime admin overload_manager",
    f"{_BOOTSTRAP}Bootstrap.StaticResources": "listeners clusters",
    f"{_BOOTSTRAP}Admin": "address",
    f"{_BOOTSTRAP}LayeredRuntime": "layers",
    f"{_BOOTSTRAP}RuntimeLayer": "name static_layer",
    f"{_CORE}Node": "id cluster",
    "envoy.config.overload.v3.OverloadManager": "resource_monitors",
    "envoy.config.overload.v3.ResourceMonitor": "name typed_config",
    "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig":
        "max_active_downstream_connections",
    "envoy.extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig": "max_heap_size_bytes",
    # -- addresses and other basics
    f"{_CORE}Address": "socket_address pipe",
    f"{_CORE}SocketAddress": "protocol address port_value ipv4_compat",
    f"{_CORE}Pipe": "path mode",
    f"{_CORE}CidrRange": "address_prefix prefix_len",
    f"{_CORE}Locality": "region zone sub_zone",
    f"{_CORE}Metadata": "filter_metadata",
    f"{_CORE}DataSource": "filename inline_bytes inline_string environment_variable",
    f"{_CORE}BindConfig": "source_address",
    f"{_CORE}TypedExtensionConfig": "name typed_config",
    f"{_CORE}TransportSocket": "name typed_config",
    f"{_CORE}RuntimeUInt32": "default_value runtime_key",
    f"{_CORE}RuntimeFractionalPercent": "default_value runtime_key",
    f"{_CORE}HeaderValue": "key value raw_value",
    f"{_CORE}HeaderValueOption": "header append append_action keep_empty_value",
    f"{_CORE}SubstitutionFormatString": "text_format json_format text_format_source omit_empty_values",
    f"{_CORE}ProxyProtocolConfig": "version",
    "envoy.type.v3.FractionalPercent": "numerator denominator",
    "envoy.type.v3.Percent": "value",
    "envoy.type.v3.Int64Range": "start end",
    "envoy.type.matcher.v3.StringMatcher": "exact prefix suffix safe_regex contains ignore_case",
    "envoy.type.matcher.v3.RegexMatcher": "regex google_re2",
    "envoy.type.matcher.v3.RegexMatcher.GoogleRE2": "",
    "envoy.type.matcher.v3.RegexMatchAndSubstitute": "pattern substitution",
    # -- listeners
    f"{_LISTENER}Listener":
        "name address additional_addresses stat_prefix filter_chains use_original_dst default_filter_chain "
        "per_connection_buffer_limit_bytes listener_filters listener_filters_timeout "
        "continue_on_listener_filters_timeout transparent freebind access_log tcp_backlog_size bind_to_port "
        "deprecated_v1 ignore_global_conn_limit",
    f"{_LISTENER}Listener.DeprecatedV1": "bind_to_port",
    f"{_LISTENER}AdditionalAddress": "address",
    f"{_LISTENER}FilterChain": "filter_chain_match filters transport_socket name",
    f"{_LISTENER}FilterChainMatch":
        "destination_port prefix_ranges direct_source_prefix_ranges source_type source_prefix_ranges source_ports "
        "server_names transport_protocol application_protocols",
    f"{_LISTENER}Filter": "name typed_config",
    f"{_LISTENER}ListenerFilter": "name typed_config",
    "envoy.extensions.filters.listener.original_dst.v3.OriginalDst": "",
    "envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol": "allow_requests_without_proxy_protocol",
    "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector": "",
    "envoy.extensions.filters.listener.http_inspector.v3.HttpInspector": "",
    # -- RPC
    _INSPECTOR: "protocols",
    _RPC:
        "protocol stat_prefix route_config max_frame_bytes max_headers_count max_concurrent_requests "
        "upstream_connections idle_timeout max_stream_duration upstream_heartbeat access_log upstream_connection_mode "
        "declaration default_service",
    f"{_RPC}.Heartbeat": "interval timeout failures",
    f"{_DUBBO}DubboProxy":
        "stat_prefix protocol_type serialization_type route_config multiple_route_config dubbo_filters",
    f"{_DUBBO}MultipleRouteConfiguration": "name route_config",
    f"{_DUBBO}RouteConfiguration": "name interface group version routes",
    f"{_DUBBO}Route": "match route",
    f"{_DUBBO}RouteMatch": "method headers",
    f"{_DUBBO}MethodMatch": "name",
    f"{_DUBBO}RouteAction": "cluster weighted_clusters",
    f"{_DUBBO}DubboFilter": "name config",
    "envoy.extensions.filters.network.dubbo_proxy.router.v3.Router": "",
    _BRIDGE:
        "protocol service method version group parameters generic class_names forward_headers max_request_bytes "
        "max_response_bytes upstream_connections",
    f"{_BRIDGE}.Parameter": "name type",
    # -- HTTP
    _HCM:
        "codec_type stat_prefix route_config http_filters add_user_agent common_http_protocol_options "
        "http_protocol_options http2_protocol_options server_name server_header_transformation "
        "max_request_headers_kb stream_idle_timeout "
        "request_timeout request_headers_timeout drain_timeout delayed_close_timeout access_log use_remote_address "
        "xff_num_trusted_hops skip_xff_append via generate_request_id preserve_external_request_id "
        "always_set_request_id_in_response proxy_100_continue upgrade_configs normalize_path merge_slashes "
        "path_with_escaped_slashes_action strip_matching_host_port strip_any_host_port strip_trailing_host_dot "
        "append_x_forwarded_port request_id_extension",
    f"{_HCM}.UpgradeConfig": "upgrade_type enabled",
    HTTP_FILTER: "name typed_config is_optional disabled",
    "envoy.extensions.filters.network.http_connection_manager.v3.RequestIDExtension": "typed_config",
    "envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig": "",
    f"{_FAULT}HTTPFault": "delay abort upstream_cluster headers",
    f"{_FAULT}FaultAbort": "http_status header_abort percentage",
    f"{_FAULT}FaultAbort.HeaderAbort": "",
    _DELAY: "fixed_delay header_delay percentage",
    f"{_DELAY}.HeaderDelay": "",
    "envoy.extensions.filters.http.router.v3.Router":
        "suppress_envoy_headers respect_expected_rq_timeout start_child_span",
    f"{_CORE}HttpProtocolOptions":
        "idle_timeout max_connection_duration max_headers_count max_stream_duration headers_with_underscores_action "
        "max_requests_per_connection",
    f"{_CORE}Http2ProtocolOptions":
        "max_concurrent_streams initial_stream_window_size initial_connection_window_size hpack_table_size",
    f"{_CORE}Http1ProtocolOptions": "accept_http_10 default_host_for_http_10 header_key_format",
    f"{_CORE}Http1ProtocolOptions.HeaderKeyFormat": "proper_case_words",
    f"{_CORE}Http1ProtocolOptions.HeaderKeyFormat.ProperCaseWords": "",
    # -- TCP
    _TCP:
        "stat_prefix cluster weighted_clusters idle_timeout access_log max_connect_attempts hash_policy "
        "max_downstream_connection_duration",
    f"{_TCP}.WeightedCluster": "clusters",
    f"{_TCP}.WeightedCluster.ClusterWeight": "name weight",
    "envoy.type.v3.HashPolicy": "source_ip",
    "envoy.type.v3.HashPolicy.SourceIp": "",
    # -- routes
    f"{_ROUTE}RouteConfiguration":
        f"name virtual_hosts {_HEADER_OPS} most_specific_header_mutations_wins validate_clusters "
        "max_direct_response_body_size_bytes request_mirror_policies ignore_port_in_host_matching "
        "typed_per_filter_config",
    f"{_ROUTE}VirtualHost":
        f"name domains routes require_tls {_HEADER_OPS} include_request_attempt_count "
        "include_attempt_count_in_response retry_policy request_mirror_policies typed_per_filter_config",
    f"{_ROUTE}Route": "name match route redirect direct_response non_forwarding_action "
        f"typed_per_filter_config {_HEADER_OPS}",
    f"{_ROUTE}NonForwardingAction": "",
    f"{_ROUTE}RouteMatch":
        "prefix path safe_regex connect_matcher path_separated_prefix case_sensitive runtime_fraction headers "
        "query_parameters grpc",
    f"{_ROUTE}RouteMatch.GrpcRouteMatchOptions": "",
    f"{_ROUTE}RouteMatch.ConnectMatcher": "",
    f"{_ROUTE}HeaderMatcher":
        "name exact_match safe_regex_match range_match present_match prefix_match suffix_match contains_match "
        "string_match invert_match treat_missing_header_as_empty",
    f"{_ROUTE}QueryParameterMatcher": "name string_match present_match",
    f"{_ROUTE}RouteAction":
        "cluster cluster_header weighted_clusters cluster_not_found_response_code prefix_rewrite regex_rewrite "
        "host_rewrite_literal auto_host_rewrite host_rewrite_header host_rewrite_path_regex append_x_forwarded_host "
        "timeout idle_timeout retry_policy request_mirror_policies priority hash_policy upgrade_configs "
        "max_stream_duration",
    f"{_ROUTE}RouteAction.MaxStreamDuration": "max_stream_duration",
    f"{_ROUTE}RouteAction.RequestMirrorPolicy": "cluster runtime_fraction",
    f"{_ROUTE}RouteAction.UpgradeConfig": "upgrade_type enabled connect_config",
    f"{_ROUTE}RouteAction.UpgradeConfig.ConnectConfig": "",
    f"{_ROUTE}RouteAction.HashPolicy": "header cookie connection_properties query_parameter terminal",
    f"{_ROUTE}RouteAction.HashPolicy.Header": "header_name regex_rewrite",
    f"{_ROUTE}RouteAction.HashPolicy.Cookie": "name ttl path",
    f"{_ROUTE}RouteAction.HashPolicy.ConnectionProperties": "source_ip",
    f"{_ROUTE}RouteAction.HashPolicy.QueryParameter": "name",
    f"{_ROUTE}WeightedCluster": "clusters total_weight",
    f"{_ROUTE}WeightedCluster.ClusterWeight": f"name weight {_HEADER_OPS} host_rewrite_literal",
    f"{_ROUTE}RetryPolicy":
        "retry_on num_retries per_try_timeout per_try_idle_timeout retry_host_predicate "
        "host_selection_retry_max_attempts retriable_status_codes retry_back_off retriable_headers "
        "retriable_request_headers",
    f"{_ROUTE}RetryPolicy.RetryHostPredicate": "name typed_config",
    f"{_ROUTE}RetryPolicy.RetryBackOff": "base_interval max_interval",
    "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate": "",
    f"{_ROUTE}RedirectAction":
        "https_redirect scheme_redirect host_redirect port_redirect path_redirect prefix_rewrite regex_rewrite "
        "response_code strip_query",
    f"{_ROUTE}DirectResponseAction": "status body",
    # -- access logs
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
    # -- clusters
    f"{_CLUSTER}Cluster":
        "name alt_stat_name type connect_timeout per_connection_buffer_limit_bytes lb_policy load_assignment "
        "max_requests_per_connection circuit_breakers common_http_protocol_options http_protocol_options "
        "http2_protocol_options typed_extension_protocol_options dns_refresh_rate dns_lookup_family "
        "upstream_bind_config ring_hash_lb_config "
        "maglev_lb_config original_dst_lb_config least_request_lb_config round_robin_lb_config common_lb_config "
        "transport_socket upstream_connection_options load_balancing_policy",
    f"{_CLUSTER}CircuitBreakers": "thresholds",
    f"{_CLUSTER}CircuitBreakers.Thresholds":
        "priority max_connections max_pending_requests max_requests max_retries retry_budget",
    f"{_CLUSTER}CircuitBreakers.Thresholds.RetryBudget": "budget_percent min_retry_concurrency",
    f"{_CLUSTER}Cluster.CommonLbConfig": "healthy_panic_threshold consistent_hashing_lb_config",
    f"{_CLUSTER}Cluster.CommonLbConfig.ConsistentHashingLbConfig": "use_hostname_for_hashing hash_balance_factor",
    f"{_CLUSTER}Cluster.RingHashLbConfig": "minimum_ring_size hash_function maximum_ring_size",
    f"{_CLUSTER}Cluster.MaglevLbConfig": "table_size",
    f"{_CLUSTER}Cluster.LeastRequestLbConfig": "choice_count active_request_bias",
    f"{_CLUSTER}Cluster.RoundRobinLbConfig": "",
    f"{_CLUSTER}Cluster.OriginalDstLbConfig": "use_http_header http_header_name",
    f"{_CLUSTER}UpstreamConnectionOptions": "tcp_keepalive",
    f"{_CORE}TcpKeepalive": "",
    f"{_CLUSTER}LoadBalancingPolicy": "policies",
    f"{_CLUSTER}LoadBalancingPolicy.Policy": "typed_extension_config",
    f"{_CORE}RuntimeDouble": "default_value runtime_key",
    f"{_LB}round_robin.v3.RoundRobin": "",
    f"{_LB}random.v3.Random": "",
    f"{_LB}cluster_provided.v3.ClusterProvided": "",
    f"{_LB}least_request.v3.LeastRequest": "choice_count active_request_bias",
    f"{_LB}ring_hash.v3.RingHash":
        "hash_function minimum_ring_size maximum_ring_size use_hostname_for_hashing hash_balance_factor "
        "consistent_hashing_lb_config",
    f"{_LB}maglev.v3.Maglev": "table_size consistent_hashing_lb_config",
    f"{_LB}common.v3.ConsistentHashingLbConfig": "use_hostname_for_hashing hash_balance_factor",
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": "common_http_protocol_options explicit_http_config",
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions.ExplicitHttpConfig":
        "http_protocol_options http2_protocol_options",
    "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer": "",
    "envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport": "config transport_socket",
    # -- endpoints
    f"{_ENDPOINT}ClusterLoadAssignment": "cluster_name endpoints",
    f"{_ENDPOINT}LocalityLbEndpoints": "locality lb_endpoints priority",
    f"{_ENDPOINT}LbEndpoint": "endpoint health_status metadata load_balancing_weight",
    f"{_ENDPOINT}Endpoint": "address hostname",
}  # fmt: skip

FIELDS: dict[str, frozenset[str]] = {message: frozenset(names.split()) for message, names in _TABLE.items()}

_INFORMATION = "it is information for people and control planes"
_DNS = "names are resolved by the system's resolver"
_REUSEPORT = "every worker has a socket of its own on each address"

NO_EFFECT: dict[str, str] = {
    f"{_BOOTSTRAP}Admin.profile_path": "there is no CPU profiler",
    f"{_BOOTSTRAP}Admin.access_log": "requests to the admin server are not logged",
    f"{_BOOTSTRAP}Admin.access_log_path": "requests to the admin server are not logged",
    f"{_BOOTSTRAP}Admin.ignore_global_conn_limit": "the admin server does not count as a downstream connection",
    f"{_BOOTSTRAP}Bootstrap.typed_dns_resolver_config": _DNS,
    f"{_BOOTSTRAP}Bootstrap.dns_resolution_config": _DNS,
    f"{_BOOTSTRAP}Bootstrap.use_tcp_for_dns_lookups": _DNS,
    f"{_BOOTSTRAP}Bootstrap.enable_dispatcher_stats": "event loops are counted in server.* statistics",
    f"{_BOOTSTRAP}Bootstrap.stats_flush_interval": "there are no sinks to flush to",
    f"{_BOOTSTRAP}Bootstrap.memory_allocator_manager": "it tunes tcmalloc, which is not used",
    f"{_BOOTSTRAP}Bootstrap.default_regex_engine": "RE2 is the only engine",
    f"{_BOOTSTRAP}Bootstrap.deferred_stat_options": "statistics are slots in shared memory and cost nothing unused",
    f"{_BOOTSTRAP}Bootstrap.watchdog": "the master watches the workers",
    f"{_BOOTSTRAP}Bootstrap.watchdogs": "the master watches the workers",
    f"{_BOOTSTRAP}RuntimeLayer.admin_layer": "there is no admin endpoint that changes runtime values",
    f"{_CORE}Node.metadata": _INFORMATION,
    f"{_CORE}Node.dynamic_parameters": _INFORMATION,
    f"{_CORE}Node.locality": _INFORMATION,
    f"{_CORE}Node.user_agent_name": _INFORMATION,
    f"{_CORE}Node.user_agent_version": _INFORMATION,
    f"{_CORE}Node.user_agent_build_version": _INFORMATION,
    f"{_CORE}Node.extensions": _INFORMATION,
    f"{_CORE}Node.client_features": _INFORMATION,
    f"{_CORE}Metadata.typed_filter_metadata": _INFORMATION,
    f"{_CORE}JsonFormatOptions.sort_properties": "keys are always sorted",
    f"{_CORE}SubstitutionFormatString.json_format_options": "keys are always sorted",
    f"{_CORE}SubstitutionFormatString.content_type": "an access log has no content type",
    f"{_LISTENER}Listener.metadata": _INFORMATION,
    f"{_LISTENER}Listener.traffic_direction": _INFORMATION,
    f"{_LISTENER}Listener.enable_reuse_port": _REUSEPORT,
    f"{_LISTENER}Listener.reuse_port": _REUSEPORT,
    f"{_LISTENER}Listener.max_connections_to_accept_per_socket_event": "the engine accepts in batches of its own",
    f"{_LISTENER}Listener.bypass_overload_manager": "the overload manager has no listener actions",
    f"{_LISTENER}Listener.drain_type": "a changed listener keeps its connections; nothing is drained",
    f"{_LISTENER}FilterChain.metadata": _INFORMATION,
    f"{_HCM}.stream_error_on_invalid_http_message": "it is about HTTP/2 and HTTP/3",
    f"{_HCM}.http1_safe_max_connection_duration": "HTTP/1 connections always finish the request in progress",
    f"{_CORE}Http1ProtocolOptions.use_balsa_parser": "there is one HTTP/1 parser",
    f"{_CORE}Http1ProtocolOptions.override_stream_error_on_invalid_http_message": "malformed HTTP/1 closes it",
    f"{_ROUTE}RouteConfiguration.metadata": _INFORMATION,
    f"{_ROUTE}VirtualHost.metadata": _INFORMATION,
    f"{_ROUTE}Route.metadata": _INFORMATION,
    f"{_ROUTE}Route.decorator": "there is no tracing",
    f"{_ROUTE}Route.tracing": "there is no tracing",
    f"{_CLUSTER}Cluster.metadata": _INFORMATION,
    f"{_CLUSTER}Cluster.wait_for_warm_on_init": "the first snapshot waits for every cluster",
    f"{_CLUSTER}Cluster.cleanup_interval": "hosts of ORIGINAL_DST go when their last connection has closed",
    f"{_CLUSTER}Cluster.typed_dns_resolver_config": _DNS,
    f"{_CLUSTER}Cluster.dns_resolution_config": _DNS,
    f"{_CLUSTER}Cluster.dns_resolvers": _DNS,
    f"{_CLUSTER}Cluster.use_tcp_for_dns_lookups": _DNS,
    f"{_CLUSTER}Cluster.dns_jitter": _DNS,
    f"{_CLUSTER}Cluster.CommonLbConfig.update_merge_window": "host changes are merged into the next snapshot",
    f"{_CLUSTER}Cluster.CommonLbConfig.ignore_new_hosts_until_first_hc": "there is no active health checking",
    f"{_ENDPOINT}LocalityLbEndpoints.metadata": _INFORMATION,
    f"{_ENDPOINT}Endpoint.health_check_config": "there is no active health checking",
}

_FROM_SERVER = "configuration from a management server is not implemented"
_EXPLICIT = "only explicit_http_config with HTTP/1 or HTTP/2 is implemented"
_CONDITION = "this condition is not implemented, and without it the route would match more"
_UPSTREAM_HTTP = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"

REFUSED: dict[str, str] = {
    f"{_CORE}Address.envoy_internal_address": "internal listeners are not implemented",
    f"{_LISTENER}Listener.internal_listener": "internal listeners are not implemented",
    f"{_LISTENER}Listener.api_listener": "API listeners are not implemented",
    f"{_LISTENER}Listener.udp_listener_config": "UDP is not implemented",
    f"{_LISTENER}Listener.filter_chain_matcher": "matching trees are not implemented",
    f"{_LISTENER}Listener.fcds_config": _FROM_SERVER,
    f"{_LISTENER}FilterChainMatch.address_suffix": "Envoy does not implement it either",
    f"{_LISTENER}FilterChainMatch.suffix_len": "Envoy does not implement it either",
    f"{_LISTENER}Filter.config_discovery": _FROM_SERVER,
    f"{_LISTENER}ListenerFilter.config_discovery": _FROM_SERVER,
    f"{HTTP_FILTER}.config_discovery": _FROM_SERVER,
    f"{_HCM}.rds": _FROM_SERVER,
    f"{_HCM}.scoped_routes": _FROM_SERVER,
    f"{_HCM}.UpgradeConfig.filters": "filters for upgraded requests are not implemented",
    f"{_ROUTE}RouteConfiguration.vhds": _FROM_SERVER,
    f"{_ROUTE}VirtualHost.matcher": "matching trees are not implemented",
    f"{_ROUTE}Route.filter_action": "filter actions are not implemented",
    f"{_ROUTE}RouteMatch.path_match_policy": "path match extensions are not implemented",
    f"{_ROUTE}RouteMatch.tls_context": _CONDITION,
    f"{_ROUTE}RouteMatch.dynamic_metadata": _CONDITION,
    f"{_ROUTE}RouteMatch.filter_state": _CONDITION,
    f"{_ROUTE}RouteAction.cluster_specifier_plugin": "cluster specifier plugins are not implemented",
    f"{_ROUTE}RouteAction.inline_cluster_specifier_plugin": "cluster specifier plugins are not implemented",
    f"{_ROUTE}RouteAction.path_rewrite_policy": "path rewrite extensions are not implemented",
    f"{_ROUTE}WeightedCluster.ClusterWeight.cluster_header": "is not implemented in weighted clusters",
    f"{_ROUTE}RouteAction.RequestMirrorPolicy.cluster_header": "is not implemented for mirrored requests",
    "envoy.type.matcher.v3.StringMatcher.custom": "string match extensions are not implemented",
    f"{_DUBBO}DubboProxy.drds": _FROM_SERVER,
    f"{_DUBBO}MethodMatch.params_match": f"arguments are not decoded: {_CONDITION}",
    f"{_TCP}.tunneling_config": "TCP over HTTP CONNECT to the upstream is not implemented",
    f"{_TCP}.on_demand": _FROM_SERVER,
    f"{_CLUSTER}Cluster.cluster_type": "cluster extensions are not implemented",
    f"{_CLUSTER}Cluster.transport_socket_matches": "one transport for the whole cluster is implemented",
    f"{_UPSTREAM_HTTP}.use_downstream_protocol_config": _EXPLICIT,
    f"{_UPSTREAM_HTTP}.auto_config": _EXPLICIT,
    f"{_UPSTREAM_HTTP}.ExplicitHttpConfig.http3_protocol_options": _EXPLICIT,
}
"""Fields without which a configuration would do something else than it says: setting one is an error."""

EXTENSIONS: dict[str, frozenset[str]] = {
    f"{_LISTENER}Filter.typed_config": frozenset({_HCM, _TCP, _RPC, f"{_DUBBO}DubboProxy"}),
    f"{_DUBBO}DubboFilter.config": frozenset({
        "envoy.extensions.filters.network.dubbo_proxy.router.v3.Router",
    }),
    f"{_LISTENER}ListenerFilter.typed_config": frozenset({
        "envoy.extensions.filters.listener.original_dst.v3.OriginalDst",
        "envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol",
        "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
        "envoy.extensions.filters.listener.http_inspector.v3.HttpInspector",
        _INSPECTOR,
    }),
    f"{HTTP_FILTER}.typed_config": frozenset({
        "envoy.extensions.filters.http.router.v3.Router",
        f"{_FAULT}HTTPFault",
    }),
    "envoy.extensions.filters.network.http_connection_manager.v3.RequestIDExtension.typed_config": frozenset({
        "envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig",
    }),
    f"{_LOG}AccessLog.typed_config": frozenset({
        "envoy.extensions.access_loggers.file.v3.FileAccessLog",
        "envoy.extensions.access_loggers.stream.v3.StdoutAccessLog",
        "envoy.extensions.access_loggers.stream.v3.StderrAccessLog",
    }),
    f"{_CORE}TransportSocket.typed_config": frozenset({
        "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer",
        "envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport",
    }),
    f"{_CLUSTER}LoadBalancingPolicy.Policy.typed_extension_config": frozenset(
        f"{_LB}{name}" for name in (
            "round_robin.v3.RoundRobin", "random.v3.Random", "cluster_provided.v3.ClusterProvided",
            "least_request.v3.LeastRequest", "ring_hash.v3.RingHash", "maglev.v3.Maglev",
        )
    ),
    f"{_CLUSTER}Cluster.typed_extension_protocol_options": frozenset({
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
    }),
    f"{_ROUTE}Route.typed_per_filter_config": frozenset({_BRIDGE, f"{_FAULT}HTTPFault"}),
    f"{_ROUTE}VirtualHost.typed_per_filter_config": frozenset({f"{_FAULT}HTTPFault"}),
    f"{_ROUTE}RouteConfiguration.typed_per_filter_config": frozenset({f"{_FAULT}HTTPFault"}),
    f"{_ROUTE}RetryPolicy.RetryHostPredicate.typed_config": frozenset({
        "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate",
    }),
    "envoy.config.overload.v3.ResourceMonitor.typed_config": frozenset({
        "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
        "envoy.extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig",
    }),
}  # fmt: skip
"""By the field that holds the Any (for a TypedExtensionConfig, the field that holds that)."""
