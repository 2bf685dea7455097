"""The streams of a connection (see h2_streams.pxd).

Ids grow by two: the low bits above the first spread them over the table without a hash.  A stream that left the table
stays in memory (id 0) until the connection goes or a new one takes its place, so that who holds it in the middle of an
event sees that it is gone.
"""

from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset

from mosn._fastpath.codec.h2_frames cimport h2_fail, h2_note, h2_write_reset
from mosn._fastpath.codec.h2_types cimport (
    H2_CLOSED, H2_ENHANCE_YOUR_CALM, H2N_PREMATURE_RESETS, H2S_BLOCKED, H2S_COUNTED, H2S_LOCAL_END, H2S_OWNED,
    H2S_REMOTE_END, H2S_RESET,
)
from mosn._fastpath.memory cimport buf_release

cdef enum:
    FIRST_TABLE = 16


cdef inline uint32_t _place(const H2 *h2, uint32_t id) noexcept nogil:
    return (id >> 1) & (h2.table_size - 1)


cdef H2Stream *h2_find(const H2 *h2, uint32_t id) noexcept nogil:
    cdef H2Stream *stream
    if h2.table_size == 0:
        return NULL
    stream = h2.table[_place(h2, id)]
    while stream != NULL and stream.id != id:
        stream = stream.chain
    return stream


cdef int _grow(H2 *h2) noexcept nogil:
    cdef uint32_t size = 2 * h2.table_size if h2.table_size else FIRST_TABLE
    cdef H2Stream **table = <H2Stream **>calloc(size, sizeof(H2Stream *))
    cdef H2Stream *stream
    cdef H2Stream *following
    cdef uint32_t i, place
    if table == NULL:
        return -1
    for i in range(h2.table_size):
        stream = h2.table[i]
        while stream != NULL:
            following = stream.chain
            place = (stream.id >> 1) & (size - 1)
            stream.chain = table[place]
            table[place] = stream
            stream = following
    free(h2.table)
    h2.table = table
    h2.table_size = size
    return 0


cdef H2Stream *h2_open(H2 *h2, uint32_t id) noexcept nogil:
    cdef H2Stream *stream = h2.free_streams
    cdef uint32_t place
    if h2.stream_count >= h2.table_size and _grow(h2) < 0:
        return NULL
    if stream != NULL:
        h2.free_streams = stream.chain
        memset(stream, 0, sizeof(H2Stream))
    else:
        stream = <H2Stream *>calloc(1, sizeof(H2Stream))
        if stream == NULL:
            return NULL
    stream.id = id
    stream.send_window = h2.peer.window
    stream.recv_window = h2.config.stream_window
    stream.expect = -1
    stream.opened_ms = h2.now_ms
    place = _place(h2, id)
    stream.chain = h2.table[place]
    h2.table[place] = stream
    h2.stream_count += 1
    h2.streams_opened += 1
    if h2.client == (id & 1 == 0):
        stream.flags |= H2S_COUNTED
        h2.peer_streams += 1
    else:
        h2.own_streams += 1
    return stream


cdef void _uncount(H2 *h2, H2Stream *stream) noexcept nogil:
    # It no longer stands against SETTINGS_MAX_CONCURRENT_STREAMS (RFC 9113 5.1.2).
    if stream.flags & H2S_COUNTED:
        h2.peer_streams -= 1
    else:
        h2.own_streams -= 1


cdef void _leave(H2 *h2, H2Stream *stream) noexcept nogil:
    cdef H2Stream **at = &h2.table[_place(h2, stream.id)]
    while at[0] != stream:
        at = &at[0].chain
    at[0] = stream.chain
    h2.stream_count -= 1
    h2.streams_closed += 1
    _uncount(h2, stream)
    h2_unblock(h2, stream)
    buf_release(h2.pool, &stream.queue)
    buf_release(h2.pool, &stream.tail)
    h2.closed[h2.closed_at % H2_CLOSED].id = stream.id
    h2.closed[h2.closed_at % H2_CLOSED].how = <unsigned char>(
        0 if stream.flags & H2S_RESET and stream.flags & H2S_REMOTE_END else
        H2S_RESET if stream.flags & H2S_RESET else H2S_REMOTE_END)
    h2.closed_at += 1
    stream.id = 0
    stream.chain = h2.free_streams
    h2.free_streams = stream


