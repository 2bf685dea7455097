"""The questions of a TLS handshake, answered (see tls_verify.pxd)."""

from libc.stdint cimport uint32_t
from libc.string cimport memcmp, memcpy, strlen

from mosn._fastpath.engine.openssl cimport (
    ASN1_STRING, ASN1_STRING_get0_data, ASN1_STRING_length, EVP_CIPHER_CTX, EVP_DecryptInit_ex, EVP_EncryptInit_ex,
    EVP_MAC_CTX, EVP_MAC_CTX_set_params, EVP_aes_256_cbc, EVP_sha256, GENERAL_NAME, GENERAL_NAME_get0_value,
    GENERAL_NAMES, GENERAL_NAMES_free, GEN_DNS, GEN_EMAIL, GEN_IPADD, GEN_URI, NID_subject_alt_name, OPENSSL_free,
    OPENSSL_malloc, OSSL_PARAM, OSSL_PARAM_construct_end, OSSL_PARAM_construct_octet_string,
    OSSL_PARAM_construct_utf8_string, RAND_bytes, SSL, SSL_CTX_sess_set_new_cb, SSL_CTX_set_alpn_select_cb,
    SSL_CTX_set_cert_verify_callback, SSL_CTX_set_tlsext_servername_callback, SSL_CTX_set_tlsext_status_cb,
    SSL_CTX_set_tlsext_ticket_key_evp_cb, SSL_CTX_set_verify, SSL_TLSEXT_ERR_ALERT_FATAL, SSL_TLSEXT_ERR_NOACK,
    SSL_TLSEXT_ERR_OK, SSL_VERIFY_FAIL_IF_NO_PEER_CERT, SSL_VERIFY_NONE, SSL_VERIFY_PEER, SSL_SESSION, SSL_SESSION_dup,
    SSL_get_app_data, SSL_get_ex_data_X509_STORE_CTX_idx, SSL_get_servername, SSL_select_next_proto, SSL_set_SSL_CTX,
    SSL_set_tlsext_status_ocsp_resp, TLSEXT_NAMETYPE_host_name, X509, X509_STORE_CTX, X509_STORE_CTX_get0_cert,
    X509_STORE_CTX_get_ex_data, X509_STORE_CTX_set_error, X509_V_ERR_APPLICATION_VERIFICATION, X509_V_OK, X509_digest,
    X509_get_X509_PUBKEY, X509_get_ext_d2i, X509_verify_cert, EVP_Digest, OPENSSL_NPN_NEGOTIATED, i2d_X509_PUBKEY,
    sk_GENERAL_NAME_num, sk_GENERAL_NAME_value,
)
from mosn._fastpath.engine.system cimport AF_INET, AF_INET6
from mosn._fastpath.engine.tls cimport tls_session_free
from mosn._fastpath.engine.types cimport Tls
from mosn._fastpath.memory cimport Slice, slice_of
from mosn._fastpath.proxy.match cimport text_matches
from mosn._fastpath.proxy.tls_types cimport (
    REFUSAL_CHAIN, REFUSAL_HASH, REFUSAL_SAN, SAN_ANY, SAN_DNS, SAN_EMAIL, SAN_IP, SAN_URI, Digest, NamedContext,
    SanMatch, TicketKey, TlsContext,
)
from mosn._fastpath.proxy.types cimport Host


cdef extern from "<arpa/inet.h>" nogil:
    const char *inet_ntop(int family, const void *address, char *out, unsigned int room)

cdef enum:
    NAME_ROOM = 64
    LONGEST_NAME = 255


cdef inline Tls *tls_of(SSL *ssl) noexcept nogil:
    return <Tls *>SSL_get_app_data(ssl)


# -- names

cdef const char *general_name(const GENERAL_NAME *name, int *type, char *room, size_t *n) noexcept nogil:
    cdef const ASN1_STRING *text = <const ASN1_STRING *>GENERAL_NAME_get0_value(name, type)
    cdef const char *p
    if type[0] not in (GEN_DNS, GEN_URI, GEN_EMAIL, GEN_IPADD):
        return NULL
    p = <const char *>ASN1_STRING_get0_data(text)
    n[0] = <size_t>ASN1_STRING_length(text)
    if type[0] != GEN_IPADD:
        return p
    if n[0] not in (4, 16):
        return NULL
    p = inet_ntop(AF_INET if n[0] == 4 else AF_INET6, p, room, NAME_ROOM)
    n[0] = strlen(p) if p != NULL else 0
    return p


cdef bint is_type(const SanMatch *rule, int type) noexcept nogil:
    if rule.type == SAN_ANY:
        return True
    if type == GEN_DNS:
        return rule.type == SAN_DNS
    if type == GEN_URI:
        return rule.type == SAN_URI
    if type == GEN_EMAIL:
        return rule.type == SAN_EMAIL
    return rule.type == SAN_IP


cdef bint same_fold(Slice a, Slice b) noexcept nogil:
    # ASCII case does not count in DNS names.
    cdef uint32_t i
    if a.n != b.n:
        return False
    for i in range(a.n):
        if lower(a.p[i]) != lower(b.p[i]):
            return False
    return True


