"""What the owner sends (see h2_send.pxd)."""

from libc.stdint cimport int64_t, uint32_t
from libc.string cimport memcpy

from mosn._fastpath.codec.frame cimport be32, put32
from mosn._fastpath.codec.h2_frames cimport h2_fail, h2_put_head, h2_write_window
from mosn._fastpath.codec.h2_streams cimport h2_block, h2_open, h2_settle, h2_unblock
from mosn._fastpath.codec.h2_types cimport (
    H2_CONTINUATION, H2_DATA, H2_END_HEADERS, H2_END_STREAM, H2_FRAME_HEAD, H2_HEADERS, H2_INTERNAL_ERROR,
    H2_LEAST_FRAME, H2_MOST_WINDOW, H2S_BLOCKED, H2S_CONNECT, H2S_END_QUEUED, H2S_HEAD_OUT, H2S_LOCAL_END,
    H2S_NO_BODY, H2S_REMOTE_END, H2S_RESET, H2S_TAIL,
)
from mosn._fastpath.codec.hpack_encode cimport hpack_begin, hpack_put
from mosn._fastpath.head cimport (
    H_CONNECTION, H_HOST, H_HTTP2_SETTINGS, H_KEEP_ALIVE, H_PROXY_CONNECTION, H_TE, H_TRANSFER_ENCODING, H_UNKNOWN,
    H_UPGRADE, M_CONNECT, M_HEAD, Header,
)
from mosn._fastpath.memory cimport (
    Slice, buf_append, buf_consume, buf_len, buf_release, buf_reserve, slice_is_lower, slice_of,
)


cdef int _no_memory(H2 *h2) noexcept nogil:
    h2_fail(h2, H2_INTERNAL_ERROR, b"out of memory")
    return -1


# -- heads

cdef inline int _put(H2 *h2, const char *name, size_t n, Slice value) noexcept nogil:
    return hpack_put(&h2.encoder, h2.pool, h2.out, slice_of(name, n), value, H_UNKNOWN, False)


cdef inline bint _left_out(const Header *item) noexcept nogil:
    # RFC 9113 8.2.2, and Host, which is :authority here.
    if item.removed:
        return True
    if item.id == H_UNKNOWN or item.id > H_HTTP2_SETTINGS:
        return False
    if item.id == H_TE:
        return not slice_is_lower(slice_of(item.value, item.value_len), b"trailers")
    return item.id in (H_HOST, H_TRANSFER_ENCODING, H_CONNECTION, H_KEEP_ALIVE, H_PROXY_CONNECTION, H_UPGRADE,
                       H_HTTP2_SETTINGS)


cdef int _put_fields(H2 *h2, const Head *head) noexcept nogil:
    cdef const Header *item
    cdef uint32_t i
    for i in range(head.count):
        item = &head.items[i]
        if not _left_out(item) and hpack_put(
                &h2.encoder, h2.pool, h2.out, slice_of(item.name, item.name_len),
                slice_of(item.value, item.value_len), item.id, item.hash != 0) < 0:
            return -1
    return 0


cdef int64_t _begin_block(H2 *h2) noexcept nogil:
    # Where the frame begins, counted from the first byte of out; its head is written when its length is known.
    cdef uint32_t at = buf_len(h2.out)
    if buf_reserve(h2.pool, h2.out, H2_FRAME_HEAD) < 0:
        return -1
    h2.out.end += H2_FRAME_HEAD
    return at if hpack_begin(&h2.encoder, h2.pool, h2.out) == 0 else -1


cdef int _end_block(H2 *h2, H2Stream *stream, uint32_t at, bint end) noexcept nogil:
    # Cut what was written into HEADERS and CONTINUATION frames.
    cdef uint32_t n = buf_len(h2.out) - at - H2_FRAME_HEAD
    cdef uint32_t flags = H2_END_STREAM if end else 0
    if n <= H2_LEAST_FRAME:
        h2_put_head(h2.out.data + h2.out.start + at, n, H2_HEADERS, flags | H2_END_HEADERS, stream.id)
        return 0
    return _cut_block(h2, stream, at, n, flags)


