"""Compiling a route's bridge (contract: route_bridge.pxd)."""

from libc.stdint cimport uint32_t

from mosn._fastpath.codec.bridge_call cimport BRIDGE_MOST_PARAMETERS, Bridge, BridgeParameter
from mosn._fastpath.codec.frames cimport frame_codec
from mosn._fastpath.memory cimport Slice
from mosn._fastpath.proxy.route_rules cimport RouteBridge
from mosn._fastpath.proxy.route_store cimport Store
from mosn._fastpath.proxy.runtime cimport RpcManager

# In the order of JavaKind.
KINDS = ("any", "boolean", "byte", "short", "int", "long", "float", "double", "char", "string", "date", "decimal",
         "bytes", "list", "map")


cdef int _compile_parameter(BridgeParameter *out, dict spec, Store store) except -1:
    out.name = store.text(spec["name"])
    out.type.kind = KINDS.index(spec["kind"])
    out.type.element = KINDS.index(spec["element"])
    out.type.primitive = spec["primitive"]
    out.type.name = store.text(spec["type"])
    out.type.wire = store.text(spec["wire"])
    return 0


cdef int _compile_parameters(Bridge *out, dict spec, Store store) except -1:
    cdef list parameters = spec["parameters"]
    cdef uint32_t i
    if len(parameters) > BRIDGE_MOST_PARAMETERS:
        raise ValueError(f"more than {BRIDGE_MOST_PARAMETERS} parameters")
    out.parameter_count = len(parameters)
    out.parameters = <BridgeParameter *>store.take(len(parameters) * sizeof(BridgeParameter))
    for i, parameter in enumerate(parameters):
        _compile_parameter(&out.parameters[i], parameter, store)
    out.any_parameters = spec["any_parameters"]
    out.descriptors = store.text(spec["descriptors"])
    return 0


cdef int _compile_call(Bridge *out, dict spec, Store store) except -1:
    cdef uint32_t i
    out.bolt = spec["protocol"] == "bolt"
    out.bolt_version = spec["bolt_version"]
    out.generic = spec["generic"]
    out.class_names = spec["class_names"]
    out.service = store.text(spec["service"])
    out.method = store.text(spec["method"])
    out.version = store.text(spec["version"])
    out.group = store.text(spec["group"])
    out.max_request = spec["max_request_bytes"]
    out.max_response = spec["max_response_bytes"]
    out.forwarded_count = len(spec["forward_headers"])
    out.forwarded = <Slice *>store.take(out.forwarded_count * sizeof(Slice))
    for i, name in enumerate(spec["forward_headers"]):
        out.forwarded[i] = store.text(name)
    return _compile_parameters(out, spec, store)


cdef int _compile_upstream(RpcManager *out, dict spec) except -1:
    # Frames are a little longer than what is in them.
    out.limits.frame_bytes = min(max(spec["max_response_bytes"], 4 * spec["max_request_bytes"]) + 65536, 1 << 30)
    out.limits.headers = 256
    out.connections = spec["upstream_connections"]
    out.heartbeat_ms = spec["heartbeat_interval_ms"]
    out.heartbeat_timeout_ms = spec["heartbeat_timeout_ms"]
    out.heartbeat_failures = spec["heartbeat_failures"]
    return 0


cdef const RouteBridge *compile_bridge(dict spec, Store store) except NULL:
    cdef RouteBridge *out = <RouteBridge *>store.take(sizeof(RouteBridge))
    cdef bytes name = spec["protocol"].encode()
    out.upstream.codec = frame_codec(name, len(name))
    if name not in (b"bolt", b"dubbo") or out.upstream.codec == NULL:
        raise ValueError(f"no bridge to {spec['protocol']!r}")
    _compile_call(&out.call, spec, store)
    _compile_upstream(&out.upstream, spec)
    return out
