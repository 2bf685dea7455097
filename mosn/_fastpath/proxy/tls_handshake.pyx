"""TLS of the proxy's connections (see tls_handshake.pxd)."""

from libc.stdint cimport uint32_t
from libc.string cimport memcpy, strcmp

from mosn._fastpath.engine.openssl cimport (
    ERR_GET_REASON, ERR_reason_error_string, SSL, SSL_SESSION, SSL_set_session, SSL_set_tlsext_host_name,
    SSL_CIPHER_standard_name, SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, SSL_get1_peer_certificate,
    SSL_get_current_cipher, SSL_get_negotiated_group, SSL_get_version, SSL_session_reused, X509, X509_free,
)
from mosn._fastpath.engine.tls cimport tls_attach, tls_session_free
from mosn._fastpath.engine.types cimport T_FAILED, T_OPEN, Conn, Tls
from mosn._fastpath.memory cimport Slice, slice_of
from mosn._fastpath.proxy.finish cimport snapshot_unref
from mosn._fastpath.proxy.runtime cimport Proxy, Snapshot
from mosn._fastpath.proxy.tls_types cimport REFUSAL_CHAIN, REFUSAL_HASH, REFUSAL_NO_CERTIFICATE, REFUSAL_SAN, TlsContext
from mosn._fastpath.proxy.types cimport Cluster, Host
from mosn._fastpath.shm.segment cimport count
from mosn._fastpath.shm.stats cimport (
    TL_CIPHERS, TL_CIPHER_OTHER, TL_CONNECTION_ERROR, TL_CURVES, TL_CURVE_OTHER, TL_FAIL_VERIFY_CERT_HASH,
    TL_FAIL_VERIFY_ERROR, TL_FAIL_VERIFY_NO_CERT, TL_FAIL_VERIFY_SAN, TL_HANDSHAKE, TL_NO_CERTIFICATE,
    TL_SESSION_REUSED, TL_VERSIONS, TL_VERSION_OTHER,
)


cdef extern from "<stdio.h>" nogil:
    int snprintf(char *out, size_t n, const char *form, ...)

# In the order of stats.pxd.
cdef const char **CIPHERS = [
    b"TLS_AES_128_GCM_SHA256", b"TLS_AES_256_GCM_SHA384", b"TLS_CHACHA20_POLY1305_SHA256",
    b"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", b"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    b"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", b"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    b"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", b"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
]
cdef const char **VERSIONS = [b"TLSv1", b"TLSv1.1", b"TLSv1.2", b"TLSv1.3"]
# X25519, P-256, P-384, P-521 as OpenSSL numbers them.
cdef long *CURVES = [1034, 415, 715, 716]


cdef uint32_t place_of(const char *name, const char **names, uint32_t n) noexcept nogil:
    cdef uint32_t i
    for i in range(n):
        if name != NULL and strcmp(name, names[i]) == 0:
            return i
    return n


cdef void count_open(Proxy *proxy, Tls *tls, uint32_t stats) noexcept nogil:
    cdef SSL *ssl = <SSL *>tls.ssl
    cdef X509 *peer = SSL_get1_peer_certificate(ssl)
    cdef long group = SSL_get_negotiated_group(ssl)
    cdef uint32_t curve = 0
    count(proxy.region, stats + TL_HANDSHAKE, 1)
    if SSL_session_reused(ssl):
        count(proxy.region, stats + TL_SESSION_REUSED, 1)
    if peer == NULL:
        count(proxy.region, stats + TL_NO_CERTIFICATE, 1)
    X509_free(peer)
    count(proxy.region, stats + TL_CIPHERS + place_of(
        SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl)), CIPHERS, TL_CIPHER_OTHER - TL_CIPHERS), 1)
    count(proxy.region, stats + TL_VERSIONS + place_of(
        SSL_get_version(ssl), VERSIONS, TL_VERSION_OTHER - TL_VERSIONS), 1)
    while curve < TL_CURVE_OTHER - TL_CURVES and CURVES[curve] != group:
        curve += 1
    count(proxy.region, stats + TL_CURVES + curve, 1)


