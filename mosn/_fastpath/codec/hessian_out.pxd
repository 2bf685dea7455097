# Writing Hessian values, in version 2.0 (Dubbo) or in the early draft of it that SOFARPC speaks.
#
# Errors are kept: after the first, nothing further is written.  Strings and ints: hessian2_write.pxd.

from libc.stdint cimport int32_t, int64_t, uint32_t

from mosn._fastpath.memory cimport BlockPool, Buf, Slice


cdef struct HessianOut:
    BlockPool *pool
    Buf *out
    bint draft
    bint failed                 # out of memory
    uint32_t classes            # defined so far
    uint32_t decimal            # 1 + the number of the definition of java.math.BigDecimal; 0 none


cdef inline HessianOut hessian_out(BlockPool *pool, Buf *out, bint draft) noexcept nogil:
    cdef HessianOut o
    o.pool = pool
    o.out = out
    o.draft = draft
    o.failed = False
    o.classes = o.decimal = 0
    return o


cdef void ho_tag(HessianOut *o, char tag) noexcept nogil        # N, T, F
cdef void ho_raw(HessianOut *o, const char *p, size_t n) noexcept nogil
cdef void ho_string(HessianOut *o, Slice text) noexcept nogil
cdef void ho_int(HessianOut *o, int32_t value) noexcept nogil
cdef void ho_long(HessianOut *o, int64_t value) noexcept nogil
cdef void ho_double(HessianOut *o, double value) noexcept nogil
cdef void ho_date(HessianOut *o, int64_t milliseconds) noexcept nogil
cdef void ho_bytes(HessianOut *o, const char *p, size_t n) noexcept nogil
# A list of values of `type` (empty: any); what to hand to ho_list_end with their number.
cdef uint32_t ho_list(HessianOut *o, Slice type) noexcept nogil
cdef void ho_list_end(HessianOut *o, uint32_t mark, uint32_t count) noexcept nogil
# Keys and values follow, then ho_map_end.
cdef void ho_map(HessianOut *o, Slice type) noexcept nogil
cdef void ho_map_end(HessianOut *o) noexcept nogil
# Define a class: its name; its fields' names follow with ho_string.  Classes count from 0.
cdef void ho_class(HessianOut *o, Slice name, uint32_t fields) noexcept nogil
# An object of a defined class; its fields' values follow.
cdef void ho_object(HessianOut *o, uint32_t number) noexcept nogil
# java.math.BigDecimal of this text.
cdef void ho_decimal(HessianOut *o, Slice text) noexcept nogil
