# BOLT frames of our own: heartbeats and answers that the real clients understand.

from libc.stdint cimport uint32_t, uint64_t

from mosn._fastpath.codec.frame cimport Frame, FrameCodec
from mosn._fastpath.memory cimport BlockPool, Buf, Slice


cdef int bolt_heartbeat(const FrameCodec *self, BlockPool *pool, Buf *out, const Frame *like,
                        uint64_t id) noexcept nogil
cdef int bolt_heartbeat_answer(const FrameCodec *self, BlockPool *pool, Buf *out, const Frame *request) noexcept nogil
cdef int bolt_reply(const FrameCodec *self, BlockPool *pool, Buf *out, const char *p, const Frame *request,
                    uint32_t code, Slice text) noexcept nogil