cdef int _cut_block(H2 *h2, H2Stream *stream, uint32_t at, uint32_t n, uint32_t flags) noexcept nogil:
    # From the end: each further frame moves its bytes up by the heads in front of it.
    cdef uint32_t frames = (n + H2_LEAST_FRAME - 1) // H2_LEAST_FRAME
    cdef uint32_t i, size
    cdef char *start
    cdef char *target
    cdef uint32_t k
    if buf_reserve(h2.pool, h2.out, frames * H2_FRAME_HEAD) < 0:
        return -1
    start = h2.out.data + h2.out.start + at + H2_FRAME_HEAD
    h2.out.end += (frames - 1) * H2_FRAME_HEAD
    for i in range(frames):
        k = frames - 1 - i
        size = min(n - k * H2_LEAST_FRAME, <uint32_t>H2_LEAST_FRAME)
        target = start + k * (H2_LEAST_FRAME + H2_FRAME_HEAD)
        _move(target, start + k * H2_LEAST_FRAME, size)
        h2_put_head(target - H2_FRAME_HEAD, size, H2_CONTINUATION if k else H2_HEADERS,
                    (0 if k else flags) | (H2_END_HEADERS if k == frames - 1 else 0), stream.id)
    return 0


cdef void _move(char *target, const char *source, uint32_t n) noexcept nogil:
    # Upwards, possibly over itself.
    while n:
        n -= 1
        target[n] = source[n]


cdef void _ended(H2 *h2, H2Stream *stream) noexcept nogil:
    stream.flags |= H2S_LOCAL_END
    h2_settle(h2, stream)


cdef int _finish_head(H2 *h2, H2Stream *stream, int64_t at, int failed, bint end) noexcept nogil:
    if at < 0 or failed < 0 or _end_block(h2, stream, <uint32_t>at, end) < 0:
        return _no_memory(h2)
    if end:
        _ended(h2, stream)
    return 0


cdef bint h2_can_open(const H2 *h2) noexcept nogil:
    return (not h2.failed and not h2.goaway_received and not h2.goaway_sent and h2.own_streams < h2.peer.max_streams
            and h2.next_id < <uint32_t>H2_MOST_WINDOW)


cdef H2Stream *h2_new_stream(H2 *h2) noexcept nogil:
    cdef H2Stream *stream = h2_open(h2, h2.next_id) if h2_can_open(h2) else NULL
    if stream != NULL:
        h2.next_id += 2
    return stream


cdef int h2_send_request(H2 *h2, H2Stream *stream, const Head *head, bint end) noexcept nogil:
    cdef int64_t at
    cdef int failed
    cdef bint connect = head.method_id == M_CONNECT
    if h2.failed or stream.id == 0 or stream.flags & H2S_RESET:
        return 0
    at = _begin_block(h2)
    failed = -1 if at < 0 else _put(h2, b":method", 7, head.method)
    if failed == 0 and not connect:
        failed = _put(h2, b":scheme", 7, head.scheme if head.scheme.n else slice_of(b"http", 4))
    if failed == 0:
        failed = _put(h2, b":authority", 10, head.authority)
    if failed == 0 and not connect:
        failed = _put(h2, b":path", 5, head.path)
    if failed == 0:
        failed = _put_fields(h2, head)
    stream.flags |= H2S_HEAD_OUT
    if head.method_id == M_HEAD:
        stream.flags |= H2S_NO_BODY
    elif connect:
        stream.flags |= H2S_CONNECT
    return _finish_head(h2, stream, at, failed, end)


