# What a TLS connection agreed on and whom it is with, as text: for access logs and x-forwarded-client-cert.

from libc.stdint cimport int64_t, uint8_t, uint32_t

from mosn._fastpath.engine.types cimport Tls
from mosn._fastpath.memory cimport BlockPool, Buf, Slice
from mosn._fastpath.proxy.types cimport RequestInfo


cdef enum:                      # TlsFact
    FACT_VERSION = 0
    FACT_CIPHER, FACT_GROUP, FACT_SESSION_ID, FACT_SERVER_NAME
    FACT_PEER_SUBJECT, FACT_PEER_ISSUER, FACT_PEER_SERIAL, FACT_PEER_FINGERPRINT_256, FACT_PEER_FINGERPRINT_1
    FACT_PEER_CERT              # PEM, URL-encoded
    FACT_PEER_CHAIN             # the same of the whole chain
    FACT_PEER_URI, FACT_PEER_DNS, FACT_PEER_EMAIL, FACT_PEER_IP         # joined by ","
    FACT_LOCAL_SUBJECT, FACT_LOCAL_URI, FACT_LOCAL_DNS, FACT_LOCAL_EMAIL, FACT_LOCAL_IP
    FACT_COUNT


cdef struct TlsFacts:
    # In one piece of memory, at Tls.facts; made when somebody asks first.
    Slice texts[21]             # by TlsFact; n 0: there is none
    int64_t not_before          # of the peer's certificate, seconds since 1970; 0 without one
    int64_t not_after
    uint8_t mutual              # the peer showed a certificate


# What is known of a client's TLS, for its requests and logs.
cdef void tls_describe(RequestInfo *info, Tls *tls) noexcept nogil
# One fact for a format: appends it.  1: there is none, -1: out of memory.
cdef int tls_append_fact(Tls *tls, uint32_t fact, BlockPool *pool, Buf *out) noexcept nogil
# NULL when out of memory, or before the handshake is done.
cdef TlsFacts *tls_facts(Tls *tls) noexcept nogil
