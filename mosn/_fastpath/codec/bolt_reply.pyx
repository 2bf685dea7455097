"""BOLT frames of our own (see bolt_reply.pxd).

What a client makes of an answer was tried with SOFARPC Java and Node: status 0 with a SofaResponse whose isError is
true carries its text to every kind of caller, whatever the codec of the request; a bare status 7 is a timeout.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset, strlen

from mosn._fastpath.codec.crc32 cimport crc32
from mosn._fastpath.codec.frame cimport Frame, FrameCodec, put16, put32
from mosn._fastpath.memory cimport BlockPool, Buf, Slice, buf_reserve

cdef enum:
    V2 = 2
    HESSIAN2 = 1
    CRC = 1
    STATUS_TIMEOUT = 7
    LONGEST_TEXT = 512
    MOST_BYTES = 1024           # of an answer without its text

cdef const char *RESPONSE_CLASS = b"com.alipay.sofa.rpc.core.response.SofaResponse"
cdef const char *ERROR_HEADER = b"\0\0\0\x18sofa_head_response_error\0\0\0\x04true"
cdef enum:
    ERROR_HEADER_BYTES = 36


cdef char *fixed(char *to, const Frame *like, uint32_t type, uint32_t command, uint32_t codec, uint64_t id,
                 uint32_t switches) noexcept nogil:
    # Up to the codec (and switch); returns where timeout or status stand.
    if like.version & 15 == V2:
        to[0] = V2
        to[1] = like.version >> 4
        to += 2
    else:
        to[0] = 1
        to += 1
    to[0] = <char>type
    put16(to + 1, command)
    to[3] = 1
    put32(to + 4, <uint32_t>id)
    to[8] = <char>codec
    if like.version & 15 != V2:
        return to + 9
    to[9] = <char>switches
    return to + 10


cdef int bolt_heartbeat(const FrameCodec *self, BlockPool *pool, Buf *out, const Frame *like,
                        uint64_t id) noexcept nogil:
    cdef char *to
    cdef char *start
    if buf_reserve(pool, out, MOST_BYTES) < 0:
        return -1
    start = out.data + out.end
    to = fixed(start, like, 1, 0, HESSIAN2, id, 0)
    put32(to, ~<uint32_t>0)         # timeout -1
    memset(to + 4, 0, 8)
    out.end += <uint32_t>(to + 12 - start)
    return 0


cdef int bolt_heartbeat_answer(const FrameCodec *self, BlockPool *pool, Buf *out, const Frame *request) noexcept nogil:
    # Never with a checksum.
    cdef char *to
    cdef char *start
    if buf_reserve(pool, out, MOST_BYTES) < 0:
        return -1
    start = out.data + out.end
    to = fixed(start, request, 0, 0, request.serialization, request.id, 0)
    memset(to, 0, 10)
    out.end += <uint32_t>(to + 10 - start)
    return 0


# -- hessian2, as SOFA's 3.x writes it

cdef char *put_bytes(char *to, const char *p, size_t n) noexcept nogil:
    memcpy(to, p, n)
    return to + n


cdef char *put_int(char *to, uint32_t value) noexcept nogil:
    # 0..47
    to[0] = <char>(0x90 + value)
    return to + 1


cdef char *put_name(char *to, const char *name) noexcept nogil:
    # A string of less than 32 characters.
    cdef size_t n = strlen(name)
    to[0] = <char>n
    return put_bytes(to + 1, name, n)


cdef char *put_string(char *to, Slice text) noexcept nogil:
    # Lengths count characters: what is not ASCII becomes a question mark.
    cdef uint32_t n = min(text.n, <uint32_t>LONGEST_TEXT)
    cdef uint32_t i
    to[0] = c'S'
    put16(to + 1, n)
    for i in range(n):
        to[3 + i] = text.p[i] if 0x20 <= <uint8_t>text.p[i] < 0x7F else c'?'
    return to + 3 + n


cdef char *put_response(char *to, Slice text) noexcept nogil:
    # SofaResponse{isError true, errorMsg text, appResponse null, responseProps null}
    cdef size_t n = strlen(RESPONSE_CLASS)
    to[0] = c'O'
    to = put_bytes(put_int(to + 1, <uint32_t>n), RESPONSE_CLASS, n)
    to = put_int(to, 4)
    to = put_name(to, "isError")
    to = put_name(to, "errorMsg")
    to = put_name(to, "appResponse")
    to = put_name(to, "responseProps")
    to[0] = c'o'
    to = put_int(to + 1, 0)
    to[0] = c'T'
    to = put_string(to + 1, text)
    return put_bytes(to, "NN", 2)


cdef int bolt_reply(const FrameCodec *self, BlockPool *pool, Buf *out, const char *p, const Frame *request,
                    uint32_t code, Slice text) noexcept nogil:
    cdef bint bare = code == 504
    cdef uint32_t switches = request.switches & CRC
    cdef uint32_t codec = request.serialization if bare else HESSIAN2
    cdef size_t names = 0 if bare else strlen(RESPONSE_CLASS)
    cdef char *start
    cdef char *lengths
    cdef char *to
    if buf_reserve(pool, out, MOST_BYTES + LONGEST_TEXT) < 0:
        return -1
    start = out.data + out.end
    to = fixed(start, request, 0, 2, codec, request.id, switches)
    put16(to, STATUS_TIMEOUT if bare else 0)
    lengths = to + 2
    memset(lengths, 0, 8)
    to += 10
    if not bare:
        put16(lengths, <uint32_t>names)
        put16(lengths + 2, ERROR_HEADER_BYTES)
        to = put_bytes(put_bytes(to, RESPONSE_CLASS, names), ERROR_HEADER, ERROR_HEADER_BYTES)
        put32(lengths + 4, <uint32_t>(put_response(to, text) - to))
        to = put_response(to, text)
    if switches:
        put32(to, crc32(start, to - start))
        to += 4
    out.end += <uint32_t>(to - start)
    return 0
