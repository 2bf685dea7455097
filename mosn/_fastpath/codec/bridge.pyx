"""HTTP to RPC and back (contracts: bridge.pxd)."""

from libc.stdint cimport uint32_t
from libc.string cimport strlen

from mosn._fastpath.codec.bridge_bolt cimport bolt_answer, bolt_request
from mosn._fastpath.codec.bridge_call cimport Bridge, BridgeCall, bridge_target
from mosn._fastpath.codec.bridge_dubbo cimport dubbo_answer, dubbo_request
from mosn._fastpath.codec.frame cimport Frame
from mosn._fastpath.codec.json_write cimport JsonOut, json_raw
from mosn._fastpath.head cimport Head
from mosn._fastpath.memory cimport Arena, BlockPool, Buf, buf_len, slice_of

cdef const char *UNTOLD = (
    b'{"error":"bad answer","message":"the answer is malformed, too large, or not to be told in JSON"}')


cdef int bridge_request(BridgeCall *call, BlockPool *pool, Buf *out) noexcept nogil:
    cdef uint32_t before = buf_len(out)
    call.status = 500
    call.why = slice_of("out of memory", 13)
    if bridge_target(call) < 0:
        return -1
    if (bolt_request if call.bridge.bolt else dubbo_request)(call, pool, out) < 0:
        out.end = out.start + before
        return -1
    return 0


cdef int bridge_answer(const Bridge *bridge, const char *p, const Frame *frame, const Head *head, Arena *arena,
                       BlockPool *pool, Buf *out) noexcept nogil:
    cdef uint32_t before = buf_len(out)
    cdef JsonOut json
    cdef int status
    json.pool = pool
    json.out = out
    json.most = before + bridge.max_response
    json.failed = False
    if bridge.bolt:
        status = bolt_answer(bridge, p, frame, head, arena, &json)
    else:
        status = dubbo_answer(bridge, p, frame, arena, &json)
    if status >= 0 and not json.failed:
        return status
    out.end = out.start + before
    json.failed = False
    json_raw(&json, UNTOLD, strlen(UNTOLD))
    return 502
