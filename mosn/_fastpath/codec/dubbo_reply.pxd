# What a sidecar says itself on Dubbo.  All append one frame and return 0, or -1 when out of memory (FrameCodec).

from libc.stdint cimport uint32_t, uint64_t

from mosn._fastpath.codec.frame cimport Frame, FrameCodec
from mosn._fastpath.memory cimport BlockPool, Buf, Slice


# An event that wants an answer, with null as its body; of a serialization that is not known, hessian2's.
cdef int dubbo_heartbeat(const FrameCodec *self, BlockPool *pool, Buf *out, const Frame *like,
                         uint64_t id) noexcept nogil
cdef int dubbo_heartbeat_answer(const FrameCodec *self, BlockPool *pool, Buf *out, const Frame *request) noexcept nogil
# Refused and over quota (401, 403, 429) are an RpcException FORBIDDEN, which clients do not retry, to hessian2
# requests.  Everything else is a status with a text, always in hessian2, which every client reads: not found 60, timed
# out 31, bad request 40, else 80.
cdef int dubbo_reply(const FrameCodec *self, BlockPool *pool, Buf *out, const char *p, const Frame *request,
                     uint32_t code, Slice text) noexcept nogil
# READONLY: the event "R", which wants no answer.
cdef int dubbo_goaway(const FrameCodec *self, BlockPool *pool, Buf *out, const Frame *like) noexcept nogil
