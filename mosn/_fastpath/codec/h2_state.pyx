"""A connection written down (see h2_state.pxd)."""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from mosn._fastpath.codec.h2_streams cimport h2_block, h2_find, h2_open
from mosn._fastpath.codec.h2_types cimport (
    H2_CLOSED, H2_LEAST_FRAME, H2_MOST_WINDOW, H2_PREFACE_BYTES, H2S_BLOCKED, H2Stream,
)
from mosn._fastpath.codec.hpack_decode cimport hpack_decoder_init
from mosn._fastpath.codec.hpack_encode cimport hpack_encoder_init
from mosn._fastpath.codec.hpack_state cimport (
    hpack_decoder_restore, hpack_decoder_save, hpack_encoder_restore, hpack_encoder_save,
)
from mosn._fastpath.codec.state_bytes cimport read_below, read_bytes, read_number, write_bytes, write_number
from mosn._fastpath.memory cimport Buf, Slice, buf_append, buf_len

cdef enum:
    VERSION = 1
    NUMBERS = 37
    MOST_STREAMS = 1 << 20
    FLAGS = 4095                # of a stream


cdef void _write_buf(StateWriter *to, const Buf *b) noexcept nogil:
    write_bytes(to, b.data + b.start if b.data != NULL else NULL, buf_len(b))


cdef void _save_numbers(const H2 *h2, StateWriter *to) noexcept nogil:
    cdef uint64_t[NUMBERS] numbers = [
        h2.client, h2.peer.table_size, h2.peer.max_streams, h2.peer.window, h2.peer.max_frame, h2.peer.list_bytes,
        h2.peer.push, h2.peer.connect_protocol, h2.last_peer_id, h2.next_id, <uint64_t>h2.send_window,
        <uint64_t>h2.recv_window, h2.consumed, h2.settings_unacked, h2.preface, h2.settings_seen, h2.data_left,
        h2.pad_left, h2.data_id, h2.data_flags, h2.block_id, h2.block_flags, h2.continuations, h2.goaway_last,
        h2.peer_goaway_last, h2.goaway_sent, h2.goaway_received, h2.failed, h2.control_out, h2.empty_in,
        h2.priorities_in, h2.window_updates_in, h2.data_out, h2.streams_opened, h2.streams_closed, h2.premature,
        h2.closed_at]
    cdef uint32_t i
    for i in range(<uint32_t>NUMBERS):
        write_number(to, numbers[i])


cdef void _save_stream(const H2Stream *stream, StateWriter *to) noexcept nogil:
    write_number(to, stream.id)
    write_number(to, stream.flags)
    write_number(to, <uint64_t>stream.send_window)
    write_number(to, <uint64_t>stream.recv_window)
    write_number(to, stream.consumed)
    write_number(to, <uint64_t>stream.expect)
    write_number(to, stream.opened_ms)
    _write_buf(to, &stream.queue)
    _write_buf(to, &stream.tail)


cdef void h2_save(const H2 *h2, StateWriter *to) noexcept nogil:
    cdef const H2Stream *stream
    cdef uint32_t i
    write_number(to, VERSION)
    _save_numbers(h2, to)
    for i in range(<uint32_t>H2_CLOSED):
        write_number(to, h2.closed[i].id)
        write_number(to, h2.closed[i].how)
    _write_buf(to, &h2.block)
    hpack_decoder_save(&h2.decoder, to)
    hpack_encoder_save(&h2.encoder, to)
    write_number(to, h2.stream_count)
    for i in range(h2.table_size):
        stream = h2.table[i]
        while stream != NULL:
            _save_stream(stream, to)
            stream = stream.chain
    # The line of those that wait, in its order.
    write_number(to, h2.blocked_count)
    stream = h2.blocked
    while stream != NULL:
        write_number(to, stream.id)
        stream = stream.next_blocked


# -- back

cdef void _restore_settings(H2 *h2, StateReader *at) noexcept nogil:
    h2.client = read_below(at, 1) != 0
    h2.peer.table_size = read_below(at, 0xffffffff)
    h2.peer.max_streams = read_below(at, 0xffffffff)
    h2.peer.window = read_below(at, H2_MOST_WINDOW)
    h2.peer.max_frame = read_below(at, 0xffffff)
    h2.peer.list_bytes = read_below(at, 0xffffffff)
    h2.peer.push = read_below(at, 1) != 0
    h2.peer.connect_protocol = read_below(at, 1) != 0