cdef int h2_send_response(H2 *h2, H2Stream *stream, const Head *head, bint end) noexcept nogil:
    cdef int64_t at
    cdef int failed
    cdef char digits[4]
    if h2.failed or stream.id == 0 or stream.flags & (H2S_RESET | H2S_LOCAL_END):
        return 0
    digits[0] = <char>(c"0" + head.status // 100 % 10)
    digits[1] = <char>(c"0" + head.status // 10 % 10)
    digits[2] = <char>(c"0" + head.status % 10)
    at = _begin_block(h2)
    failed = -1 if at < 0 else _put(h2, b":status", 7, slice_of(digits, 3))
    if failed == 0:
        failed = _put_fields(h2, head)
    if head.status >= 200:
        stream.flags |= H2S_HEAD_OUT
    return _finish_head(h2, stream, at, failed, end)


# -- bodies

cdef inline uint32_t _allowed(const H2 *h2, const H2Stream *stream, size_t n) noexcept nogil:
    # How much of n bytes may go in one frame now.
    cdef int64_t most = min(h2.send_window, stream.send_window)
    most = min(most, <int64_t>H2_LEAST_FRAME)
    if most <= 0 or buf_len(h2.out) >= h2.config.out_limit:
        return 0
    return <uint32_t>n if n < <size_t>most else <uint32_t>most


cdef int _frame(H2 *h2, H2Stream *stream, const char *p, uint32_t n, bint end) noexcept nogil:
    cdef char *at
    if buf_reserve(h2.pool, h2.out, H2_FRAME_HEAD + n) < 0:
        return _no_memory(h2)
    at = h2_put_head(h2.out.data + h2.out.end, n, H2_DATA, H2_END_STREAM if end else 0, stream.id)
    if n:
        memcpy(at, p, n)
    h2.out.end += H2_FRAME_HEAD + n
    h2.send_window -= n
    stream.send_window -= n
    h2.data_out += 1
    return 0


cdef int _queue(H2 *h2, H2Stream *stream, const char *p, size_t n, bint end) noexcept nogil:
    if buf_append(h2.pool, &stream.queue, p, n) < 0:
        return _no_memory(h2)
    if end:
        stream.flags |= H2S_END_QUEUED
    h2_block(h2, stream)
    return 0


cdef int h2_send_data(H2 *h2, H2Stream *stream, const char *p, size_t n, bint end) noexcept nogil:
    cdef uint32_t size
    if h2.failed or stream.id == 0 or stream.flags & (H2S_RESET | H2S_LOCAL_END | H2S_END_QUEUED):
        return 0
    if buf_len(&stream.queue):
        return _queue(h2, stream, p, n, end)
    while n:
        size = _allowed(h2, stream, n)
        if size == 0:
            return _queue(h2, stream, p, n, end)
        if _frame(h2, stream, p, size, end and size == n) < 0:
            return -1
        p += size
        n -= size
        if n == 0 and end:
            _ended(h2, stream)
            return 0
    if end:
        if _frame(h2, stream, NULL, 0, True) < 0:
            return -1
        _ended(h2, stream)
    return 0


# -- trailers

cdef int _keep_tail(H2 *h2, H2Stream *stream, const Head *trailers) noexcept nogil:
    # Behind a body that waits.  Their head's memory may go before their turn comes, and the table of names and values
    # is only right when they are written: they are kept as they are.
    cdef const Header *item
    cdef char sizes[9]
    cdef uint32_t i
    for i in range(trailers.count):
        item = &trailers.items[i]
        if _left_out(item):
            continue
        put32(sizes, item.name_len)
        put32(sizes + 4, item.value_len)
        sizes[8] = item.hash != 0
        if buf_append(h2.pool, &stream.tail, sizes, 9) < 0 \
                or buf_append(h2.pool, &stream.tail, item.name, item.name_len) < 0 \
                or buf_append(h2.pool, &stream.tail, item.value, item.value_len) < 0:
            return _no_memory(h2)
    stream.flags |= H2S_END_QUEUED | H2S_TAIL
    return 0


cdef int _write_tail(H2 *h2, H2Stream *stream) noexcept nogil:
    cdef int64_t at = _begin_block(h2)
    cdef int failed = -1 if at < 0 else 0
    cdef const char *p = stream.tail.data + stream.tail.start
    cdef const char *end = stream.tail.data + stream.tail.end
    cdef uint32_t name_len, value_len
    while p < end and failed == 0:
        name_len = be32(p)
        value_len = be32(p + 4)
        failed = hpack_put(&h2.encoder, h2.pool, h2.out, slice_of(p + 9, name_len),
                           slice_of(p + 9 + name_len, value_len), H_UNKNOWN, p[8] != 0)
        p += 9 + name_len + value_len
    buf_release(h2.pool, &stream.tail)
    return _finish_head(h2, stream, at, failed, True)


cdef int h2_send_trailers(H2 *h2, H2Stream *stream, const Head *trailers) noexcept nogil:
    cdef int64_t at
    if h2.failed or stream.id == 0 or stream.flags & (H2S_RESET | H2S_LOCAL_END | H2S_END_QUEUED):
        return 0
    if buf_len(&stream.queue):
        return _keep_tail(h2, stream, trailers)
    at = _begin_block(h2)
    return _finish_head(h2, stream, at, -1 if at < 0 else _put_fields(h2, trailers), True)


# -- queues

cdef bint _send_some(H2 *h2, H2Stream *stream) noexcept nogil:
    # One frame of its queue.  False: nothing may go.
    cdef uint32_t n = buf_len(&stream.queue)
    cdef uint32_t size = _allowed(h2, stream, n)
    cdef bint last = size == n
    cdef bint end = last and stream.flags & (H2S_END_QUEUED | H2S_TAIL) == H2S_END_QUEUED
    if size == 0 or _frame(h2, stream, stream.queue.data + stream.queue.start, size, end) < 0:
        return False
    buf_consume(h2.pool, &stream.queue, size)
    h2_unblock(h2, stream)
    if not last:
        h2_block(h2, stream)        # to the end of the line
        return True
    if stream.flags & H2S_TAIL:
        _write_tail(h2, stream)
    elif end:
        _ended(h2, stream)
    elif h2.events.writable != NULL:
        h2.events.writable(h2, stream)
    return True


cdef void h2_flush_stream(H2 *h2, H2Stream *stream) noexcept nogil:
    cdef uint32_t id = stream.id
    while stream.id == id and stream.flags & H2S_BLOCKED and not h2.failed and _send_some(h2, stream):
        pass


cdef void h2_flush(H2 *h2) noexcept nogil:
    # Around the line until nobody in it may send any more.
    cdef uint32_t left = h2.blocked_count
    cdef bint moved = False
    cdef H2Stream *stream
    while left and h2.blocked != NULL and not h2.failed and h2.send_window > 0 \
            and buf_len(h2.out) < h2.config.out_limit:
        left -= 1
        stream = h2.blocked
        if _send_some(h2, stream):
            moved = True
        elif not h2.failed:
            h2_unblock(h2, stream)
            h2_block(h2, stream)
        if left == 0 and moved:
            moved = False
            left = h2.blocked_count


# -- what the peer may send

cdef inline void _give_back(H2 *h2, uint32_t id, uint32_t *consumed, int64_t *window, uint32_t whole,
                            uint32_t n) noexcept nogil:
    consumed[0] += n
    if consumed[0] and consumed[0] >= whole // 2:
        h2_write_window(h2, id, consumed[0])
        window[0] += consumed[0]
        consumed[0] = 0


cdef void h2_consumed_here(H2 *h2, uint32_t n) noexcept nogil:
    if not h2.failed:
        _give_back(h2, 0, &h2.consumed, &h2.recv_window, h2.config.connection_window, n)


cdef void h2_consumed(H2 *h2, H2Stream *stream, uint32_t n) noexcept nogil:
    h2_consumed_here(h2, n)
    if not h2.failed and stream.id and not stream.flags & (H2S_REMOTE_END | H2S_RESET):
        _give_back(h2, stream.id, &stream.consumed, &stream.recv_window, h2.config.stream_window, n)
