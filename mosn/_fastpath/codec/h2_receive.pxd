# Bytes of the peer (RFC 9113 sections 3.4, 4, 5, 6).

from libc.stdint cimport int64_t

from mosn._fastpath.codec.h2_types cimport H2


# Read frames; DATA is told as it comes, everything else frame by frame.  How many of n bytes were used (the rest is
# offered again in front of newer ones), or -1: h2.failed with error and why, and a GOAWAY is in the output.
cdef int64_t h2_feed(H2 *h2, const char *p, size_t n) noexcept nogil
