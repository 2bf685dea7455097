# What each command operator prints, taken from a RequestInfo.

from libc.stdint cimport uint64_t

from mosn._fastpath.memory cimport BlockPool, Buf
from mosn._fastpath.proxy.types cimport FormatStep, RequestInfo


# Append the value of one operator (not of JSON structure).  0; 1 when it is absent (nothing is appended); -1 when out
# of memory.
cdef int append_value(const FormatStep *step, const RequestInfo *info, BlockPool *pool, Buf *out) noexcept nogil
# Microseconds that the request has taken so far.
cdef uint64_t duration_us(const RequestInfo *info) noexcept nogil
# Offset of a field of RequestInfo that OP_COUNT, OP_SPAN, OP_SLICE or OP_ADDRESS may name.
cdef unsigned int field_offset(str name) except? 0
