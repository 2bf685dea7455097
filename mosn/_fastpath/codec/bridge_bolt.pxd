# Calls and answers of SOFARPC on BOLT, in its draft of Hessian 2 (bridge.pxd).

from mosn._fastpath.codec.bridge_call cimport Bridge, BridgeCall
from mosn._fastpath.codec.frame cimport Frame
from mosn._fastpath.codec.json_write cimport JsonOut
from mosn._fastpath.head cimport Head
from mosn._fastpath.memory cimport Arena, BlockPool, Buf


cdef int bolt_request(BridgeCall *call, BlockPool *pool, Buf *out) noexcept nogil
# The status of the HTTP response, or -1: unreadable.
cdef int bolt_answer(const Bridge *bridge, const char *p, const Frame *frame, const Head *head, Arena *arena,
                     JsonOut *json) noexcept nogil
