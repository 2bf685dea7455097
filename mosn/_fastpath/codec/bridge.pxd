# A call in HTTP's words as a frame of an RPC protocol, and the frame of its answer as HTTP again (docs/bridging.md).
#
# Nothing here does I/O.  Memory: at most a few times the request's body, and Bridge.max_response bytes
# of text.

from mosn._fastpath.codec.bridge_call cimport Bridge, BridgeCall
from mosn._fastpath.codec.frame cimport Frame
from mosn._fastpath.head cimport Head
from mosn._fastpath.memory cimport Arena, BlockPool, Buf


# Append the whole request frame (its id is 0).  0, or -1: call.status and call.why say what is wrong.
cdef int bridge_request(BridgeCall *call, BlockPool *pool, Buf *out) noexcept nogil
# Append the JSON of the answer p (a whole response frame, its head read); returns the status of the HTTP response.
cdef int bridge_answer(const Bridge *bridge, const char *p, const Frame *frame, const Head *head, Arena *arena,
                       BlockPool *pool, Buf *out) noexcept nogil
