"""Memory of compiled configuration (interface: route_store.pxd)."""

from libc.stdint cimport uint32_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memcpy

from mosn._fastpath.memory cimport Slice


cdef class Store:
    def __cinit__(self):
        self.blocks = NULL
        self.count = 0
        self.capacity = 0
        self.kept = []

    def __dealloc__(self):
        cdef size_t i
        for i in range(self.count):
            free(self.blocks[i])
        free(self.blocks)

    cdef void *take(self, size_t n) except NULL:
        cdef void **larger
        cdef void *block
        if self.count == self.capacity:
            larger = <void **>realloc(self.blocks, (2 * self.capacity + 16) * sizeof(void *))
            if larger == NULL:
                raise MemoryError()
            self.blocks = larger
            self.capacity = 2 * self.capacity + 16
        block = calloc(1, n if n else 1)
        if block == NULL:
            raise MemoryError()
        self.blocks[self.count] = block
        self.count += 1
        return block

    cdef Slice text(self, object text) except *:
        cdef bytes encoded = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
        cdef const char *from_ = encoded
        cdef size_t n = len(encoded)
        cdef Slice slice
        cdef char *copy = <char *>self.take(n + 1)
        memcpy(copy, from_, n)
        slice.p = copy
        slice.n = <uint32_t>n
        return slice

    cdef object keep(self, object owner):
        self.kept.append(owner)
        return owner
