"""Heartbeats, READONLY and error answers of Dubbo (contracts: dubbo_reply.pxd)."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from mosn._fastpath.codec.dubbo cimport (
    DUBBO_BAD_REQUEST,
    DUBBO_EVENT,
    DUBBO_FASTJSON2,
    DUBBO_HEAD,
    DUBBO_HESSIAN2,
    DUBBO_MAGIC,
    DUBBO_OK,
    DUBBO_REQUEST,
    DUBBO_SERVER_ERROR,
    DUBBO_SERVER_TIMEOUT,
    DUBBO_SERVICE_NOT_FOUND,
    DUBBO_TWO_WAY,
)
from mosn._fastpath.codec.frame cimport Frame, FrameCodec, put16, put32, put64
from mosn._fastpath.codec.hessian2_write cimport h2_put_rpc_exception, h2_put_string
from mosn._fastpath.memory cimport BlockPool, Buf, Slice, buf_append, buf_len, buf_reserve, slice_of

cdef enum:
    FORBIDDEN = 4               # RpcException.FORBIDDEN_EXCEPTION


cdef int _begin(BlockPool *pool, Buf *out, uint8_t flags, uint8_t status, uint64_t id) noexcept nogil:
    # The fixed part, for a body of no bytes yet.
    cdef char *p
    if buf_reserve(pool, out, DUBBO_HEAD) < 0:
        return -1
    p = out.data + out.end
    put16(p, DUBBO_MAGIC)
    p[2] = <char>flags
    p[3] = <char>status
    put64(p + 4, id)
    put32(p + 12, 0)
    out.end += DUBBO_HEAD
    return 0


cdef int _end(Buf *out, uint32_t start, int written) noexcept nogil:
    # The length of the body of the frame that began at `start`; or nothing of it, when it was not written.
    if written < 0:
        out.end = out.start + start
        return -1
    put32(out.data + out.start + start + 12, buf_len(out) - start - DUBBO_HEAD)
    return 0


cdef int _event(BlockPool *pool, Buf *out, uint8_t flags, uint8_t status, uint64_t id, Slice body) noexcept nogil:
    cdef uint32_t start = buf_len(out)
    if _begin(pool, out, flags | DUBBO_EVENT, status, id) < 0:
        return -1
    return _end(out, start, buf_append(pool, out, body.p, body.n))


cdef inline uint8_t _known(const Frame *like) noexcept nogil:
    return DUBBO_FASTJSON2 if like.serialization == DUBBO_FASTJSON2 else DUBBO_HESSIAN2


cdef inline Slice _null(uint8_t serialization) noexcept nogil:
    return slice_of(b"\0\0\0\1\xaf", 5) if serialization == DUBBO_FASTJSON2 else slice_of(b"N", 1)


cdef int dubbo_heartbeat(const FrameCodec *self, BlockPool *pool, Buf *out, const Frame *like,
                         uint64_t id) noexcept nogil:
    cdef uint8_t serialization = _known(like)
    return _event(pool, out, DUBBO_REQUEST | DUBBO_TWO_WAY | serialization, 0, id, _null(serialization))


cdef int dubbo_heartbeat_answer(const FrameCodec *self, BlockPool *pool, Buf *out, const Frame *request) noexcept nogil:
    cdef uint8_t serialization = _known(request)
    return _event(pool, out, serialization, DUBBO_OK, request.id, _null(serialization))


cdef int dubbo_goaway(const FrameCodec *self, BlockPool *pool, Buf *out, const Frame *like) noexcept nogil:
    cdef uint8_t serialization = _known(like)
    cdef Slice readonly = slice_of(b"\0\0\0\2\x4aR", 6) if serialization == DUBBO_FASTJSON2 else slice_of(b"\1R", 2)
    return _event(pool, out, DUBBO_REQUEST | serialization, 0, 0, readonly)


cdef uint8_t _status_of(uint32_t code) noexcept nogil:
    if code == 404:
        return DUBBO_SERVICE_NOT_FOUND
    if code == 504 or code == 408:
        return DUBBO_SERVER_TIMEOUT
    return DUBBO_BAD_REQUEST if code == 400 else DUBBO_SERVER_ERROR


cdef int _forbidden(BlockPool *pool, Buf *out, Slice text) noexcept nogil:
    # "An exception", without attachments, and the exception.
    if buf_append(pool, out, b"\x90", 1) < 0:
        return -1
    return h2_put_rpc_exception(pool, out, FORBIDDEN, text)


cdef int dubbo_reply(const FrameCodec *self, BlockPool *pool, Buf *out, const char *p, const Frame *request,
                     uint32_t code, Slice text) noexcept nogil:
    cdef uint32_t start = buf_len(out)
    cdef bint refused = code == 401 or code == 403 or code == 429
    if refused and request.serialization == DUBBO_HESSIAN2:
        if _begin(pool, out, DUBBO_HESSIAN2, DUBBO_OK, request.id) < 0:
            return -1
        return _end(out, start, _forbidden(pool, out, text))
    if _begin(pool, out, DUBBO_HESSIAN2, _status_of(code), request.id) < 0:
        return -1
    return _end(out, start, h2_put_string(pool, out, text))
