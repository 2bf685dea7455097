# JSON access logs: typed values, escaping, and the order of keys.

from libc.stdint cimport uint32_t

from mosn._fastpath.memory cimport BlockPool, Buf
from mosn._fastpath.proxy.types cimport Format, RequestInfo


# One line with its line end.  0, or -1 when out of memory.
cdef int append_json(const Format *program, const RequestInfo *info, BlockPool *pool, Buf *out) noexcept nogil
# Steps (as of format_parse) of (key, format, nested pairs or number).
cdef list json_steps(object pairs, bint omit_empty)
# Escape the last `length` bytes of `out` for a JSON string.  0, or -1 when out of memory.
cdef int escape_tail(Buf *out, uint32_t length, BlockPool *pool) noexcept nogil
