# What an HTTP connection manager does to a request before it is routed, and to a response before it is sent
# (Envoy: "HTTP header manipulation").

from libc.stdint cimport uint32_t, uint64_t

from mosn._fastpath.memory cimport Slice
from mosn._fastpath.proxy.runtime cimport Stream


# 0: route it.  Else the status to answer with, negative when the connection must end, too; *details is its RESPONSE_CODE_DETAILS, *location a redirect's target.
cdef int request_prepare(Stream *stream, Slice *details, Slice *location) noexcept nogil
# After routing: the router filter's own headers and timeouts; fills stream.timeout_ms, try_timeout_ms, retry_on,
# retries_left.
cdef void request_router_headers(Stream *stream) noexcept nogil
cdef void request_attempt_count(Stream *stream) noexcept nogil
# Before an attempt that is not the first: x-envoy-expected-rq-timeout-ms.
cdef void request_time_left(Stream *stream) noexcept nogil
# Headers of every response: server, date, via, request id, upstream service time.
cdef void response_prepare(Stream *stream, bint from_upstream) noexcept nogil
cdef uint32_t decimal_text(uint64_t value, char *out) noexcept nogil
