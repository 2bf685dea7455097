# The static table of HPACK (RFC 7541 appendix A).

from libc.stdint cimport uint8_t, uint16_t, uint32_t

from mosn._fastpath.memory cimport Slice


cdef enum:
    STATIC_ENTRIES = 61


cdef struct StaticEntry:
    Slice name
    Slice value
    uint16_t id                 # HeaderId


# Places 1 .. STATIC_ENTRIES.
cdef const StaticEntry *hpack_static(uint32_t place) noexcept nogil
# The first place with this name (lower case), 0 none.  id is its HeaderId.
cdef uint32_t hpack_static_name(const char *name, size_t n, uint16_t id) noexcept nogil
# The place with this value among those that share the name of `place`, 0 none.
cdef uint32_t hpack_static_value(uint32_t place, const char *value, size_t n) noexcept nogil
