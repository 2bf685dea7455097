"""Frames that are not about messages (see h2_control.pxd)."""

from libc.stdint cimport int64_t, uint32_t

from mosn._fastpath.codec.frame cimport be16, be32
from mosn._fastpath.codec.h2_frames cimport h2_fail, h2_note, h2_write_ping, h2_write_settings_ack
from mosn._fastpath.codec.h2_send cimport h2_flush, h2_flush_stream
from mosn._fastpath.codec.h2_streams cimport h2_find, h2_judge_reset, h2_reset, h2_settle
from mosn._fastpath.codec.h2_types cimport (
    H2_ACK, H2_ENHANCE_YOUR_CALM, H2_FLOW_CONTROL_ERROR, H2_FRAME_SIZE_ERROR, H2_LEAST_FRAME, H2_MOST_WINDOW,
    H2_PROTOCOL_ERROR, H2_SET_CONNECT, H2_SET_FRAME, H2_SET_LIST, H2_SET_PUSH, H2_SET_STREAMS, H2_SET_TABLE_SIZE,
    H2_SET_WINDOW, H2N_EMPTY_FLOOD, H2N_PRIORITY_FLOOD, H2N_RX_RESET, H2N_WINDOW_FLOOD, H2S_OWNED, H2S_REMOTE_END,
    H2S_RESET,
)
from mosn._fastpath.codec.hpack_decode cimport hpack_decoder_allow
from mosn._fastpath.codec.hpack_encode cimport hpack_encoder_allow

cdef enum:
    LARGEST_FRAME = 0xffffff


# -- streams

cdef void h2_stream_error(H2 *h2, H2Stream *stream, uint32_t code) noexcept nogil:
    cdef uint32_t id = stream.id
    if stream.flags & H2S_RESET:
        return
    if stream.flags & H2S_OWNED:
        h2_reset(h2, stream, code)
        h2.events.reset(h2, stream, code, False)
    else:
        h2_reset(h2, stream, code)
    if stream.id == id:
        h2_settle(h2, stream)


cdef bint h2_is_idle(const H2 *h2, uint32_t id) noexcept nogil:
    # Never opened (RFC 9113 5.1).
    if h2.client == (id & 1):
        return id >= h2.next_id
    return id > h2.last_peer_id


cdef bint h2_empty_frame(H2 *h2, bint empty) noexcept nogil:
    # False: too many in a row.
    if not empty:
        h2.empty_in = 0
        return True
    h2.empty_in += 1
    if h2.empty_in <= h2.config.max_empty:
        return True
    h2_note(h2, H2N_EMPTY_FLOOD)
    h2_fail(h2, H2_ENHANCE_YOUR_CALM, b"too many empty frames")
    return False


# -- SETTINGS

cdef void _all_windows(H2 *h2, int64_t by) noexcept nogil:
    # RFC 9113 6.9.2: the difference counts for every stream.
    cdef uint32_t i
    cdef H2Stream *stream
    for i in range(h2.table_size):
        stream = h2.table[i]
        while stream != NULL:
            stream.send_window += by
            if stream.send_window > H2_MOST_WINDOW:
                h2_fail(h2, H2_FLOW_CONTROL_ERROR, b"a window above 2^31 - 1")
                return
            stream = stream.chain


cdef void _setting(H2 *h2, uint32_t name, uint32_t value) noexcept nogil:
    if name == H2_SET_TABLE_SIZE:
        h2.peer.table_size = value
        hpack_encoder_allow(&h2.encoder, h2.pool, value, h2.config.encoder_table)
    elif name == H2_SET_PUSH:
        if value > 1 or (h2.client and value):
            h2_fail(h2, H2_PROTOCOL_ERROR, b"invalid SETTINGS_ENABLE_PUSH")
        h2.peer.push = value != 0
    elif name == H2_SET_STREAMS:
        h2.peer.max_streams = value
    elif name == H2_SET_WINDOW:
        if value > <uint32_t>H2_MOST_WINDOW:
            h2_fail(h2, H2_FLOW_CONTROL_ERROR, b"invalid SETTINGS_INITIAL_WINDOW_SIZE")
            return
        _all_windows(h2, <int64_t>value - h2.peer.window)
        h2.peer.window = value
    elif name == H2_SET_FRAME:
        if value < H2_LEAST_FRAME or value > LARGEST_FRAME:
            h2_fail(h2, H2_PROTOCOL_ERROR, b"invalid SETTINGS_MAX_FRAME_SIZE")
        h2.peer.max_frame = value
    elif name == H2_SET_LIST:
        h2.peer.list_bytes = value
    elif name == H2_SET_CONNECT:
        if value > 1:
            h2_fail(h2, H2_PROTOCOL_ERROR, b"invalid SETTINGS_ENABLE_CONNECT_PROTOCOL")
        h2.peer.connect_protocol = value != 0


cdef void h2_apply_settings(H2 *h2, const char *payload, uint32_t n) noexcept nogil:
    cdef uint32_t at = 0
    while at + 6 <= n and not h2.failed:
        _setting(h2, be16(payload + at), be32(payload + at + 2))
        at += 6


