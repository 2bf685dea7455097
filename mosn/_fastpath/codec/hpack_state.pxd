# HPACK's memory written down and read back (a hot upgrade takes connections along).

from mosn._fastpath.codec.hpack_decode cimport HpackDecoder
from mosn._fastpath.codec.hpack_encode cimport HpackEncoder
from mosn._fastpath.codec.state_bytes cimport StateReader, StateWriter
from mosn._fastpath.memory cimport BlockPool


cdef void hpack_decoder_save(const HpackDecoder *decoder, StateWriter *to) noexcept nogil
cdef void hpack_encoder_save(const HpackEncoder *encoder, StateWriter *to) noexcept nogil
# Into one that was initialised; it is to be freed even after a failure (at.failed).
cdef void hpack_decoder_restore(HpackDecoder *decoder, BlockPool *pool, StateReader *at) noexcept nogil
cdef void hpack_encoder_restore(HpackEncoder *encoder, BlockPool *pool, StateReader *at) noexcept nogil
