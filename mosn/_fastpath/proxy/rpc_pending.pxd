# Who waits for which answer on an upstream connection.
#
# Ids count up, leaving out those whose place in the table is taken: finding the stream of an answer is one look.  The
# table doubles before it is half full.  An id is not used again before 2**32 others were, so the late answer to a
# request that was given up finds nobody and is dropped.

from libc.stdint cimport uint64_t

from mosn._fastpath.proxy.rpc_types cimport RpcClient
from mosn._fastpath.proxy.runtime cimport Stream


# A table, or one twice as large.  False: no memory.
cdef bint rpc_pending_grow(RpcClient *client) noexcept nogil
# The next id whose place is free, never 0; taken only by rpc_remember.
cdef uint64_t rpc_free_id(RpcClient *client) noexcept nogil
cdef bint rpc_remember(RpcClient *client, Stream *stream, uint64_t *id) noexcept nogil
# The stream that waits for this answer, which it now has; NULL nobody.
cdef Stream *rpc_take(RpcClient *client, uint64_t id) noexcept nogil
