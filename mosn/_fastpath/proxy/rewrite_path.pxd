# Path normalisation before routing.

from mosn._fastpath.memory cimport Arena, Slice


# As declared and explained in route.pxd, which passes it on.
cdef Slice normal_path(Slice path, bint normalize, bint merge_slashes, int escaped, Arena *arena,
                       int *verdict) noexcept nogil