cdef inline char lower(char x) noexcept nogil:
    return x + 32 if ord("A") <= x <= ord("Z") else x


cdef bint covers(Slice pattern, Slice name) noexcept nogil:
    # A name of a certificate, perhaps "*.x", and one that is asked for.
    cdef uint32_t i = 0
    if pattern.n < 3 or pattern.p[0] != ord("*") or pattern.p[1] != ord("."):
        return same_fold(pattern, name)
    while i < name.n and name.p[i] != ord("."):
        i += 1
    return i > 0 and same_fold(slice_of(pattern.p + 1, pattern.n - 1), slice_of(name.p + i, name.n - i))


cdef bint name_allowed(const SanMatch *rules, uint32_t count, int type, Slice name) noexcept nogil:
    cdef uint32_t i
    for i in range(count):
        if not is_type(&rules[i], type):
            continue
        if text_matches(&rules[i].text, name):
            return True
        # An exact DNS name is also met by a wildcard certificate, as in Envoy.
        if type == GEN_DNS and rules[i].text.kind == 0 and covers(name, rules[i].text.value):
            return True
    return False


cdef bint sans_allowed(const SanMatch *rules, uint32_t count, X509 *certificate) noexcept nogil:
    cdef GENERAL_NAMES *names = <GENERAL_NAMES *>X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL)
    cdef char room[NAME_ROOM]
    cdef const char *p
    cdef size_t n = 0
    cdef int type = 0
    cdef int i
    cdef bint found = False
    if names == NULL:
        return False
    for i in range(sk_GENERAL_NAME_num(names)):
        p = general_name(sk_GENERAL_NAME_value(names, i), &type, room, &n)
        if p != NULL and name_allowed(rules, count, type, slice_of(p, n)):
            found = True
            break
    GENERAL_NAMES_free(names)
    return found


# -- is this peer let in

cdef bint listed(const Digest *digests, uint32_t count, const unsigned char *digest) noexcept nogil:
    cdef uint32_t i
    for i in range(count):
        if memcmp(digests[i].bytes, digest, 32) == 0:
            return True
    return False


cdef bint key_listed(TlsContext *context, X509 *certificate) noexcept nogil:
    cdef unsigned char *der = NULL
    cdef unsigned char digest[64]
    cdef unsigned int n = 0
    cdef int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der)
    if length <= 0:
        return False
    EVP_Digest(der, <size_t>length, digest, &n, EVP_sha256(), NULL)
    OPENSSL_free(der)
    return n == 32 and listed(context.keys, context.key_count, digest)


cdef bint hash_allowed(TlsContext *context, X509 *certificate) noexcept nogil:
    cdef unsigned char digest[64]
    cdef unsigned int n = 0
    if context.hash_count == 0 and context.key_count == 0:
        return True
    if context.hash_count and X509_digest(certificate, EVP_sha256(), digest, &n) == 1 and n == 32 and listed(
            context.hashes, context.hash_count, digest):
        return True
    return context.key_count != 0 and key_listed(context, certificate)


cdef bint host_name_allowed(Tls *tls, X509 *certificate) noexcept nogil:
    # auto_sni_san_validation: the certificate must bear the name that was asked for.
    cdef const char *name = SSL_get_servername(<SSL *>tls.ssl, TLSEXT_NAMETYPE_host_name)
    cdef SanMatch rule
    if name == NULL:
        return True
    rule.type = SAN_DNS
    rule.text.kind = 0
    rule.text.fold = 0
    rule.text.value = slice_of(name, strlen(name))
    return sans_allowed(&rule, 1, certificate)


cdef uint32_t judge(Tls *tls, TlsContext *context, X509_STORE_CTX *chain) noexcept nogil:
    cdef X509 *certificate = X509_STORE_CTX_get0_cert(chain)
    if context.check_chain and X509_verify_cert(chain) != 1 and not context.accept_untrusted:
        return REFUSAL_CHAIN
    if context.san_count and not sans_allowed(context.sans, context.san_count, certificate):
        return REFUSAL_SAN
    if context.check_host_name and not host_name_allowed(tls, certificate):
        return REFUSAL_SAN
    return 0 if hash_allowed(context, certificate) else REFUSAL_HASH


cdef int on_certificate(X509_STORE_CTX *chain, void *arg) noexcept nogil:
    cdef SSL *ssl = <SSL *>X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx())
    cdef Tls *tls = tls_of(ssl)
    cdef TlsContext *context = <TlsContext *>tls.context
    tls.refusal = judge(tls, context, chain)
    if tls.refusal == 0:
        X509_STORE_CTX_set_error(chain, X509_V_OK)
        return 1
    if tls.refusal != REFUSAL_CHAIN:
        X509_STORE_CTX_set_error(chain, X509_V_ERR_APPLICATION_VERIFICATION)
    return 0


# -- what the client asks for

cdef NamedContext *named_for(TlsContext *context, Slice name) noexcept nogil:
    cdef uint32_t i, j
    cdef NamedContext *wild = NULL
    for i in range(context.named_count):
        for j in range(context.named[i].name_count):
            if same_fold(context.named[i].names[j], name):
                return &context.named[i]
            if wild == NULL and covers(context.named[i].names[j], name):
                wild = &context.named[i]
    return wild if wild != NULL else &context.named[0]


