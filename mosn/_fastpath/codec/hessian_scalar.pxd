# Hessian values that contain no others, in version 2.0 or in SOFARPC's draft of it.

from libc.stdint cimport int32_t, int64_t, uint8_t

from mosn._fastpath.codec.hessian2_cursor cimport H2Cursor
from mosn._fastpath.codec.json_write cimport Base64, JsonOut
from mosn._fastpath.memory cimport Arena, Slice


cdef enum HessianScalarKind:
    HS_NULL = 0
    HS_BOOLEAN
    HS_LONG                     # an int or a long
    HS_DOUBLE
    HS_DATE
    HS_STRING
    HS_BINARY                   # not taken: see hs_binary


cdef struct HessianScalar:
    uint8_t kind                # HessianScalarKind
    int64_t number              # a boolean, an int, a long; of a date milliseconds since 1970
    double real
    Slice text


# 0, 1: not such a value (nothing was taken), -1: malformed.
cdef int hs_scalar(H2Cursor *c, bint draft, Arena *arena, HessianScalar *out) noexcept nogil
# A string as UTF-8 (halves of pairs that stand alone stay three bytes), in the bytes or copied: 0, -1: it is none.
cdef int hs_string(H2Cursor *c, bint draft, Arena *arena, Slice *out) noexcept nogil
cdef int hs_int(H2Cursor *c, int32_t *out) noexcept nogil
# The bytes in front of the cursor, in base64 unless `json` is NULL: 0, -1.
cdef int hs_binary(H2Cursor *c, bint draft, JsonOut *json, Base64 *piece) noexcept nogil
