# A stream's beginning and end: memory, local replies, statistics and logs.

from libc.stdint cimport uint64_t

from mosn._fastpath.engine.types cimport Engine
from mosn._fastpath.memory cimport Slice
from mosn._fastpath.proxy.runtime cimport Proxy, Snapshot, Stream


# A zeroed stream with an arena and a reference on the current snapshot; NULL when out of memory.
cdef Stream *stream_new(Proxy *proxy) noexcept nogil
# Give back a stream that never became a request (its head is incomplete).
cdef void stream_discard(Stream *stream) noexcept nogil
# Answer by ourselves.  `body` may be empty; text/plain otherwise.  location and extra are optional.
cdef void stream_reply(Stream *stream, int status, Slice body, uint64_t flag, Slice details,
                       Slice location) noexcept nogil
# The response is complete (or will never be): log, count, release.  The memory lives until the turn is over.
cdef void stream_finish(Stream *stream) noexcept nogil
# What an attempt holds: limit slots, the host's active count.
cdef void attempt_release(Stream *stream) noexcept nogil
cdef void snapshot_unref(Proxy *proxy, Snapshot *snapshot) noexcept nogil
cdef void streams_empty_trash(Engine *engine) noexcept nogil
cdef void stream_rearm(Stream *stream) noexcept nogil
cdef void count_response(Stream *stream) noexcept nogil

cdef inline Slice text(const char *literal) noexcept nogil:
    cdef Slice out
    cdef unsigned int n = 0
    while literal[n]:
        n += 1
    out.p = literal
    out.n = n
    return out
