# Header changes with command operators (Envoy HeaderValueOption, request_headers_to_add ...).

from mosn._fastpath.head cimport Head
from mosn._fastpath.memory cimport BlockPool, Slice
from mosn._fastpath.proxy.match cimport HeaderName
from mosn._fastpath.proxy.route_store cimport Store
from mosn._fastpath.proxy.types cimport HeaderOps, RequestInfo


# In their order; each sees what the ones before it did.  0, or -1 when out of memory.
cdef int apply_header_ops(const HeaderOps *ops, RequestInfo *info, Head *head, BlockPool *pool) noexcept nogil
# Replace a header, or the part of the head that a pseudo header names.  0, or -1 when out of memory.
cdef int set_header(Head *head, const HeaderName *name, Slice value) noexcept nogil

# ValueError for what Envoy refuses: pseudo headers may only be overwritten.
cdef int compile_header_ops(HeaderOps *out, list specs, Store store) except -1
