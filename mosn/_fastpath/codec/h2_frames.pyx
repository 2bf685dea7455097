"""Frames that are written (see h2_frames.pxd).  Without memory for one, the connection has failed."""

from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memcpy

from mosn._fastpath.codec.frame cimport put16, put32
from mosn._fastpath.codec.h2_types cimport (
    H2_ACK, H2_DEFAULT_WINDOW, H2_ENHANCE_YOUR_CALM, H2_FRAME_HEAD, H2_GOAWAY, H2_INTERNAL_ERROR, H2_PING,
    H2_PREFACE_BYTES, H2_RST_STREAM, H2_SETTINGS, H2_SET_CONNECT, H2_SET_LIST, H2_SET_PUSH, H2_SET_STREAMS,
    H2_SET_TABLE_SIZE, H2_SET_WINDOW, H2_WINDOW_UPDATE, H2N_CONTROL_FLOOD, H2N_GOAWAY_SENT, H2N_TX_RESET,
)
from mosn._fastpath.codec.hpack_decode cimport HPACK_DEFAULT_TABLE
from mosn._fastpath.memory cimport buf_append, buf_reserve

cdef const char *PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


cdef void h2_note(H2 *h2, int what) noexcept nogil:
    if h2.events.note != NULL:
        h2.events.note(h2, <uint8_t>what)


cdef char *h2_put_head(char *out, uint32_t n, uint32_t kind, uint32_t flags, uint32_t id) noexcept nogil:
    out[0] = <char>(n >> 16)
    put16(out + 1, n & 0xffff)
    out[3] = <char>kind
    out[4] = <char>flags
    put32(out + 5, id)
    return out + H2_FRAME_HEAD


cdef char *_frame(H2 *h2, uint32_t n, uint32_t kind, uint32_t flags, uint32_t id) noexcept nogil:
    # Room for the payload, which is written by the caller; NULL: no memory.
    cdef char *at
    if buf_reserve(h2.pool, h2.out, H2_FRAME_HEAD + n) < 0:
        if not h2.failed:
            h2.failed = True
            h2.error = H2_INTERNAL_ERROR
            h2.why = b"out of memory"
        return NULL
    at = h2.out.data + h2.out.end
    h2.out.end += H2_FRAME_HEAD + n
    return h2_put_head(at, n, kind, flags, id)


cdef char *_answer(H2 *h2, uint32_t n, uint32_t kind, uint32_t flags, uint32_t id) noexcept nogil:
    # A frame that the peer makes us write: it may not make us keep many of them.
    h2.control_out += 1
    if h2.control_out > h2.config.max_control and not h2.failed:
        h2_note(h2, H2N_CONTROL_FLOOD)
        h2_fail(h2, H2_ENHANCE_YOUR_CALM, b"too many frames to answer")
    return NULL if h2.failed else _frame(h2, n, kind, flags, id)


cdef inline char *_setting(char *at, uint32_t name, uint32_t value) noexcept nogil:
    put16(at, name)
    put32(at + 2, value)
    return at + 6


cdef void h2_write_preface(H2 *h2) noexcept nogil:
    cdef char settings[64]
    cdef char *at = settings
    cdef char *out
    if h2.client:
        if buf_append(h2.pool, h2.out, PREFACE, H2_PREFACE_BYTES) < 0:
            h2.failed = True
            return
        at = _setting(at, H2_SET_PUSH, 0)
    else:
        at = _setting(at, H2_SET_STREAMS, h2.config.max_streams)
        if h2.config.connect_protocol:
            at = _setting(at, H2_SET_CONNECT, 1)
    if h2.config.stream_window != H2_DEFAULT_WINDOW:
        at = _setting(at, H2_SET_WINDOW, h2.config.stream_window)
    if h2.config.table_size != HPACK_DEFAULT_TABLE:
        at = _setting(at, H2_SET_TABLE_SIZE, h2.config.table_size)
    at = _setting(at, H2_SET_LIST, h2.config.limits.list_bytes)
    out = _frame(h2, <uint32_t>(at - settings), H2_SETTINGS, 0, 0)
    if out == NULL:
        return
    memcpy(out, settings, at - settings)
    h2.settings_unacked += 1
    if h2.config.connection_window > H2_DEFAULT_WINDOW:
        h2_write_window(h2, 0, h2.config.connection_window - H2_DEFAULT_WINDOW)
        h2.recv_window += h2.config.connection_window - H2_DEFAULT_WINDOW


cdef void h2_write_settings_ack(H2 *h2) noexcept nogil:
    _answer(h2, 0, H2_SETTINGS, H2_ACK, 0)


cdef void h2_write_ping(H2 *h2, const char *eight_bytes, bint ack) noexcept nogil:
    cdef char *out = _answer(h2, 8, H2_PING, H2_ACK, 0) if ack else _frame(h2, 8, H2_PING, 0, 0)
    if out != NULL:
        memcpy(out, eight_bytes, 8)


cdef void h2_write_reset(H2 *h2, uint32_t id, uint32_t code) noexcept nogil:
    cdef char *out = _answer(h2, 4, H2_RST_STREAM, 0, id)
    if out != NULL:
        put32(out, code)
        h2_note(h2, H2N_TX_RESET)


cdef void h2_write_window(H2 *h2, uint32_t id, uint32_t bytes) noexcept nogil:
    cdef char *out = _frame(h2, 4, H2_WINDOW_UPDATE, 0, id)
    if out != NULL:
        put32(out, bytes)


cdef void h2_write_goaway(H2 *h2, uint32_t last_id, uint32_t code) noexcept nogil:
    cdef char *out = _frame(h2, 8, H2_GOAWAY, 0, 0)
    if out == NULL:
        return
    put32(out, last_id)
    put32(out + 4, code)
    h2.goaway_sent = True
    h2.goaway_last = last_id
    h2_note(h2, H2N_GOAWAY_SENT)


cdef void h2_fail(H2 *h2, uint32_t code, const char *why) noexcept nogil:
    if h2.failed:
        return
    h2_write_goaway(h2, h2.last_peer_id, code)
    h2.failed = True
    h2.error = code
    h2.why = why
