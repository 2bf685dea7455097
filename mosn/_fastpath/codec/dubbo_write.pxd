# Changing a Dubbo frame: only the map of attachments is written anew, the rest is copied.

from libc.stdint cimport int32_t, uint64_t

from mosn._fastpath.codec.frame cimport Frame, FrameCodec
from mosn._fastpath.head cimport Head
from mosn._fastpath.memory cimport BlockPool, Buf


# FrameCodec.changed.  May say so without need (a value that was copied): writing then gives the same bytes.  Never of a
# response, nor of a request that is not read: headers that are added to them go no further.
cdef bint dubbo_changed(const FrameCodec *self, const char *p, const Frame *frame, const Head *head) noexcept nogil
# FrameCodec.write.  Attachments keep their order and the case of their names; those that are no header stay as they
# are; one that was added takes the place of those with its name, whatever the case, and stands at the end.
cdef int dubbo_write(const FrameCodec *self, BlockPool *pool, Buf *out, const char *p, const Frame *frame,
                     const Head *head, uint64_t id,
                     int32_t timeout_ms) noexcept nogil