cdef void _restore_reading(H2 *h2, StateReader *at) noexcept nogil:
    h2.last_peer_id = read_below(at, H2_MOST_WINDOW)
    h2.next_id = read_below(at, 0xffffffff)
    h2.send_window = <int64_t>read_number(at)
    h2.recv_window = <int64_t>read_number(at)
    h2.consumed = read_below(at, H2_MOST_WINDOW)
    h2.settings_unacked = read_below(at, H2_MOST_WINDOW)
    h2.preface = read_below(at, H2_PREFACE_BYTES)
    h2.settings_seen = read_below(at, 1) != 0
    h2.data_left = read_below(at, H2_LEAST_FRAME)
    h2.pad_left = read_below(at, 255)
    h2.data_id = read_below(at, H2_MOST_WINDOW)
    h2.data_flags = <uint8_t>read_below(at, 255)
    h2.block_id = read_below(at, H2_MOST_WINDOW)
    h2.block_flags = <uint8_t>read_below(at, 255)
    h2.continuations = read_below(at, H2_MOST_WINDOW)


cdef void _restore_counters(H2 *h2, StateReader *at) noexcept nogil:
    h2.goaway_last = read_below(at, H2_MOST_WINDOW)
    h2.peer_goaway_last = read_below(at, H2_MOST_WINDOW)
    h2.goaway_sent = read_below(at, 1) != 0
    h2.goaway_received = read_below(at, 1) != 0
    h2.failed = read_below(at, 1) != 0
    h2.control_out = read_below(at, 0xffffffff)
    h2.empty_in = read_below(at, 0xffffffff)
    h2.priorities_in = read_number(at)
    h2.window_updates_in = read_number(at)
    h2.data_out = read_number(at)


cdef void _restore_buf(H2 *h2, StateReader *at, Buf *b) noexcept nogil:
    cdef Slice bytes = read_bytes(at)
    if not at.failed and buf_append(h2.pool, b, bytes.p, bytes.n) < 0:
        at.failed = True


cdef void _restore_stream(H2 *h2, StateReader *at) noexcept nogil:
    cdef uint32_t id = read_below(at, H2_MOST_WINDOW)
    cdef H2Stream *stream = h2_open(h2, id) if not at.failed and id and h2_find(h2, id) == NULL else NULL
    if stream == NULL:
        at.failed = True
        return
    stream.flags |= read_below(at, FLAGS) & ~<uint32_t>H2S_BLOCKED
    stream.send_window = <int64_t>read_number(at)
    stream.recv_window = <int64_t>read_number(at)
    stream.consumed = read_below(at, H2_MOST_WINDOW)
    stream.expect = <int64_t>read_number(at)
    stream.opened_ms = read_number(at)
    _restore_buf(h2, at, &stream.queue)
    _restore_buf(h2, at, &stream.tail)


cdef void _restore_streams(H2 *h2, StateReader *at) noexcept nogil:
    cdef uint32_t left = read_below(at, MOST_STREAMS)
    cdef H2Stream *stream
    while left and not at.failed:
        left -= 1
        _restore_stream(h2, at)
    left = read_below(at, MOST_STREAMS)
    while left and not at.failed:
        left -= 1
        stream = h2_find(h2, read_below(at, H2_MOST_WINDOW))
        if stream == NULL:
            at.failed = True
        else:
            h2_block(h2, stream)


cdef void h2_restore(H2 *h2, StateReader *at) noexcept nogil:
    cdef uint64_t opened, closed, premature
    cdef uint32_t i
    hpack_decoder_init(&h2.decoder)
    hpack_encoder_init(&h2.encoder)
    if read_number(at) != VERSION:
        at.failed = True
    _restore_settings(h2, at)
    _restore_reading(h2, at)
    _restore_counters(h2, at)
    opened = read_number(at)
    closed = read_number(at)
    premature = read_number(at)
    h2.closed_at = read_below(at, 0xffffffff)
    for i in range(<uint32_t>H2_CLOSED):
        h2.closed[i].id = read_below(at, H2_MOST_WINDOW)
        h2.closed[i].how = <uint8_t>read_below(at, 255)
    _restore_buf(h2, at, &h2.block)
    hpack_decoder_restore(&h2.decoder, h2.pool, at)
    hpack_encoder_restore(&h2.encoder, h2.pool, at)
    _restore_streams(h2, at)
    h2.streams_opened = opened
    h2.streams_closed = closed
    h2.premature = premature
