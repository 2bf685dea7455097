# What a stream of Hessian values has defined so far: classes, types, and the containers that can be referred to.

from libc.stdint cimport int64_t, uint32_t

from mosn._fastpath.codec.hessian2_cursor cimport H2Cursor
from mosn._fastpath.codec.json_write cimport JsonOut
from mosn._fastpath.memory cimport Arena, Slice


cdef enum:
    HJ_MOST_CONTAINERS = 1 << 20
    HJ_MOST_CLASSES = 4096
    HJ_MOST_FIELDS = 65536      # of all classes together


cdef struct HessianClass:
    Slice name
    uint32_t first              # of HessianIn.fields
    uint32_t count


cdef struct Rendered:
    # Where the text of a list, map or object stands; end 0 while it is being written.
    uint32_t start
    uint32_t end


cdef struct HessianIn:
    H2Cursor c
    Arena *arena
    JsonOut *json
    bint draft
    bint class_names            # keep them, as a member "class"
    bint silent                 # step over values: nothing is written, and no reference is followed
    HessianClass *classes
    uint32_t class_count
    uint32_t class_capacity
    Slice *fields
    uint32_t field_count
    uint32_t field_capacity
    Slice *types                # of lists and maps, for references to them
    uint32_t type_count
    uint32_t type_capacity
    Rendered *rendered
    uint32_t container_count
    uint32_t container_capacity


cdef void hj_init(HessianIn *h, const char *p, size_t n, Arena *arena, JsonOut *json, bint draft) noexcept nogil
# The number of the class of the object whose tag was taken; definitions in front of it are taken, too.  -1.
cdef int64_t hessian_object_class(HessianIn *h, int tag) noexcept nogil
# The type of a list or map; in the draft there may be none.  0, -1.
cdef int hessian_type(HessianIn *h, Slice *out) noexcept nogil
# One that was written before.
cdef int hessian_type_reference(HessianIn *h, Slice *out) noexcept nogil
# A list, map or object begins: its number, for references to it; -1.
cdef int64_t hessian_container(HessianIn *h) noexcept nogil
