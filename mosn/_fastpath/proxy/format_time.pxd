# %START_TIME%: moments as text.

from libc.stdint cimport uint32_t, uint64_t

from mosn._fastpath.memory cimport BlockPool, Buf, Slice


# Append the moment (microseconds since 1970) in `format`: strftime's conversions, %s, and %f, %1f .. %9f for
# fractions.  format.p NULL: "2026-01-31T23:59:59.123Z" (local: "+0100" for "Z").  Returns 0, or -1 when out of memory.
cdef int append_time(uint64_t wall_us, Slice format, bint local, BlockPool *pool, Buf *out) noexcept nogil
