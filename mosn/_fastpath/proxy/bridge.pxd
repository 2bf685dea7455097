# An HTTP request to an upstream that speaks an RPC protocol: collected, made a frame, sent on a shared connection.

from mosn._fastpath.proxy.route_rules cimport RouteBridge
from mosn._fastpath.proxy.runtime cimport Stream


# In place of attempt_start, for a stream whose route has a bridge: when the body is whole, or at once.
cdef void bridge_begin(Stream *stream, const RouteBridge *bridge) noexcept nogil
