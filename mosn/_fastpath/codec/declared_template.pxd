# Frames that a declared protocol's templates describe: heartbeats and our own answers.

from libc.stdint cimport uint32_t, uint64_t

from mosn._fastpath.codec.declared_types cimport Declared, Template
from mosn._fastpath.codec.frame cimport Frame, FrameCodec
from mosn._fastpath.memory cimport BlockPool, Buf, Slice


# FrameCodec's functions; of a protocol without such frames they write nothing and return -1.
cdef int declared_heartbeat(const FrameCodec *self, BlockPool *pool, Buf *out, const Frame *like,
                            uint64_t id) noexcept nogil
cdef int declared_heartbeat_answer(const FrameCodec *self, BlockPool *pool, Buf *out,
                                   const Frame *request) noexcept nogil
cdef int declared_reply(const FrameCodec *self, BlockPool *pool, Buf *out, const char *p, const Frame *request,
                        uint32_t code, Slice text) noexcept nogil
