# A call in HTTP's words: what a route says about it, its service, method and arguments (docs/bridging.md).

from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t

from mosn._fastpath.codec.frame cimport FrameCodec
from mosn._fastpath.codec.hessian_out cimport HessianOut
from mosn._fastpath.codec.json_hessian cimport JavaType
from mosn._fastpath.head cimport Head
from mosn._fastpath.memory cimport Arena, Slice


cdef enum:
    BRIDGE_MOST_PARAMETERS = 32


cdef struct BridgeParameter:
    Slice name                  # empty: told by its place only
    JavaType type


cdef struct Bridge:
    # What a route says, compiled.
    const FrameCodec *codec
    Slice protocol              # its name
    bint bolt                   # else Dubbo
    uint8_t bolt_version        # BOLT_V1, BOLT_V2
    bint generic                # Dubbo: $invoke
    bint class_names            # keep the classes of objects, as a member "class"
    Slice service               # empty: from the path
    Slice method                # likewise
    Slice version
    Slice group
    BridgeParameter *parameters
    uint32_t parameter_count
    Slice descriptors           # of all parameters: "Ljava/lang/String;I"
    bint any_parameters         # none are declared: those that the body has (Dubbo, generic)
    Slice *forwarded            # names of headers that become attachments
    uint32_t forwarded_count
    uint32_t max_request        # bytes of a body
    uint32_t max_response       # bytes of JSON


cdef struct BridgeCall:
    # One request.
    const Bridge *bridge
    Arena *arena
    const Head *head
    Slice body                  # JSON; empty: the query's parameters
    int32_t timeout_ms          # what the caller will wait; 0: it did not say
    Slice service
    Slice method
    uint16_t status             # of the refusal
    Slice why


# Fill in service and method.  0, or -1: the path names none.
cdef int bridge_target(BridgeCall *call) noexcept nogil
# Write the arguments, one behind the other: their number, or -1 (call.why).
cdef int bridge_arguments(BridgeCall *call, HessianOut *out) noexcept nogil
# The value of the header with this name, p NULL when there is none.
cdef Slice bridge_header(const BridgeCall *call, Slice name) noexcept nogil
cdef int bridge_refuse(BridgeCall *call, uint16_t status, const char *why) noexcept nogil
