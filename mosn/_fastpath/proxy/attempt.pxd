# The upstream side of a stream: attempts, retries, what the upstream's connection reports.

from mosn._fastpath.memory cimport Slice
from mosn._fastpath.proxy.runtime cimport Stream, UpstreamEvents


cdef const UpstreamEvents *upstream_events() noexcept nogil
# Pick a host and ask its pool for a connection.
cdef void attempt_start(Stream *stream) noexcept nogil
# The request's last byte was received: the clocks of the route's timeouts start.
cdef void attempt_request_complete(Stream *stream) noexcept nogil
# The attempt is over, however it ended: give back what it held.
cdef void attempt_end(Stream *stream) noexcept nogil
cdef void stream_touch(Stream *stream) noexcept nogil
