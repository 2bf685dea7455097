# The client's side of a stream: what a downstream codec tells it.

from mosn._fastpath.memory cimport Slice
from mosn._fastpath.proxy.runtime cimport HttpManager, Listener, Proxy, Stream


# The head is in stream.request; down, down_ops, manager, listener and the addresses in info are set.  Routes it and
# starts the first attempt, or answers.  end: the request has no body.  The stream may be over when this returns.
cdef void stream_begin(Stream *stream, bint end) noexcept nogil
# Request bytes.  Only call while stream_takes_data says so.
cdef void stream_request_data(Stream *stream, const char *p, size_t n, bint end) noexcept nogil
cdef void stream_request_trailers(Stream *stream) noexcept nogil
# The client is gone (or broke the protocol inside the body): nothing more can be said to it.
cdef void stream_downstream_reset(Stream *stream, Slice details, bint protocol_error) noexcept nogil
# The client took what was queued for it.
cdef void stream_downstream_drained(Stream *stream) noexcept nogil
# A request that could not be parsed.
cdef void stream_protocol_error(Stream *stream, int status, Slice details) noexcept nogil
cdef bint stream_takes_data(Stream *stream) noexcept nogil
cdef void stream_open(Stream *stream) noexcept nogil
