# Hessian values as JSON text, in version 2.0 (Dubbo) or in the early draft of it that SOFARPC speaks.
#
# Objects and maps are objects, lists arrays, dates texts (RFC 3339, UTC), bytes base64, java.math.BigDecimal a number.
# A key of a map that is a number or a boolean becomes its text.  A reference repeats what it refers to; one to a value
# that contains it cannot be told and is an error, as are nesting beyond HJ_MAX_DEPTH and text beyond JsonOut.most.

from mosn._fastpath.codec.hessian_tables cimport HessianClass, HessianIn
from mosn._fastpath.memory cimport Slice


cdef enum:
    HJ_MAX_DEPTH = 64           # containers inside each other


# All below return 0, or -1: malformed, out of bounds, or not to be told in JSON.
cdef int hj_value(HessianIn *h) noexcept nogil
# A string, or anything else that is stepped over (`out` is empty then).
cdef int hj_text(HessianIn *h, Slice *out) noexcept nogil
# In front of an object: its class; its fields' values follow, each to be taken in turn.  1: something else is there
# (or null), nothing was taken.
cdef int hj_object(HessianIn *h, const HessianClass **out) noexcept nogil
# Step over a value.
cdef int hj_skip(HessianIn *h) noexcept nogil
