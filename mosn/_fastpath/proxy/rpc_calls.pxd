# Requests in the other direction: from an upstream to the client whose own connection it is.
#
# They are not routed: the frame goes on as it came, under an id of the client connection's own, and the answer goes
# back under the upstream's.  What is not answered within the frame's timeout (60 s without one) is forgotten; the
# upstream has a timeout of its own.  A client that does not read, or has 1024 unanswered ones, gets no more: the
# upstream is told.

from mosn._fastpath.codec.frame cimport Frame
from mosn._fastpath.proxy.rpc_types cimport RpcClient, RpcServer


# A request (or one-way) frame came from an upstream; p may be changed.
cdef void rpc_call_client(RpcClient *client, char *p, const Frame *frame) noexcept nogil
# The client answered one; p may be changed.
cdef void rpc_call_answered(RpcServer *server, char *p, const Frame *frame) noexcept nogil
# This upstream connection is gone, and so is who waits for answers on it.
cdef void rpc_calls_forget(RpcServer *server, const RpcClient *client) noexcept nogil
cdef void rpc_calls_free(RpcServer *server) noexcept nogil
