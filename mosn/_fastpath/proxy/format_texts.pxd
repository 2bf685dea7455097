# Addresses, names and other texts that command operators print.

from libc.stdint cimport uint64_t

from mosn._fastpath.memory cimport BlockPool, Buf, Slice
from mosn._fastpath.proxy.types cimport FormatStep, RequestInfo


# One of the text operators (OP_ADDRESS, OP_UPSTREAM_..., OP_FLAGS ...).  0; 1 absent; -1 out of memory.
cdef int append_text(const FormatStep *step, const RequestInfo *info, BlockPool *pool, Buf *out) noexcept nogil
cdef int append_number(uint64_t value, BlockPool *pool, Buf *out) noexcept nogil
cdef int append_slice(Slice text, BlockPool *pool, Buf *out) noexcept nogil
# 1 for an empty text, which counts as absent.
cdef int append_known(Slice text, BlockPool *pool, Buf *out) noexcept nogil
