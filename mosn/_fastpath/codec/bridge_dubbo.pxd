# Calls and answers of Dubbo in Hessian 2.0 (bridge.pxd).

from mosn._fastpath.codec.bridge_call cimport Bridge, BridgeCall
from mosn._fastpath.codec.frame cimport Frame
from mosn._fastpath.codec.json_write cimport JsonOut
from mosn._fastpath.memory cimport Arena, BlockPool, Buf


cdef int dubbo_request(BridgeCall *call, BlockPool *pool, Buf *out) noexcept nogil
# The status of the HTTP response, or -1: unreadable.
cdef int dubbo_answer(const Bridge *bridge, const char *p, const Frame *frame, Arena *arena,
                      JsonOut *json) noexcept nogil