cdef int h2_closed(const H2 *h2, uint32_t id) noexcept nogil:
    cdef uint32_t i
    for i in range(<uint32_t>H2_CLOSED):
        if h2.closed[i].id == id:
            return h2.closed[i].how
    return -1


cdef void h2_settle(H2 *h2, H2Stream *stream) noexcept nogil:
    if stream.id == 0 or stream.flags & H2S_OWNED:
        return
    if stream.flags & H2S_RESET or stream.flags & (H2S_REMOTE_END | H2S_LOCAL_END) == H2S_REMOTE_END | H2S_LOCAL_END:
        _leave(h2, stream)


cdef void h2_reset(H2 *h2, H2Stream *stream, uint32_t code) noexcept nogil:
    if stream.id == 0 or stream.flags & H2S_RESET:
        return
    stream.flags = (stream.flags | H2S_RESET) & ~<uint32_t>H2S_REMOTE_END
    h2_unblock(h2, stream)
    h2_write_reset(h2, stream.id, code)
    h2_settle(h2, stream)


cdef void h2_detach(H2 *h2, H2Stream *stream) noexcept nogil:
    stream.flags &= ~<uint32_t>H2S_OWNED
    stream.owner = NULL
    h2_settle(h2, stream)


# -- streams that have something queued, oldest first

cdef void h2_block(H2 *h2, H2Stream *stream) noexcept nogil:
    if stream.flags & H2S_BLOCKED:
        return
    stream.flags |= H2S_BLOCKED
    h2.blocked_count += 1
    stream.next_blocked = NULL
    stream.previous_blocked = h2.blocked_last
    if h2.blocked_last != NULL:
        h2.blocked_last.next_blocked = stream
    else:
        h2.blocked = stream
    h2.blocked_last = stream


cdef void h2_unblock(H2 *h2, H2Stream *stream) noexcept nogil:
    if not stream.flags & H2S_BLOCKED:
        return
    stream.flags &= ~<uint32_t>H2S_BLOCKED
    h2.blocked_count -= 1
    if stream.previous_blocked != NULL:
        stream.previous_blocked.next_blocked = stream.next_blocked
    else:
        h2.blocked = stream.next_blocked
    if stream.next_blocked != NULL:
        stream.next_blocked.previous_blocked = stream.previous_blocked
    else:
        h2.blocked_last = stream.previous_blocked


# -- rapid reset

cdef void h2_judge_reset(H2 *h2, const H2Stream *stream) noexcept nogil:
    # Envoy's rule: of the last so many streams more than half were given up within a second of their opening.  The
    # end comes as soon as nothing that follows could change that.
    cdef uint64_t all
    if h2.client or stream.flags & H2S_LOCAL_END or h2.now_ms - stream.opened_ms >= h2.config.premature_ms:
        return
    h2.premature += 1
    all = h2.streams_closed + 1
    if all < h2.config.max_premature:
        all = h2.config.max_premature
    if h2.premature * 2 >= all:
        h2_note(h2, H2N_PREMATURE_RESETS)
        h2_fail(h2, H2_ENHANCE_YOUR_CALM, b"too many streams reset before their answer")


cdef void h2_streams_free(H2 *h2) noexcept nogil:
    cdef H2Stream *stream
    cdef uint32_t i
    for i in range(h2.table_size):
        while h2.table[i] != NULL:
            stream = h2.table[i]
            h2.table[i] = stream.chain
            buf_release(h2.pool, &stream.queue)
            buf_release(h2.pool, &stream.tail)
            free(stream)
    while h2.free_streams != NULL:
        stream = h2.free_streams
        h2.free_streams = stream.chain
        free(stream)
    free(h2.table)
    h2.table = NULL
    h2.table_size = 0
    h2.stream_count = 0
    h2.blocked = NULL
    h2.blocked_last = NULL