cdef void count_failed(Proxy *proxy, Tls *tls, uint32_t stats) noexcept nogil:
    if tls.reason and ERR_GET_REASON(tls.reason) == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
        tls.refusal = REFUSAL_NO_CERTIFICATE
    if tls.refusal == REFUSAL_NO_CERTIFICATE:
        count(proxy.region, stats + TL_FAIL_VERIFY_NO_CERT, 1)
    elif tls.refusal == REFUSAL_CHAIN:
        count(proxy.region, stats + TL_FAIL_VERIFY_ERROR, 1)
    elif tls.refusal == REFUSAL_SAN:
        count(proxy.region, stats + TL_FAIL_VERIFY_SAN, 1)
    elif tls.refusal == REFUSAL_HASH:
        count(proxy.region, stats + TL_FAIL_VERIFY_CERT_HASH, 1)
    elif tls.reason:
        count(proxy.region, stats + TL_CONNECTION_ERROR, 1)


cdef void settled(Tls *tls) noexcept nogil:
    cdef Proxy *proxy = <Proxy *>tls.conn.engine.app
    cdef uint32_t stats = (<TlsContext *>tls.context).stats
    if tls.flags & T_OPEN:
        count_open(proxy, tls, stats)
    elif tls.flags & T_FAILED:
        count_failed(proxy, tls, stats)
    tls.context = NULL
    snapshot_unref(proxy, <Snapshot *>tls.held)
    tls.held = NULL


cdef int begin(Proxy *proxy, Conn *conn, TlsContext *context, Snapshot *snapshot) noexcept nogil:
    cdef Tls *tls = tls_attach(conn, context.named[0].context, context.client)
    if tls == NULL:
        return -1
    tls.context = context
    tls.held = snapshot
    tls.settled = settled
    snapshot.references += 1
    return 0


cdef int tls_accept(Proxy *proxy, Conn *conn, TlsContext *context, Snapshot *snapshot) noexcept nogil:
    return begin(proxy, conn, context, snapshot)


# -- upstream

cdef void use_session(Tls *tls, const TlsContext *context, Host *host) noexcept nogil:
    if host.tls_session == NULL:
        return
    if host.tls_generation == context.generation:
        SSL_set_session(<SSL *>tls.ssl, <SSL_SESSION *>host.tls_session)
        return
    tls_session_free(host.tls_session)
    host.tls_session = NULL


cdef void name_server(Tls *tls, const TlsContext *context, const Host *host) noexcept nogil:
    cdef char name[256]
    if context.sni_from_host and 0 < host.hostname.n < sizeof(name):
        memcpy(name, host.hostname.p, host.hostname.n)
        name[host.hostname.n] = 0
        SSL_set_tlsext_host_name(<SSL *>tls.ssl, name)
    elif context.sni.n:
        SSL_set_tlsext_host_name(<SSL *>tls.ssl, context.sni.p)


cdef int tls_connect(Proxy *proxy, Conn *conn, const Cluster *cluster, Host *host, Snapshot *snapshot) noexcept nogil:
    cdef TlsContext *context = <TlsContext *>cluster.tls
    if context == NULL:
        return 0
    if begin(proxy, conn, context, snapshot) < 0:
        return -1
    conn.tls.peer = host
    conn.tls.generation = context.generation
    name_server(conn.tls, context, host)
    if context.keep_sessions:
        use_session(conn.tls, context, host)
    return 0


cdef const char *refusal_words(uint32_t refusal) noexcept nogil:
    if refusal == REFUSAL_CHAIN:
        return b"certificate verify failed"
    if refusal == REFUSAL_SAN:
        return b"no subject alternative name matches"
    if refusal == REFUSAL_HASH:
        return b"certificate is not one of those listed"
    return NULL


cdef Slice tls_failure(const Conn *conn, char *room, size_t n) noexcept nogil:
    cdef const char *said
    cdef int length
    if conn.tls == NULL or not conn.tls.flags & T_FAILED:
        return slice_of(NULL, 0)
    said = refusal_words(conn.tls.refusal)
    if said == NULL:
        said = ERR_reason_error_string(conn.tls.reason)
    if said == NULL:
        return slice_of(NULL, 0)
    length = snprintf(room, n, "TLS error: %s", said)
    return slice_of(room, min(<size_t>length, n - 1))
