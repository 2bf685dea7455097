"""The pending table (see rpc_pending.pxd)."""

from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport calloc, free

from mosn._fastpath.proxy.rpc_types cimport Pending, RpcClient
from mosn._fastpath.proxy.runtime cimport Stream

cdef enum:
    FIRST_PENDING = 64


cdef bint rpc_pending_grow(RpcClient *client) noexcept nogil:
    # Ids that had places of their own have them in a larger table too.
    cdef uint32_t size = FIRST_PENDING if client.pending == NULL else 2 * (client.mask + 1)
    cdef Pending *table = <Pending *>calloc(size, sizeof(Pending))
    cdef uint32_t i
    if table == NULL:
        return False
    if client.pending != NULL:
        for i in range(client.mask + 1):
            if client.pending[i].stream != NULL:
                table[client.pending[i].id & (size - 1)] = client.pending[i]
        free(client.pending)
    client.pending = table
    client.mask = size - 1
    return True


cdef uint64_t rpc_free_id(RpcClient *client) noexcept nogil:
    # The next id whose place is free, never 0.
    while True:
        client.last_id = (client.last_id + 1) & client.codec.id_mask
        if client.last_id and client.pending[client.last_id & client.mask].stream == NULL:
            return client.last_id


cdef bint rpc_remember(RpcClient *client, Stream *stream, uint64_t *id) noexcept nogil:
    cdef Pending *place
    if 2 * client.pending_count > client.mask and not rpc_pending_grow(client):
        if client.pending_count >= client.mask:
            return False
    id[0] = rpc_free_id(client)
    place = &client.pending[id[0] & client.mask]
    place.id = id[0]
    place.stream = stream
    client.pending_count += 1
    return True


cdef Stream *rpc_take(RpcClient *client, uint64_t id) noexcept nogil:
    # The stream that waits for this answer, which it now has; NULL nobody.
    cdef Pending *place = &client.pending[id & client.mask]
    cdef Stream *stream = place.stream
    if stream == NULL or place.id != id:
        return NULL
    place.stream = NULL
    client.pending_count -= 1
    stream.up = NULL
    return stream
