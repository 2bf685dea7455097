"""Response flags: why a request ended as it did.  Short and long names are Envoy's (mosn/_fastpath/proxy/info.pyx)."""

from __future__ import annotations

FLAGS: dict[str, tuple[str, str]] = {
    "LH": ("FailedLocalHealthCheck",
           "This host failed the health check that the health check filter answers, so the request got 503."),
    "UH": ("NoHealthyUpstream",
           "The cluster had no host to send the request to: none is configured or resolved, or all are unhealthy and "
           "the panic threshold does not apply. The answer is 503. Look at /clusters and at "
           "cluster.NAME.upstream_cx_none_healthy."),
    "UT": ("UpstreamRequestTimeout",
           "The route's timeout (15 s unless set), or the last try's, passed before the response was complete. The "
           "answer is 504. See cluster.NAME.upstream_rq_timeout and upstream_rq_per_try_timeout."),
    "LR": ("LocalReset", "This proxy reset the request to the upstream."),
    "UR": ("UpstreamRemoteReset", "The upstream reset the request. The answer is 503 when none had begun."),
    "UF": ("UpstreamConnectionFailure",
           "No connection to the upstream could be made: refused, unreachable, or not within connect_timeout. The "
           "answer is 503. %UPSTREAM_TRANSPORT_FAILURE_REASON% tells the system's error; retry_on connect-failure "
           "tries another host."),
    "UC": ("UpstreamConnectionTermination",
           "The upstream closed the connection while the request was on it. With 503 no part of an answer had come; "
           "often the upstream closes idle connections earlier than the cluster's idle_timeout."),
    "UO": ("UpstreamOverflow",
           "A circuit breaker of the cluster (connections, pending requests, requests or retries) was full, so the "
           "request got 503 with x-envoy-overloaded. See cluster.NAME.upstream_rq_pending_overflow and "
           "upstream_cx_overflow."),
    "NR": ("NoRouteFound",
           "No virtual host has the request's domain or none of its routes matches (404), or no filter chain matches "
           "the connection. `mosn route` shows why each one does not."),
    "DI": ("DelayInjected", "The fault filter delayed the request."),
    "FI": ("FaultInjected", "The fault filter answered the request itself."),
    "RL": ("RateLimited", "A rate limit refused the request with 429."),
    "UAEX": ("UnauthorizedExternalService", "The external authorization service denied the request."),
    "RLSE": ("RateLimitServiceError", "The rate limit service failed, and the filter is configured to refuse then."),
    "DC": ("DownstreamConnectionTermination",
           "The client closed the connection before the answer was complete. No answer could be sent."),
    "URX": ("UpstreamRetryLimitExceeded",
            "Every try failed and num_retries (or, for TCP, max_connect_attempts) was used up. The other flag, such as "
            "UF, tells how the last one failed."),
    "SI": ("StreamIdleTimeout",
           "Nothing moved for stream_idle_timeout (5 minutes unless set) or the route's idle_timeout. The answer is "
           "408 or 504 when none had begun."),
    "IH": ("InvalidEnvoyRequestHeaders",
           "An x-envoy-* request header has a value that cannot be used, and strict checking is on: 400."),
    "DPE": ("DownstreamProtocolError",
            "What the client sent is not correct HTTP. The answer is 400 and the connection is closed; "
            "%RESPONSE_CODE_DETAILS% names the rule."),
    "UMSDR": ("UpstreamMaxStreamDurationReached", "The upstream stream lasted longer than its max_stream_duration."),
    "RFCF": ("ResponseFromCacheFilter", "The answer came from a cache filter, not from the upstream."),
    "NFCF": ("NoFilterConfigFound", "The configuration of a filter had not arrived in time. The answer is 500."),
    "DT": ("DurationTimeout", "The request, or the TCP connection, lasted longer than its configured duration."),
    "UPE": ("UpstreamProtocolError",
            "What the upstream sent is not correct HTTP. The answer is 502 when none had begun."),
    "NC": ("NoClusterFound",
           "The route's cluster does not exist (perhaps chosen by cluster_header). The answer is the route's "
           "cluster_not_found_response_code, 503 unless set."),
    "OM": ("OverloadManagerTerminated", "The overload manager ended the request to free a resource."),
    "DF": ("DnsResolutionFailed", "The name of the upstream could not be resolved."),
    "DO": ("DropOverload", "The endpoints' drop_overloads policy dropped the request with 503."),
    "DR": ("DownstreamRemoteReset", "The client reset the request."),
    "UDO": ("UnconditionalDropOverload", "The endpoints' drop_overloads policy drops every request."),
}  # fmt: skip
