"""Mirrored requests (Envoy: request_mirror_policies; see mirror.pxd).

A copy is a stream of its own towards another cluster, with nobody behind it.  It never holds up the request that it
copies: what its upstream does not take in time is dropped, with the copy.
"""

from libc.stdint cimport uint32_t
from libc.string cimport memcpy

from mosn._fastpath.engine.loop cimport random_next
from mosn._fastpath.engine.types cimport Conn
from mosn._fastpath.head cimport Head, Header, head_add
from mosn._fastpath.memory cimport Arena, Slice, arena_alloc, arena_copy, buf_append, buf_len, slice_of
from mosn._fastpath.proxy.attempt cimport attempt_request_complete, attempt_start, stream_touch, upstream_events
from mosn._fastpath.proxy.deadlines cimport attempt_timer
from mosn._fastpath.proxy.finish cimport stream_discard, stream_finish, stream_new
from mosn._fastpath.proxy.request cimport response_prepare
from mosn._fastpath.proxy.runtime cimport S_DONE, S_HEAD_SENT, S_REQUEST_ENDED, S_SHADOW, DownstreamOps, Stream
from mosn._fastpath.proxy.types cimport Mirror
from mosn._fastpath.shm.segment cimport count
from mosn._fastpath.shm.stats cimport CL_RQ_CANCELLED


# -- a client that is not there

cdef void nothing(Stream *stream) noexcept nogil:
    pass


cdef void no_1xx(Stream *stream, Head *head) noexcept nogil:
    pass


cdef void no_head(Stream *stream, Head *head, bint end) noexcept nogil:
    pass


cdef void no_data(Stream *stream, const char *p, size_t n, bint end) noexcept nogil:
    pass


cdef bint never(Stream *stream) noexcept nogil:
    return False


cdef Conn *no_target(Stream *stream) noexcept nogil:
    return NULL


cdef void finished(Stream *shadow) noexcept nogil:
    # Out of its original's list.
    cdef Stream *original = <Stream *>shadow.down
    cdef Stream **link
    if original == NULL:
        return
    link = &original.shadows
    while link[0] != NULL:
        if link[0] == shadow:
            link[0] = shadow.shadow_next
            return
        link = &link[0].shadow_next


cdef DownstreamOps OPS
OPS.respond = response_prepare
OPS.send_1xx = no_1xx
OPS.send_head = no_head
OPS.send_data = no_data
OPS.send_trailers = no_1xx
OPS.abort = nothing
OPS.pause = nothing
OPS.resume = nothing
OPS.tunnel = nothing
OPS.finished = finished
OPS.above_high = never
OPS.splice_target = no_target


# -- copying

cdef Slice copied(Arena *arena, Slice text) noexcept nogil:
    return slice_of(arena_copy(arena, text.p, text.n), text.n) if text.n else text


cdef Slice shadow_authority(Arena *arena, Slice host) noexcept nogil:
    # "example.com:80" becomes "example.com-shadow:80".
    cdef uint32_t name = host.n
    cdef uint32_t i = host.n
    cdef char *out = <char *>arena_alloc(arena, host.n + 7)
    if out == NULL:
        return host
    while i > 0 and c'0' <= host.p[i - 1] <= c'9':
        i -= 1
    if i > 0 and i < host.n and host.p[i - 1] == c':':
        name = i - 1
    memcpy(out, host.p, name)
    memcpy(out + name, b"-shadow", 7)
    memcpy(out + name + 7, host.p + name, host.n - name)
    return slice_of(out, host.n + 7)


cdef void copy_head(Head *out, const Head *head) noexcept nogil:
    cdef Arena *arena = out.arena
    cdef const Header *item
    cdef uint32_t i
    out.method = copied(arena, head.method)
    out.scheme = copied(arena, head.scheme)
    out.path = copied(arena, head.path)
    out.authority = shadow_authority(arena, head.authority)
    out.content_length = head.content_length
    out.flags = head.flags
    out.method_id = head.method_id
    for i in range(head.count):
        item = &head.items[i]
        if not item.removed:
            head_add(out, item.id, arena_copy(arena, item.name, item.name_len), item.name_len,
                     arena_copy(arena, item.value, item.value_len), item.value_len)


cdef void start(Stream *stream, const Mirror *mirror) noexcept nogil:
    cdef Stream *shadow = stream_new(stream.proxy)
    if shadow == NULL:
        return
    shadow.flags = S_SHADOW | (stream.flags & S_REQUEST_ENDED)
    shadow.down = stream
    shadow.down_ops = &OPS
    shadow.manager = stream.manager
    shadow.listener = stream.listener
    shadow.route = stream.route
    shadow.cluster = mirror.cluster
    shadow.events = upstream_events()
    shadow.timer.fire = attempt_timer
    shadow.timeout_ms = stream.timeout_ms
    shadow.idle_ms = stream.idle_ms
    shadow.info.cluster = mirror.cluster
    shadow.info.route = stream.route
    shadow.info.local = stream.info.local
    shadow.info.remote = stream.info.remote
    shadow.pool = stream.pool
    copy_head(&shadow.request, &stream.request)
    if stream.down_ops.mirrored != NULL and stream.down_ops.mirrored(stream, shadow) < 0:
        stream_discard(shadow)
        return
    shadow.shadow_next = stream.shadows
    stream.shadows = shadow
    stream.forget_shadows = mirrors_forget
    stream_touch(shadow)
    if shadow.flags & S_REQUEST_ENDED:
        attempt_request_complete(shadow)
    attempt_start(shadow)


# -- face

cdef void mirrors_start(Stream *stream) noexcept nogil:
    cdef const Mirror *mirror
    cdef uint32_t i
    for i in range(stream.route.mirror_count):
        mirror = &stream.route.mirrors[i]
        if mirror.cluster == NULL:
            continue
        if mirror.denominator and random_next(stream.engine.random) % mirror.denominator >= mirror.numerator:
            continue
        start(stream, mirror)


cdef void drop(Stream *shadow) noexcept nogil:
    count(shadow.proxy.region, shadow.cluster.stats + CL_RQ_CANCELLED, 1)
    stream_finish(shadow)


cdef void feed(Stream *shadow, const char *p, size_t n, bint end) noexcept nogil:
    stream_touch(shadow)
    if end:
        shadow.flags |= S_REQUEST_ENDED
    if not shadow.flags & S_HEAD_SENT:
        if buf_len(&shadow.kept) + n > shadow.listener.buffer_limit or buf_append(
                &shadow.engine.pool, &shadow.kept, p, n) < 0:
            drop(shadow)
            return
    elif shadow.up != NULL:
        shadow.up_ops.send_data(shadow, p, n, end)
        if shadow.up != NULL and not end and shadow.up_ops.above_high(shadow):
            drop(shadow)
            return
    if end:
        attempt_request_complete(shadow)


cdef void mirrors_data(Stream *stream, const char *p, size_t n, bint end) noexcept nogil:
    cdef Stream *shadow = stream.shadows
    cdef Stream *following
    while shadow != NULL:
        following = shadow.shadow_next
        if not shadow.flags & S_DONE:
            feed(shadow, p, n, end)
        shadow = following


cdef void mirrors_forget(Stream *stream) noexcept nogil:
    cdef Stream *shadow = stream.shadows
    cdef Stream *following
    stream.shadows = NULL
    while shadow != NULL:
        following = shadow.shadow_next
        shadow.down = NULL
        if not shadow.flags & S_REQUEST_ENDED:
            drop(shadow)
        shadow = following
