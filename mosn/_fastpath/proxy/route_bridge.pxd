# Compiling what a route says about a bridge (mosn.model.RpcBridge).

from mosn._fastpath.proxy.route_rules cimport RouteBridge
from mosn._fastpath.proxy.route_store cimport Store


# KeyError, ValueError: the specification is not one.
cdef const RouteBridge *compile_bridge(dict spec, Store store) except NULL
