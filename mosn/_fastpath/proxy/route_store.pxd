# Memory of compiled configuration: everything that a table's structs point at, freed with its owner.

from mosn._fastpath.memory cimport Slice


cdef class Store:
    # Every take() and text() lives until the Store is deallocated.  Objects whose structs are pointed into
    # (RegexObject, FormatObject, ClusterObject) are kept alive by keep().
    cdef void **blocks
    cdef size_t count
    cdef size_t capacity
    cdef list kept
    # `n` zeroed bytes.
    cdef void *take(self, size_t n) except NULL
    # A str (UTF-8) or bytes, copied; NUL-terminated behind its end.
    cdef Slice text(self, object text) except *
    cdef object keep(self, object owner)
