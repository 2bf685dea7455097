# TLS as configured: a compiled DownstreamTlsContext or UpstreamTlsContext.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from mosn._fastpath.engine.openssl cimport SSL_CTX
from mosn._fastpath.memory cimport Slice
from mosn._fastpath.proxy.match cimport TextMatch


cdef enum SanType:
    SAN_DNS = 0
    SAN_URI, SAN_EMAIL, SAN_IP
    SAN_ANY                     # match_subject_alt_names


cdef enum Refusal:              # Tls.refusal: why a peer was not let in
    REFUSAL_NONE = 0
    REFUSAL_NO_CERTIFICATE
    REFUSAL_CHAIN               # unknown authority, expired, revoked ...
    REFUSAL_SAN
    REFUSAL_HASH


cdef struct SanMatch:
    uint8_t type                # SanType
    TextMatch text


cdef struct Digest:
    unsigned char bytes[32]


cdef struct TicketKey:
    unsigned char name[16]
    unsigned char mac[32]
    unsigned char cipher[32]


cdef struct NamedContext:
    # Certificates that bear the same names: what a client that asks for one of them gets.
    SSL_CTX *context
    Slice *names                # lower case; "*.x" for every direct child of x
    uint32_t name_count
    Slice staple                # an OCSP response; n 0 none


cdef struct TlsContext:
    NamedContext *named         # named[0] is for everybody else; without certificates (client) the only one
    uint32_t named_count
    uint8_t client
    uint8_t require_peer        # a certificate must be shown
    uint8_t require_sni
    uint8_t check_chain         # there is a trusted CA
    uint8_t accept_untrusted    # who fails only the chain is let in (trust_chain_verification)
    uint8_t keep_sessions       # client: sessions are kept for the next connection
    uint8_t sni_from_host       # client: auto_host_sni
    uint8_t check_host_name     # client: auto_sni_san_validation
    SanMatch *sans
    uint32_t san_count
    Digest *hashes              # of the certificate
    uint32_t hash_count
    Digest *keys                # of its SubjectPublicKeyInfo
    uint32_t key_count
    Slice alpn                  # in wire form
    Slice sni                   # client; NUL-terminated
    TicketKey *tickets          # the first one seals, all of them open
    uint32_t ticket_count
    uint64_t generation         # one of a kind in this process
    uint32_t handshake_ms       # server
    uint32_t stats              # base of its block in shared memory
