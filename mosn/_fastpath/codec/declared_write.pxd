# Frames of declared protocols that we write: one with other headers or another id, and our own from templates.

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t

from mosn._fastpath.codec.declared_types cimport Declared, Template
from mosn._fastpath.codec.frame cimport Frame, FrameCodec
from mosn._fastpath.head cimport Head
from mosn._fastpath.memory cimport BlockPool, Buf, Slice


cdef enum:
    LONGEST_TEXT = 512          # of a reply; the rest is cut off

# FrameCodec's functions.
cdef void declared_patch(const FrameCodec *self, char *p, const Frame *frame, uint64_t id,
                         int32_t timeout_ms) noexcept nogil
cdef int declared_write(const FrameCodec *self, BlockPool *pool, Buf *out, const char *p, const Frame *frame,
                        const Head *head, uint64_t id, int32_t timeout_ms) noexcept nogil
cdef bint declared_headers_changed(const Declared *declared, const char *p, const Frame *frame,
                                   const Head *head) noexcept nogil
