# What the fields of a head mean for its framing and its connection (private to the codec, but for the body kinds).

from libc.stdint cimport uint8_t, uint32_t

from mosn._fastpath.codec.http1_line cimport FirstLine
from mosn._fastpath.codec.http1_types cimport H1BodyDecoder
from mosn._fastpath.head cimport Head, Header
from mosn._fastpath.memory cimport Slice


cdef struct Facts:
    # What the fields say about framing and connection; judged once all are read.
    Slice host
    Slice length
    Slice coding
    Slice upgrade
    uint32_t hosts
    uint32_t lengths
    uint32_t codings
    bint wants_upgrade


# Take note of a field whose id is at most H_HTTP2_SETTINGS.
cdef void h1_note(const Header *item, Head *head, Facts *facts) noexcept nogil
# The judgement once all fields are noted: H1_OK with content_length, flags, authority and upgrade set, or an error.
cdef int h1_judge_request(Head *head, const FirstLine *first, const Facts *facts) noexcept nogil
cdef int h1_judge_response(Head *head, const FirstLine *first, const Facts *facts) noexcept nogil

# How the body of a parsed head is framed (RFC 9112 6.3).  request_method is a Method id.
cdef void h1_request_body(const Head *head, H1BodyDecoder *body) noexcept nogil
cdef void h1_response_body(const Head *head, uint8_t request_method, H1BodyDecoder *body) noexcept nogil
