"""Header blocks (see h2_block.pxd).

Every block is decoded, whatever becomes of its stream: the dynamic table has to stay what the peer thinks it is.
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t

from mosn._fastpath.codec.frame cimport be32
from mosn._fastpath.codec.h2_control cimport h2_empty_frame, h2_is_idle, h2_stream_error
from mosn._fastpath.codec.h2_frames cimport h2_fail, h2_note, h2_write_reset
from mosn._fastpath.codec.h2_head cimport h2_request_head, h2_response_head, h2_trailers
from mosn._fastpath.codec.h2_streams cimport h2_closed, h2_find, h2_open, h2_settle
from mosn._fastpath.codec.h2_types cimport (
    H2_CLOSED, H2_COMPRESSION_ERROR, H2_END_HEADERS, H2_END_STREAM, H2_ENHANCE_YOUR_CALM, H2_FRAME_SIZE_ERROR,
    H2_HAS_PRIORITY,
    H2_INTERNAL_ERROR, H2_MOST_WINDOW, H2_PADDED, H2_PART_HEAD, H2_PART_TRAILERS, H2_PROTOCOL_ERROR,
    H2_REFUSED_STREAM, H2_STREAM_CLOSED, H2N_CONTINUATION_FLOOD, H2N_HEADER_OVERFLOW, H2N_MESSAGING_ERROR,
    H2N_REFUSED, H2N_TRAILERS, H2S_HEAD_IN, H2S_NO_BODY, H2S_OWNED, H2S_REMOTE_END, H2S_RESET, H2Stream,
)
from mosn._fastpath.codec.hpack_decode cimport (
    HPACK_BROKEN, HPACK_NO_MEMORY, HPACK_TOO_LARGE, HpackLimits, hpack_decode,
)
from mosn._fastpath.head cimport Head, head_init
from mosn._fastpath.memory cimport Arena, arena_init, arena_release, buf_append, buf_len, buf_release


cdef enum:
    BLOCK_EXTRA = 16384         # that a block may have above the limit of what it decodes to


# -- frames to a block

cdef int64_t _strip(H2 *h2, const char **payload, const H2Frame *frame) noexcept nogil:
    # The length of the fragment without padding and priority, or -1.
    cdef uint32_t n = frame.length
    cdef uint32_t padding = 0
    cdef const char *p = payload[0]
    if frame.flags & H2_PADDED:
        if n < 1:
            h2_fail(h2, H2_FRAME_SIZE_ERROR, b"padded HEADERS without a length of padding")
            return -1
        padding = <uint8_t>p[0]
        p += 1
        n -= 1
    if frame.flags & H2_HAS_PRIORITY:
        if n < 5:
            h2_fail(h2, H2_FRAME_SIZE_ERROR, b"HEADERS too short for a priority")
            return -1
        if be32(p) & H2_MOST_WINDOW == frame.id:
            h2_fail(h2, H2_PROTOCOL_ERROR, b"a stream that depends on itself")
            return -1
        p += 5
        n -= 5
    if padding > n:
        h2_fail(h2, H2_PROTOCOL_ERROR, b"more padding than HEADERS")
        return -1
    payload[0] = p
    return n - padding


cdef void h2_block_start(H2 *h2, const char *payload, const H2Frame *frame) noexcept nogil:
    cdef int64_t n = _strip(h2, &payload, frame)
    if n < 0:
        return
    if frame.flags & H2_END_HEADERS:
        h2_empty_frame(h2, False)
        _whole(h2, payload, <uint32_t>n, frame.id, frame.flags)
        return
    if not h2_empty_frame(h2, n == 0):
        return
    h2.block_id = frame.id
    h2.block_flags = frame.flags
    h2.continuations = 0
    _keep(h2, payload, <uint32_t>n)


cdef void _keep(H2 *h2, const char *p, uint32_t n) noexcept nogil:
    if buf_len(&h2.block) + n > h2.config.limits.list_bytes + BLOCK_EXTRA:
        h2_note(h2, H2N_HEADER_OVERFLOW)
        h2_fail(h2, H2_ENHANCE_YOUR_CALM, b"a head much larger than the limit")
    elif buf_append(h2.pool, &h2.block, p, n) < 0:
        h2_fail(h2, H2_INTERNAL_ERROR, b"out of memory")


cdef void h2_block_continue(H2 *h2, const char *payload, const H2Frame *frame) noexcept nogil:
    cdef uint32_t id = h2.block_id
    h2.continuations += 1
    if h2.continuations > h2.config.max_continuations:
        h2_note(h2, H2N_CONTINUATION_FLOOD)
        h2_fail(h2, H2_ENHANCE_YOUR_CALM, b"too many CONTINUATION frames")
        return
    if not h2_empty_frame(h2, frame.length == 0 and not frame.flags & H2_END_HEADERS):
        return
    _keep(h2, payload, frame.length)
    if h2.failed or not frame.flags & H2_END_HEADERS:
        return
    h2.block_id = 0
    _whole(h2, h2.block.data + h2.block.start, buf_len(&h2.block), id, h2.block_flags)
    buf_release(h2.pool, &h2.block)


# -- which stream

cdef void _ignore(H2 *h2, const char *p, uint32_t n) noexcept nogil:
    # For the dynamic table's sake.
    cdef Arena arena
    cdef Head head
    cdef HpackLimits nothing
    cdef int result
    nothing.list_bytes = 0
    nothing.fields = 0
    arena_init(&arena, h2.pool)
    head_init(&head, &arena)
    result = hpack_decode(&h2.decoder, h2.pool, p, n, &nothing, &head)
    arena_release(&arena)
    _table_lost(h2, result)


cdef bint _table_lost(H2 *h2, int result) noexcept nogil:
    if result == HPACK_BROKEN:
        h2_fail(h2, H2_COMPRESSION_ERROR, b"invalid header compression")
    elif result == HPACK_NO_MEMORY:
        h2_fail(h2, H2_INTERNAL_ERROR, b"out of memory")
    return result < 0


cdef void _whole(H2 *h2, const char *p, uint32_t n, uint32_t id, uint8_t flags) noexcept nogil:
    cdef H2Stream *stream = h2_find(h2, id)
    cdef bint end = flags & H2_END_STREAM != 0
    if stream != NULL:
        _on_stream(h2, stream, p, n, end)
    elif h2.client or id & 1 == 0:
        _nobodys(h2, p, n, id)
    elif id > h2.last_peer_id:
        _new(h2, p, n, id, end)
    else:
        _late(h2, p, n, id)


cdef void _nobodys(H2 *h2, const char *p, uint32_t n, uint32_t id) noexcept nogil:
    # A server may not open streams here, and clients open odd ones.
    if not h2.client or id & 1 == 0 or h2_is_idle(h2, id):
        h2_fail(h2, H2_PROTOCOL_ERROR, b"HEADERS on a stream that is not the peer's to open")
    elif h2_closed(h2, id) == H2S_REMOTE_END:
        h2_fail(h2, H2_STREAM_CLOSED, b"HEADERS on a closed stream")
    else:
        _ignore(h2, p, n)


cdef void _late(H2 *h2, const char *p, uint32_t n, uint32_t id) noexcept nogil:
    # RFC 9113 5.1, 5.1.1: closed long ago, or passed over by a larger one.
    cdef int how = h2_closed(h2, id)
    if how == H2S_RESET or (h2.goaway_sent and id > h2.goaway_last):
        _ignore(h2, p, n)
    elif how < 0:
        h2_fail(h2, H2_PROTOCOL_ERROR, b"a new stream with a smaller id")
    else:
        h2_fail(h2, H2_STREAM_CLOSED, b"HEADERS on a closed stream")


cdef void _new(H2 *h2, const char *p, uint32_t n, uint32_t id, bint end) noexcept nogil:
    cdef H2Stream *stream
    if h2.goaway_sent and id > h2.goaway_last:
        _ignore(h2, p, n)
        return
    h2.last_peer_id = id
    if h2.peer_streams >= h2.config.max_streams:
        _refuse(h2, p, n, id)
        return
    stream = h2_open(h2, id)
    if stream == NULL:
        h2_fail(h2, H2_INTERNAL_ERROR, b"out of memory")
        return
    _on_stream(h2, stream, p, n, end)


cdef void _refuse(H2 *h2, const char *p, uint32_t n, uint32_t id) noexcept nogil:
    _ignore(h2, p, n)
    if h2.failed:
        return
    h2.closed[h2.closed_at % H2_CLOSED].id = id
    h2.closed[h2.closed_at % H2_CLOSED].how = H2S_RESET
    h2.closed_at += 1
    h2_note(h2, H2N_REFUSED)
    h2_write_reset(h2, id, H2_REFUSED_STREAM)


# -- heads and trailers

cdef void _on_stream(H2 *h2, H2Stream *stream, const char *p, uint32_t n, bint end) noexcept nogil:
    cdef bint trailers = stream.flags & H2S_HEAD_IN != 0
    cdef Head *head
    cdef int result
    if stream.flags & (H2S_RESET | H2S_REMOTE_END):
        _ignore(h2, p, n)
        if not stream.flags & H2S_RESET and not h2.failed:
            h2_stream_error(h2, stream, H2_STREAM_CLOSED)
        return
    if trailers and not stream.flags & H2S_OWNED:
        # Answered already, and nobody waits for the rest of the request.
        _ignore(h2, p, n)
        stream.flags |= H2S_REMOTE_END
        h2_settle(h2, stream)
        return
    head = h2.events.place(h2, stream, H2_PART_TRAILERS if trailers else H2_PART_HEAD)
    if head == NULL:
        _ignore(h2, p, n)
        if not h2.failed and stream.id:
            h2_stream_error(h2, stream, H2_REFUSED_STREAM)
        return
    stream.flags |= H2S_OWNED
    result = hpack_decode(&h2.decoder, h2.pool, p, n, &h2.config.limits, head)
    if _table_lost(h2, result):
        return
    if end:
        stream.flags |= H2S_REMOTE_END
    if result == HPACK_TOO_LARGE:
        h2_note(h2, H2N_HEADER_OVERFLOW)
        stream.flags |= H2S_HEAD_IN
        h2.events.too_large(h2, stream, end)
    elif trailers:
        _trailers(h2, stream, head, end)
    else:
        _head(h2, stream, head, end)
    h2_settle(h2, stream)


cdef void _malformed(H2 *h2, H2Stream *stream, const char *why) noexcept nogil:
    h2_note(h2, H2N_MESSAGING_ERROR)
    h2.why = why
    h2_stream_error(h2, stream, H2_PROTOCOL_ERROR)


cdef void _trailers(H2 *h2, H2Stream *stream, Head *head, bint end) noexcept nogil:
    cdef const char *wrong = b"a second head"
    if end:
        wrong = h2_trailers(head)
    if wrong == NULL and stream.expect > 0 and not stream.flags & H2S_NO_BODY:
        wrong = b"a body shorter than its Content-Length"
    if wrong != NULL:
        _malformed(h2, stream, wrong)
        return
    h2_note(h2, H2N_TRAILERS)
    h2.events.trailers(h2, stream, head)


cdef void _head(H2 *h2, H2Stream *stream, Head *head, bint end) noexcept nogil:
    cdef const char *wrong
    if h2.client:
        wrong = h2_response_head(head, end)
        if head.status == 204 or head.status == 304:
            stream.flags |= H2S_NO_BODY
        if wrong == NULL and end and head.content_length > 0 and not stream.flags & H2S_NO_BODY:
            wrong = b"Content-Length without a body"
    else:
        wrong = h2_request_head(head, end, h2.config.connect_protocol)
    if wrong != NULL:
        _malformed(h2, stream, wrong)
        return
    if not h2.client or head.status >= 200:
        stream.flags |= H2S_HEAD_IN
        stream.expect = head.content_length
    h2.events.head(h2, stream, head, end)