cdef void h2_on_settings(H2 *h2, const char *payload, const H2Frame *frame) noexcept nogil:
    if frame.flags & H2_ACK:
        if frame.length:
            h2_fail(h2, H2_FRAME_SIZE_ERROR, b"SETTINGS acknowledgement with values")
        elif not h2.settings_seen:
            h2_fail(h2, H2_PROTOCOL_ERROR, b"the first frame is not SETTINGS")
        elif h2.settings_unacked:
            h2.settings_unacked -= 1
            hpack_decoder_allow(&h2.decoder, h2.config.table_size)
        return
    if frame.length % 6:
        h2_fail(h2, H2_FRAME_SIZE_ERROR, b"SETTINGS of a wrong size")
        return
    h2_apply_settings(h2, payload, frame.length)
    if h2.failed:
        return
    h2.settings_seen = True
    h2_write_settings_ack(h2)
    if h2.events.settings != NULL and not h2.failed:
        h2.events.settings(h2)
    h2_flush(h2)


# -- the others

cdef void h2_on_ping(H2 *h2, const char *payload, const H2Frame *frame) noexcept nogil:
    if frame.length != 8:
        h2_fail(h2, H2_FRAME_SIZE_ERROR, b"PING of a wrong size")
    elif not frame.flags & H2_ACK:
        h2_write_ping(h2, payload, True)
    elif h2.events.ponged != NULL:
        h2.events.ponged(h2)


cdef void h2_on_goaway(H2 *h2, const char *payload, const H2Frame *frame) noexcept nogil:
    cdef uint32_t last
    if frame.length < 8:
        h2_fail(h2, H2_FRAME_SIZE_ERROR, b"GOAWAY of a wrong size")
        return
    last = be32(payload) & H2_MOST_WINDOW
    if h2.goaway_received and last > h2.peer_goaway_last:
        h2_fail(h2, H2_PROTOCOL_ERROR, b"GOAWAY with a larger last stream")
        return
    h2.goaway_received = True
    h2.peer_goaway_last = last
    if h2.events.goaway != NULL:
        h2.events.goaway(h2, last, be32(payload + 4))


cdef void h2_on_window(H2 *h2, const char *payload, const H2Frame *frame) noexcept nogil:
    cdef H2Stream *stream
    cdef uint32_t by
    h2.window_updates_in += 1
    if h2.window_updates_in > 5 + 2 * (h2.streams_opened + h2.config.max_window_updates * h2.data_out):
        h2_note(h2, H2N_WINDOW_FLOOD)
        h2_fail(h2, H2_ENHANCE_YOUR_CALM, b"too many WINDOW_UPDATE frames")
        return
    if frame.length != 4:
        h2_fail(h2, H2_FRAME_SIZE_ERROR, b"WINDOW_UPDATE of a wrong size")
        return
    by = be32(payload) & H2_MOST_WINDOW
    if frame.id == 0:
        _connection_window(h2, by)
        return
    stream = h2_find(h2, frame.id)
    if stream == NULL:
        if h2_is_idle(h2, frame.id):
            h2_fail(h2, H2_PROTOCOL_ERROR, b"WINDOW_UPDATE on an idle stream")
        return
    if by == 0:
        h2_stream_error(h2, stream, H2_PROTOCOL_ERROR)
        return
    stream.send_window += by
    if stream.send_window > H2_MOST_WINDOW:
        h2_stream_error(h2, stream, H2_FLOW_CONTROL_ERROR)
        return
    h2_flush_stream(h2, stream)


cdef void _connection_window(H2 *h2, uint32_t by) noexcept nogil:
    if by == 0:
        h2_fail(h2, H2_PROTOCOL_ERROR, b"WINDOW_UPDATE of nothing")
        return
    h2.send_window += by
    if h2.send_window > H2_MOST_WINDOW:
        h2_fail(h2, H2_FLOW_CONTROL_ERROR, b"a window above 2^31 - 1")
        return
    h2_flush(h2)


cdef void h2_on_reset(H2 *h2, const char *payload, const H2Frame *frame) noexcept nogil:
    cdef H2Stream *stream = h2_find(h2, frame.id)
    if frame.length != 4:
        h2_fail(h2, H2_FRAME_SIZE_ERROR, b"RST_STREAM of a wrong size")
        return
    h2_note(h2, H2N_RX_RESET)
    if stream == NULL:
        if h2_is_idle(h2, frame.id):
            h2_fail(h2, H2_PROTOCOL_ERROR, b"RST_STREAM on an idle stream")
        return
    if stream.flags & H2S_RESET:
        return
    h2_judge_reset(h2, stream)
    stream.flags |= H2S_RESET | H2S_REMOTE_END
    if stream.flags & H2S_OWNED:
        h2.events.reset(h2, stream, be32(payload), True)
    h2_settle(h2, stream)


cdef void h2_on_priority(H2 *h2, const char *payload, const H2Frame *frame) noexcept nogil:
    # RFC 9113 5.3: nothing is done with it, but it has to be well formed.
    cdef H2Stream *stream
    h2.priorities_in += 1
    if h2.priorities_in > h2.config.max_priority * (1 + h2.streams_opened):
        h2_note(h2, H2N_PRIORITY_FLOOD)
        h2_fail(h2, H2_ENHANCE_YOUR_CALM, b"too many PRIORITY frames")
    elif frame.length != 5:
        h2_fail(h2, H2_FRAME_SIZE_ERROR, b"PRIORITY of a wrong size")
    elif be32(payload) & H2_MOST_WINDOW == frame.id:
        stream = h2_find(h2, frame.id)
        if stream != NULL:
            h2_stream_error(h2, stream, H2_PROTOCOL_ERROR)
        else:
            h2_fail(h2, H2_PROTOCOL_ERROR, b"a stream that depends on itself")
