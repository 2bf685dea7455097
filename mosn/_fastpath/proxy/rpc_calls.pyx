"""Requests from upstreams to clients (see rpc_calls.pxd)."""

from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport calloc, free

from mosn._fastpath.codec.frame cimport FRAME_REQUEST, Frame
from mosn._fastpath.engine.conn cimport conn_flush_soon, conn_write_large
from mosn._fastpath.engine.timer cimport timer_arm, timer_cancel
from mosn._fastpath.engine.types cimport C_DEAD, C_HIGH, Engine, Timer
from mosn._fastpath.memory cimport slice_of
from mosn._fastpath.proxy.rpc_hold cimport rpc_hold
from mosn._fastpath.proxy.rpc_types cimport RpcCall, RpcCalls, RpcClient, RpcServer
from mosn._fastpath.shm.segment cimport count
from mosn._fastpath.shm.stats cimport (
    CL_CALLBACK, CL_CALLBACK_REFUSED, CL_CALLBACK_TIMEOUT, CL_CX_TX_BYTES, HT_CX_TX_BYTES,
)

cdef enum:
    FIRST_CALLS = 16
    MOST_CALLS = 1024           # unanswered, of one client connection
    TIMEOUT_MS = 60000          # of a frame that does not say one


# -- the table

cdef bint grow(RpcCalls *calls) noexcept nogil:
    # Ids that had places of their own have them in a larger table too.
    cdef uint32_t size = FIRST_CALLS if calls.items == NULL else 2 * (calls.mask + 1)
    cdef RpcCall *items = <RpcCall *>calloc(size, sizeof(RpcCall))
    cdef uint32_t i
    if items == NULL:
        return False
    if calls.items != NULL:
        for i in range(calls.mask + 1):
            if calls.items[i].client != NULL:
                items[calls.items[i].id & (size - 1)] = calls.items[i]
        free(calls.items)
    calls.items = items
    calls.mask = size - 1
    return True


cdef void overdue(Engine *engine, Timer *timer) noexcept nogil:
    # Forget what took too long, and look again when the next may have.
    cdef RpcCalls *calls = <RpcCalls *>(<char *>timer - <size_t>&(<RpcCalls *>NULL).timer)
    cdef uint64_t next_ms = 0
    cdef RpcCall *call
    cdef uint32_t i
    for i in range(calls.mask + 1):
        call = &calls.items[i]
        if call.client != NULL and call.due_ms <= engine.now_ms:
            count(call.client.proxy.region, call.client.stats + CL_CALLBACK_TIMEOUT, 1)
            call.client = NULL
            calls.count -= 1
        elif call.client != NULL and (next_ms == 0 or call.due_ms < next_ms):
            next_ms = call.due_ms
    if next_ms:
        timer_arm(engine, timer, next_ms - engine.now_ms)


cdef RpcCalls *table(RpcServer *server) noexcept nogil:
    cdef RpcCalls *calls = server.calls
    if calls == NULL:
        calls = server.calls = <RpcCalls *>calloc(1, sizeof(RpcCalls))
        if calls != NULL:
            calls.timer.fire = overdue
    if calls == NULL or calls.count >= MOST_CALLS:
        return NULL
    if calls.items == NULL or 2 * calls.count > calls.mask:
        return calls if grow(calls) else NULL
    return calls


cdef uint64_t free_id(RpcServer *server, RpcCalls *calls) noexcept nogil:
    while True:
        calls.last_id = (calls.last_id + 1) & server.codec.id_mask
        if calls.last_id and (calls.items == NULL or calls.items[calls.last_id & calls.mask].client == NULL):
            return calls.last_id


cdef void remember(RpcServer *server, RpcClient *client, const Frame *frame, uint64_t id) noexcept nogil:
    cdef RpcCalls *calls = server.calls
    cdef Engine *engine = server.conn.engine
    cdef RpcCall *call = &calls.items[id & calls.mask]
    cdef uint64_t timeout_ms = <uint64_t>frame.timeout_ms if frame.timeout_ms > 0 else TIMEOUT_MS
    call.id = id
    call.upstream_id = frame.id
    call.client = client
    call.due_ms = engine.now_ms + timeout_ms
    calls.count += 1
    if calls.timer.prev == NULL or call.due_ms < calls.timer.due:
        timer_arm(engine, &calls.timer, timeout_ms)


# -- to the client, and back

cdef inline bint reachable(const RpcServer *server) noexcept nogil:
    return server != NULL and not server.closing and not server.conn.flags & (C_DEAD | C_HIGH)


cdef void refuse(RpcClient *client, const char *p, const Frame *frame) noexcept nogil:
    count(client.proxy.region, client.stats + CL_CALLBACK_REFUSED, 1)
    if frame.kind == FRAME_REQUEST:
        client.codec.reply(client.codec, &client.conn.engine.pool, &client.conn.outbuf, p, frame, 503,
                           slice_of("no client behind this connection takes requests", 47))
        conn_flush_soon(&client.conn)


cdef void rpc_call_client(RpcClient *client, char *p, const Frame *frame) noexcept nogil:
    cdef RpcServer *server = client.only
    cdef RpcCalls *calls = table(server) if reachable(server) else NULL
    cdef uint64_t id
    if calls == NULL:
        refuse(client, p, frame)
        return
    id = free_id(server, calls)
    if frame.kind == FRAME_REQUEST:
        remember(server, client, frame, id)
    client.codec.patch(client.codec, p, frame, id, -1)
    conn_write_large(&server.conn, p, frame.length)
    count(client.proxy.region, client.stats + CL_CALLBACK, 1)
    count(client.proxy.region, server.stats + HT_CX_TX_BYTES, frame.length)


cdef void rpc_call_answered(RpcServer *server, char *p, const Frame *frame) noexcept nogil:
    cdef RpcCalls *calls = server.calls
    cdef RpcCall *call
    cdef RpcClient *client
    if calls == NULL or calls.items == NULL:
        return
    call = &calls.items[frame.id & calls.mask]
    client = call.client
    if client == NULL or call.id != frame.id:
        return
    call.client = NULL
    calls.count -= 1
    if client.conn.flags & C_DEAD:
        return
    server.codec.patch(server.codec, p, frame, call.upstream_id, -1)
    conn_write_large(&client.conn, p, frame.length)
    count(client.proxy.region, client.stats + CL_CX_TX_BYTES, frame.length)
    if client.conn.flags & C_HIGH and server.held_by == NULL:
        rpc_hold(client, server)


# -- endings

cdef void rpc_calls_forget(RpcServer *server, const RpcClient *client) noexcept nogil:
    cdef RpcCalls *calls = server.calls
    cdef uint32_t i
    if calls == NULL or calls.items == NULL:
        return
    for i in range(calls.mask + 1):
        if calls.items[i].client == client:
            calls.items[i].client = NULL
            calls.count -= 1


cdef void rpc_calls_free(RpcServer *server) noexcept nogil:
    if server.calls != NULL:
        timer_cancel(server.conn.engine, &server.calls.timer)
        free(server.calls.items)
        free(server.calls)
        server.calls = NULL