cdef NamedContext *chosen(SSL *ssl) noexcept nogil:
    cdef TlsContext *context = <TlsContext *>tls_of(ssl).context
    cdef const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)
    return named_for(context, slice_of(name, strlen(name))) if name != NULL else &context.named[0]


cdef int on_server_name(SSL *ssl, int *alert, void *arg) noexcept nogil:
    cdef TlsContext *context = <TlsContext *>tls_of(ssl).context
    if context.require_sni and SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) == NULL:
        return SSL_TLSEXT_ERR_ALERT_FATAL
    if context.named_count > 1:
        SSL_set_SSL_CTX(ssl, chosen(ssl).context)
    return SSL_TLSEXT_ERR_OK


cdef int on_protocols(SSL *ssl, const unsigned char **out, unsigned char *out_n, const unsigned char *offered,
                      unsigned int offered_n, void *arg) noexcept nogil:
    cdef TlsContext *context = <TlsContext *>tls_of(ssl).context
    cdef int said = SSL_select_next_proto(
        <unsigned char **>out, out_n, <const unsigned char *>context.alpn.p, context.alpn.n, offered, offered_n)
    return SSL_TLSEXT_ERR_OK if said == OPENSSL_NPN_NEGOTIATED else SSL_TLSEXT_ERR_NOACK


cdef int on_status(SSL *ssl, void *arg) noexcept nogil:
    cdef NamedContext *named = chosen(ssl)
    cdef unsigned char *copy
    if named.staple.n == 0:
        return SSL_TLSEXT_ERR_NOACK
    copy = <unsigned char *>OPENSSL_malloc(named.staple.n)
    if copy == NULL:
        return SSL_TLSEXT_ERR_NOACK
    memcpy(copy, named.staple.p, named.staple.n)
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, named.staple.n)
    return SSL_TLSEXT_ERR_OK


# -- tickets

cdef int set_mac(EVP_MAC_CTX *mac, TicketKey *key) noexcept nogil:
    cdef OSSL_PARAM parameters[3]
    parameters[0] = OSSL_PARAM_construct_octet_string(b"key", key.mac, sizeof(key.mac))
    parameters[1] = OSSL_PARAM_construct_utf8_string(b"digest", <char *>b"SHA256", 0)
    parameters[2] = OSSL_PARAM_construct_end()
    return EVP_MAC_CTX_set_params(mac, parameters)


cdef int seal_ticket(TicketKey *key, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                     EVP_MAC_CTX *mac) noexcept nogil:
    memcpy(name, key.name, sizeof(key.name))
    if RAND_bytes(iv, 16) != 1 or EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key.cipher, iv) != 1:
        return -1
    return 1 if set_mac(mac, key) == 1 else -1


cdef int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
                   int sealing) noexcept nogil:
    # 0: not ours.  2: good, but to be replaced by one of the newest key.
    cdef TlsContext *context = <TlsContext *>tls_of(ssl).context
    cdef TicketKey *key
    cdef uint32_t i
    if context.ticket_count == 0:
        return 0
    if sealing:
        return seal_ticket(&context.tickets[0], name, iv, cipher, mac)
    for i in range(context.ticket_count):
        key = &context.tickets[i]
        if memcmp(name, key.name, sizeof(key.name)) == 0:
            if set_mac(mac, key) != 1 or EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key.cipher, iv) != 1:
                return -1
            return 1 if i == 0 else 2
    return 0


cdef int on_session(SSL *ssl, SSL_SESSION *session) noexcept nogil:
    # A server sent a ticket.  Its host has a connection at least, this one, so it is there.
    # A copy is kept: OpenSSL spoils the connection's own when that ends without a close_notify.
    cdef Tls *tls = tls_of(ssl)
    cdef Host *host = <Host *>tls.peer
    if host != NULL:
        tls_session_free(host.tls_session)
        host.tls_session = SSL_SESSION_dup(session)
        host.tls_generation = tls.generation
    return 0


cdef void tls_set_callbacks(TlsContext *context, NamedContext *named) noexcept nogil:
    cdef bint asks = context.check_chain or context.require_peer or context.san_count or context.hash_count or \
        context.key_count
    cdef int mode = SSL_VERIFY_PEER if asks else SSL_VERIFY_NONE
    if context.require_peer:
        mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT
    SSL_CTX_set_verify(named.context, mode, NULL)
    SSL_CTX_set_cert_verify_callback(named.context, on_certificate, NULL)
    if context.client:
        if context.keep_sessions:
            SSL_CTX_sess_set_new_cb(named.context, on_session)
        return
    SSL_CTX_set_tlsext_servername_callback(named.context, on_server_name)
    SSL_CTX_set_tlsext_ticket_key_evp_cb(named.context, on_ticket)
    SSL_CTX_set_tlsext_status_cb(named.context, on_status)
    if context.alpn.n:
        SSL_CTX_set_alpn_select_cb(named.context, on_protocols, NULL)
