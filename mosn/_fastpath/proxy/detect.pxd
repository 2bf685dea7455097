# Which protocol a connection speaks, by its first bytes: the listener filters that look without taking anything.

from libc.stdint cimport uint32_t, uint8_t

from mosn._fastpath.codec.client_hello cimport ClientHello
from mosn._fastpath.proxy.runtime cimport Accepted, Listener, Proxy


cdef enum DetectVerdict:
    DETECT_MORE = 0             # wait for more bytes, or for the listener filters' timeout
    DETECT_DONE                 # facts.protocol and facts.hello are set, or nothing is known about these bytes
    DETECT_CLOSE                # too long to wait for: close, it was counted


cdef struct Detection:
    # What was found out so far; all zero at first.
    uint32_t seen               # bytes of the request line that were searched
    uint8_t tls_over
    uint8_t http_over


# Fill in what looks (of mosn.model.Listener); out.protocols has room for them.  Raises ValueError.
cdef int detect_compile(Listener *out, dict spec) except -1
# Has facts.config a filter that looks?
cdef bint detect_wanted(const Accepted *facts) noexcept nogil
# n > 0 bytes at p are all that has come since the PROXY header.  `hello` is where facts.hello may point to.
# `at_last`: nothing more is waited for, what needs more bytes is not it (never DETECT_MORE).
cdef int detect(Proxy *proxy, Accepted *facts, Detection *state, const char *p, size_t n, bint at_last,
                ClientHello *hello) noexcept nogil
