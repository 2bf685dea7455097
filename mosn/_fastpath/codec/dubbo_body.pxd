# The body of a Dubbo request, hessian2 or fastjson2: strings, then arguments, then the attachments.
#
# Hessian2 has one stream of values; fastjson2 gives each its own document with a 4-byte length in front.

from mosn._fastpath.codec.frame cimport Frame
from mosn._fastpath.codec.hessian2 cimport H2Entry, H2Reader
from mosn._fastpath.codec.hessian2_cursor cimport H2Cursor
from mosn._fastpath.memory cimport Arena, Slice


cdef struct DubboBody:
    H2Reader hessian            # hessian2: everything; fastjson2: .c is what has not been read, .arena
    H2Cursor document           # fastjson2: the attachments
    const char *map_start       # set by dubbo_map: the map with all that belongs to it
    bint jsonb


cdef struct DubboService:
    # The leading strings; null ones are empty.
    Slice dubbo_version
    Slice path
    Slice version
    Slice method
    Slice types


# `frame` is whole, at p, and has a readable serialization.
cdef void dubbo_body(DubboBody *b, const char *p, const Frame *frame, Arena *arena) noexcept nogil
# All return 0, or -1 when that is not what stands there.  They are called in this order.
cdef int dubbo_service(DubboBody *b, DubboService *out) noexcept nogil
# Step over the arguments: as many as the parameter types say (the server reads as many).
cdef int dubbo_arguments(DubboBody *b, Slice types) noexcept nogil
# In front of the first attachment; H2_NULL when there are none: null, or the end of the body.
cdef int dubbo_map(DubboBody *b) noexcept nogil
# The next attachment: 1, 0 behind the last, -1.
cdef int dubbo_entry(DubboBody *b, H2Entry *out) noexcept nogil
# Where the reader stands.
cdef const char *dubbo_at(const DubboBody *b) noexcept nogil
# How many parameters these types are ("Ljava/lang/String;[I"), or -1.
cdef int dubbo_parameters(Slice types) noexcept nogil
