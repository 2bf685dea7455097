# Upstream connections of one worker: connecting, keeping, lending, limits (Envoy's circuit breakers).

from libc.stdint cimport uint32_t

from mosn._fastpath.proxy.runtime cimport PoolOps, Proxy, Stream
from mosn._fastpath.proxy.types cimport Breaker


cdef void pool_init_proxy(Proxy *proxy) noexcept nogil
# One exchange at a time on a connection, idle ones are kept.
cdef const PoolOps *h1_pool_ops() noexcept nogil
# A queue of streams that wait (S_WAITING), oldest first, and its counts.  The pending limit's slot was taken before.
cdef void pool_wait(Stream **first, Stream **last, Stream *stream) noexcept nogil
cdef void pool_wait_over(Stream **first, Stream **last, Stream *stream) noexcept nogil
# The same for a stream of a queue that was cut off.
cdef void pool_waited(Stream *stream) noexcept nogil
# A slot of the limit of requests, and the counts of a request that begins; attempt_release gives it back.
cdef bint pool_take_request(Stream *stream) noexcept nogil
# Count, and reset the stream: a limit is reached.
cdef void pool_refuse(Stream *stream, uint32_t stat) noexcept nogil

cdef inline Breaker *breaker_of(Stream *stream) noexcept nogil:
    return &stream.cluster.breakers[stream.route.priority if stream.route != NULL else 0]
