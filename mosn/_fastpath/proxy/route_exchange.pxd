# A request and its answer as Python makes them, for explanations, tests and benchmarks; requests in service never
# come here.

from mosn._fastpath.head cimport Head
from mosn._fastpath.memory cimport Arena, BlockPool, Slice
from mosn._fastpath.proxy.types cimport RequestInfo


cdef class Exchange:
    cdef RequestInfo info
    cdef BlockPool pool
    cdef Arena arena
    cdef Head request
    cdef Head response
    cdef Head trailers
    cdef list kept
    cdef Slice copy(self, object text) except *
    cdef int add_headers(self, Head *head, object headers) except -1


# A Slice as bytes.
cdef bytes slice_bytes(Slice text)
