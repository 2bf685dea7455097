# Where the fields of a frame of a declared protocol stand.

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from mosn._fastpath.codec.declared_types cimport Condition, Declared, Field, Place
from mosn._fastpath.codec.frame cimport FrameLimits


cdef struct Walk:
    const Declared *declared
    const char *p
    uint64_t n                  # bytes that are there
    uint64_t at
    uint64_t most               # of the frame, once it is known; else limits.frame_bytes
    uint64_t length             # of the frame; 0 not known yet
    uint32_t most_numbers       # of a sum
    uint8_t error               # FrameError
    Place places[48]            # MOST_FIELDS


# The frame's length when all of it is at p, 0 when more is needed (walk.length is set if it is known), -1 (walk.error).
cdef int64_t declared_walk(const Declared *declared, const char *p, size_t n, const FrameLimits *limits,
                           Walk *walk) noexcept nogil
# Do the conditions [first, first + count) hold?
cdef bint declared_holds(const Declared *declared, const Place *places, uint32_t first, uint32_t count) noexcept nogil

cdef inline uint32_t field_end(const Place *place) noexcept nogil:
    return place.at + place.n
