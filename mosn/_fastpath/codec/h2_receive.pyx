"""Frames that come (see h2_receive.pxd).

A frame's head is looked at when it is there; a frame that is too long, or not allowed where it stands, fails before
its payload has come.  After every event the connection may have failed and the stream may be gone.
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.string cimport memcmp

from mosn._fastpath.codec.frame cimport be16, be32
from mosn._fastpath.codec.h2_block cimport h2_block_continue, h2_block_start
from mosn._fastpath.codec.h2_control cimport (
    h2_empty_frame, h2_is_idle, h2_on_goaway, h2_on_ping, h2_on_priority, h2_on_reset, h2_on_settings, h2_on_window,
    h2_stream_error,
)
from mosn._fastpath.codec.h2_frames cimport h2_fail, h2_note
from mosn._fastpath.codec.h2_send cimport h2_consumed_here
from mosn._fastpath.codec.h2_streams cimport h2_closed, h2_find, h2_settle
from mosn._fastpath.codec.h2_types cimport (
    H2_CONTINUATION, H2_DATA, H2_END_STREAM, H2_FLOW_CONTROL_ERROR, H2_FRAME_HEAD, H2_FRAME_SIZE_ERROR, H2_GOAWAY,
    H2_HEADERS, H2_LEAST_FRAME, H2_MOST_WINDOW, H2_PADDED, H2_PING, H2_PREFACE_BYTES, H2_PRIORITY,
    H2_PROTOCOL_ERROR, H2_PUSH_PROMISE, H2_RST_STREAM, H2_SETTINGS, H2_STREAM_CLOSED, H2_WINDOW_UPDATE, H2Frame,
    H2N_MESSAGING_ERROR, H2S_HEAD_IN, H2S_NO_BODY, H2S_OWNED, H2S_REMOTE_END, H2S_RESET, H2Stream,
)

cdef const char *PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


cdef int64_t _preface(H2 *h2, const char *p, size_t n) noexcept nogil:
    cdef uint32_t size = h2.preface if n > h2.preface else <uint32_t>n
    if memcmp(p, PREFACE + (H2_PREFACE_BYTES - h2.preface), size) != 0:
        h2_fail(h2, H2_PROTOCOL_ERROR, b"no HTTP/2 preface")
        return -1
    h2.preface -= size
    return size


# -- DATA

cdef void _deliver(H2 *h2, H2Stream *stream, const char *p, uint32_t n, bint end) noexcept nogil:
    if stream.expect >= 0 and not stream.flags & H2S_NO_BODY:
        stream.expect -= n
    if end:
        stream.flags |= H2S_REMOTE_END
    if stream.flags & H2S_OWNED:
        h2.events.data(h2, stream, p, n, end)
    else:
        h2_consumed_here(h2, n)
    h2_settle(h2, stream)


cdef H2Stream *_data_stream(H2 *h2, uint32_t id) noexcept nogil:
    # The stream that DATA is for, or NULL: it is thrown away, if the connection has not failed.
    cdef H2Stream *stream = h2_find(h2, id)
    cdef int how
    if stream == NULL:
        if id == 0 or h2_is_idle(h2, id):
            h2_fail(h2, H2_PROTOCOL_ERROR, b"DATA on an idle stream")
            return NULL
        how = h2_closed(h2, id)
        if how == H2S_RESET or (h2.goaway_sent and id > h2.goaway_last):
            return NULL
        h2_fail(h2, H2_STREAM_CLOSED, b"DATA on a closed stream")
        return NULL
    if stream.flags & H2S_RESET:
        return NULL
    if stream.flags & H2S_REMOTE_END:
        h2_stream_error(h2, stream, H2_STREAM_CLOSED)
        return NULL
    if not stream.flags & H2S_HEAD_IN:
        h2_stream_error(h2, stream, H2_PROTOCOL_ERROR)
        return NULL
    return stream


cdef void _take_window(H2 *h2, H2Stream *stream, uint32_t n) noexcept nogil:
    h2.recv_window -= n
    if h2.recv_window < 0:
        h2_fail(h2, H2_FLOW_CONTROL_ERROR, b"more DATA than the connection's window")
        return
    if stream == NULL:
        return
    stream.recv_window -= n
    if stream.recv_window < 0:
        h2_stream_error(h2, stream, H2_FLOW_CONTROL_ERROR)


cdef void _check_length(H2 *h2, H2Stream *stream, uint32_t n, bint end) noexcept nogil:
    # Of the whole frame, before any of it is told: so it does not depend on how the bytes come.
    if stream.flags & (H2S_RESET | H2S_NO_BODY) or stream.expect < 0:
        return
    if n > stream.expect or (end and n < stream.expect):
        h2_note(h2, H2N_MESSAGING_ERROR)
        h2_stream_error(h2, stream, H2_PROTOCOL_ERROR)


cdef int64_t _data_head(H2 *h2, const char *p, size_t n, const H2Frame *frame) noexcept nogil:
    # What is in front of the data itself.  0: more is needed.
    cdef uint32_t padding = 0
    cdef uint32_t before = 0
    cdef H2Stream *stream
    if frame.flags & H2_PADDED:
        if frame.length == 0:
            h2_fail(h2, H2_FRAME_SIZE_ERROR, b"padded DATA without a length of padding")
            return -1
        if n < H2_FRAME_HEAD + 1:
            return 0
        before = 1
        padding = <uint8_t>p[H2_FRAME_HEAD]
        if padding + 1 > frame.length:
            h2_fail(h2, H2_PROTOCOL_ERROR, b"more padding than DATA")
            return -1
    stream = _data_stream(h2, frame.id)
    if h2.failed:
        return -1
    _take_window(h2, stream, frame.length)
    if h2.failed or not h2_empty_frame(h2, frame.length == before + padding and not frame.flags & H2_END_STREAM):
        return -1
    if stream != NULL and stream.id == frame.id:
        stream.consumed += before + padding     # nobody keeps padding
        _check_length(h2, stream, frame.length - before - padding, frame.flags & H2_END_STREAM != 0)
    h2_consumed_here(h2, before)
    h2.data_id = frame.id
    h2.data_flags = frame.flags
    h2.data_left = frame.length - before - padding
    h2.pad_left = padding
    if h2.data_left == 0:
        _data_end(h2)
    return H2_FRAME_HEAD + before


cdef void _data_end(H2 *h2) noexcept nogil:
    # A frame without data (left) still ends the stream.
    cdef H2Stream *stream = h2_find(h2, h2.data_id)
    if h2.data_flags & H2_END_STREAM and stream != NULL and not stream.flags & (H2S_RESET | H2S_REMOTE_END):
        _deliver(h2, stream, NULL, 0, True)


cdef int64_t _data(H2 *h2, const char *p, size_t n) noexcept nogil:
    cdef uint32_t size = h2.data_left if n > h2.data_left else <uint32_t>n
    cdef H2Stream *stream = h2_find(h2, h2.data_id)
    h2.data_left -= size
    if stream != NULL and not stream.flags & (H2S_RESET | H2S_REMOTE_END):
        _deliver(h2, stream, p, size, h2.data_left == 0 and h2.data_flags & H2_END_STREAM != 0)
    else:
        h2_consumed_here(h2, size)
    return size


cdef int64_t _padding(H2 *h2, size_t n) noexcept nogil:
    cdef uint32_t size = h2.pad_left if n > h2.pad_left else <uint32_t>n
    h2.pad_left -= size
    h2_consumed_here(h2, size)
    return size


# -- frames

cdef const char *_misplaced(const H2 *h2, const H2Frame *frame) noexcept nogil:
    # RFC 9113 3.4, 4.3, 6: what may not come here at all.
    if h2.block_id and (frame.kind != H2_CONTINUATION or frame.id != h2.block_id):
        return b"a head that is not finished"
    if not h2.settings_seen and frame.kind != H2_SETTINGS:
        return b"the first frame is not SETTINGS"
    if frame.kind in (H2_DATA, H2_HEADERS, H2_PRIORITY, H2_RST_STREAM, H2_CONTINUATION) and frame.id == 0:
        return b"a stream's frame on the connection"
    if frame.kind in (H2_SETTINGS, H2_PING, H2_GOAWAY) and frame.id:
        return b"a connection's frame on a stream"
    if frame.kind == H2_CONTINUATION and h2.block_id == 0:
        return b"CONTINUATION without a head"
    if frame.kind == H2_PUSH_PROMISE:
        return b"PUSH_PROMISE"
    return NULL


cdef void _dispatch(H2 *h2, const char *payload, const H2Frame *frame) noexcept nogil:
    if frame.kind == H2_HEADERS:
        h2_block_start(h2, payload, frame)
    elif frame.kind == H2_CONTINUATION:
        h2_block_continue(h2, payload, frame)
    elif frame.kind == H2_WINDOW_UPDATE:
        h2_on_window(h2, payload, frame)
    elif frame.kind == H2_RST_STREAM:
        h2_on_reset(h2, payload, frame)
    elif frame.kind == H2_SETTINGS:
        h2_on_settings(h2, payload, frame)
    elif frame.kind == H2_PING:
        h2_on_ping(h2, payload, frame)
    elif frame.kind == H2_GOAWAY:
        h2_on_goaway(h2, payload, frame)
    elif frame.kind == H2_PRIORITY:
        h2_on_priority(h2, payload, frame)


cdef int64_t _frame(H2 *h2, const char *p, size_t n) noexcept nogil:
    cdef H2Frame frame
    cdef const char *wrong
    if n < H2_FRAME_HEAD:
        return 0
    frame.length = (<uint32_t><uint8_t>p[0] << 16) | be16(p + 1)
    frame.kind = <uint8_t>p[3]
    frame.flags = <uint8_t>p[4]
    frame.id = be32(p + 5) & H2_MOST_WINDOW
    wrong = _misplaced(h2, &frame)
    if wrong != NULL:
        h2_fail(h2, H2_PROTOCOL_ERROR, wrong)
        return -1
    if frame.length > H2_LEAST_FRAME:
        h2_fail(h2, H2_FRAME_SIZE_ERROR, b"a frame larger than SETTINGS_MAX_FRAME_SIZE")
        return -1
    if frame.kind == H2_DATA:
        return _data_head(h2, p, n, &frame)
    if n < H2_FRAME_HEAD + frame.length:
        return 0
    _dispatch(h2, p + H2_FRAME_HEAD, &frame)
    return H2_FRAME_HEAD + frame.length


cdef int64_t h2_feed(H2 *h2, const char *p, size_t n) noexcept nogil:
    cdef size_t done = 0
    cdef int64_t used
    while done < n and not h2.failed:
        if h2.preface:
            used = _preface(h2, p + done, n - done)
        elif h2.data_left:
            used = _data(h2, p + done, n - done)
        elif h2.pad_left:
            used = _padding(h2, n - done)
        else:
            used = _frame(h2, p + done, n - done)
        if used <= 0:
            break
        done += <size_t>used
    return -1 if h2.failed else <int64_t>done
