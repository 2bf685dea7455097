# Envoy's command operators (%REQ(X)%, %START_TIME%, ...) compiled to a list of steps.
# One implementation serves request and response header values and access logs.

from mosn._fastpath.memory cimport BlockPool, Buf
from mosn._fastpath.proxy.types cimport Format, RequestInfo


# Append the formatted text.  missing: what stands for an absent value ("-" in logs, "" in headers).
# Returns 0; 1 when it holds operators and every one of them was absent; -1 when out of memory.
cdef int format_append(const Format *program, const RequestInfo *info, const char *missing, BlockPool *pool,
                       Buf *out) noexcept nogil


cdef class FormatObject:
    # Owner.  FormatObject(text: str) raises ValueError naming the operator for what Envoy rejects.
    # FormatObject.json(pairs, omit_empty) makes a JSON line (mosn.model.AccessLog.json).
    cdef Format program
    cdef object _keep           # bytes and other objects that steps point into
    cdef int _compile(self, list steps, bint json) except -1
    cdef bint is_literal(self) noexcept
