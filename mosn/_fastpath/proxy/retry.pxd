# Retries of a stream: whether, and when (Envoy: RetryPolicy, retry circuit breaker, back-off).

from libc.stdint cimport uint32_t

from mosn._fastpath.proxy.runtime cimport Stream


# The RetryOn bits that describe a reset (ResetReason) at this point of the stream.
cdef uint32_t retry_failure_bits(Stream *stream, int reason) noexcept nogil
# Is there a retry left, can the request be replayed, does the box's retry limit allow it (a slot is taken)?
cdef bint retry_allowed(Stream *stream) noexcept nogil
# Start the back-off; the stream's timer starts the attempt.
cdef void retry_schedule(Stream *stream) noexcept nogil
# The one retry, at once, of an idempotent request that met a pooled connection which the upstream had closed.
cdef bint retry_free(Stream *stream, int reason) noexcept nogil
