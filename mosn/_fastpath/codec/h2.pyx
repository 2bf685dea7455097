"""A connection's beginning and end (see h2.pxd)."""

from libc.string cimport memset

from mosn._fastpath.codec.h2_frames cimport h2_write_goaway, h2_write_preface
from mosn._fastpath.codec.h2_streams cimport h2_streams_free
from mosn._fastpath.codec.h2_types cimport (
    H2_DEFAULT_WINDOW, H2_LEAST_FRAME, H2_MOST_WINDOW, H2_NO_ERROR, H2_PREFACE_BYTES,
)
from mosn._fastpath.codec.hpack_decode cimport (
    HPACK_DEFAULT_TABLE, hpack_decoder_free, hpack_decoder_init,
)
from mosn._fastpath.codec.hpack_encode cimport hpack_encoder_free, hpack_encoder_init
from mosn._fastpath.memory cimport buf_len, buf_release


cdef void h2_default_config(H2Config *config) noexcept nogil:
    memset(config, 0, sizeof(H2Config))
    config.max_streams = 1024
    config.stream_window = 262144
    config.connection_window = 1048576
    config.table_size = HPACK_DEFAULT_TABLE
    config.encoder_table = HPACK_DEFAULT_TABLE
    config.limits.list_bytes = 60 * 1024
    config.limits.fields = 100
    config.out_limit = 262144
    config.max_control = 1000
    config.max_empty = 1
    config.max_priority = 100
    config.max_window_updates = 10
    config.max_premature = 500
    config.premature_ms = 1000
    config.max_continuations = 64


cdef void h2_init(H2 *h2, const H2Config *config, const H2Events *events, bint client) noexcept nogil:
    # pool, out and owner are set already.
    h2.config = config[0]
    h2.events = events
    h2.client = client
    h2.next_id = 1 if client else 2
    h2.preface = 0 if client else H2_PREFACE_BYTES
    h2.send_window = H2_DEFAULT_WINDOW
    h2.recv_window = H2_DEFAULT_WINDOW
    h2.peer.table_size = HPACK_DEFAULT_TABLE
    h2.peer.max_streams = 100 if client else 0xffffffff
    h2.peer.window = H2_DEFAULT_WINDOW
    h2.peer.max_frame = H2_LEAST_FRAME
    h2.peer.list_bytes = 0xffffffff
    hpack_decoder_init(&h2.decoder)
    hpack_encoder_init(&h2.encoder)
    if config.table_size > HPACK_DEFAULT_TABLE:
        h2.decoder.allowed = config.table_size      # it may come with the acknowledgement or after it
    h2_write_preface(h2)


cdef void h2_free(H2 *h2) noexcept nogil:
    h2_streams_free(h2)
    hpack_decoder_free(&h2.decoder, h2.pool)
    hpack_encoder_free(&h2.encoder, h2.pool)
    buf_release(h2.pool, &h2.block)


cdef void h2_drain(H2 *h2, bint last) noexcept nogil:
    if not h2.failed:
        h2_write_goaway(h2, h2.last_peer_id if last else H2_MOST_WINDOW, H2_NO_ERROR)


cdef void h2_output_taken(H2 *h2) noexcept nogil:
    if buf_len(h2.out) == 0:
        h2.control_out = 0
