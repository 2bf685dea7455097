"""What a TLS connection agreed on and whom it is with (see tls_facts.pxd)."""

from libc.stdint cimport int64_t, uint32_t
from libc.stdlib cimport malloc
from libc.string cimport memcpy, memset, strlen

from mosn._fastpath.engine.openssl cimport (
    ASN1_INTEGER_to_BN, ASN1_TIME, ASN1_TIME_to_tm, BIGNUM, BIO, BIO_free, BIO_get_mem_data, BIO_new, BIO_s_mem,
    BN_bn2hex, BN_free, EVP_MD, EVP_sha1, EVP_sha256, GENERAL_NAMES, GENERAL_NAMES_free, GEN_DNS, GEN_EMAIL, GEN_IPADD,
    GEN_URI, NID_subject_alt_name, OPENSSL_free, PEM_write_bio_X509, SSL, SSL_SESSION, SSL_SESSION_get_id,
    SSL_CIPHER_get_name, SSL_get_certificate, SSL_get_current_cipher, SSL_get_negotiated_group, SSL_get_peer_cert_chain,
    SSL_group_to_name, SSL_get_servername, SSL_get_session, SSL_get_version, SSL_get1_peer_certificate, STACK_OF_X509,
    TLSEXT_NAMETYPE_host_name, X509, X509_NAME, X509_NAME_print_ex, X509_digest, X509_free, X509_get0_notAfter,
    X509_get0_notBefore, X509_get0_serialNumber, X509_get_ext_d2i, X509_get_issuer_name, X509_get_subject_name,
    XN_FLAG_RFC2253, sk_GENERAL_NAME_num, sk_GENERAL_NAME_value, sk_X509_num, sk_X509_value, timegm, tm,
)
from mosn._fastpath.engine.types cimport T_OPEN, Tls
from mosn._fastpath.memory cimport BlockPool, Buf, buf_append, buf_len, buf_release, slice_of
from mosn._fastpath.proxy.tls_verify cimport general_name
from mosn._fastpath.proxy.types cimport RequestInfo


cdef const char *HEX = b"0123456789abcdef"


cdef struct Writer:
    # Texts one behind the other; where each begins and ends.
    BlockPool *pool
    Buf out
    uint32_t start[21]
    uint32_t end[21]
    bint failed


cdef void put(Writer *writer, const char *p, size_t n) noexcept nogil:
    if buf_append(writer.pool, &writer.out, p, n) < 0:
        writer.failed = True


cdef void begin(Writer *writer, int fact) noexcept nogil:
    writer.start[fact] = buf_len(&writer.out)


cdef void end(Writer *writer, int fact) noexcept nogil:
    writer.end[fact] = buf_len(&writer.out)


cdef void text(Writer *writer, int fact, const char *p) noexcept nogil:
    if p != NULL:
        begin(writer, fact)
        put(writer, p, strlen(p))
        end(writer, fact)


cdef void hexadecimal(Writer *writer, int fact, const unsigned char *p, size_t n) noexcept nogil:
    cdef char pair[2]
    cdef size_t i
    begin(writer, fact)
    for i in range(n):
        pair[0] = HEX[p[i] >> 4]
        pair[1] = HEX[p[i] & 15]
        put(writer, pair, 2)
    end(writer, fact)


# -- certificates

cdef void name_text(Writer *writer, int fact, const X509_NAME *name) noexcept nogil:
    cdef BIO *bio = BIO_new(BIO_s_mem())
    cdef char *p = NULL
    cdef long n
    if bio == NULL:
        return
    X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253)
    n = BIO_get_mem_data(bio, &p)
    begin(writer, fact)
    if n > 0:
        put(writer, p, <size_t>n)
    end(writer, fact)
    BIO_free(bio)


cdef void serial_text(Writer *writer, X509 *certificate) noexcept nogil:
    cdef BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL)
    cdef char *digits = BN_bn2hex(number) if number != NULL else NULL
    cdef size_t i = 0
    while digits != NULL and digits[i]:
        if c"A" <= digits[i] <= c"F":
            digits[i] += 32
        i += 1
    text(writer, FACT_PEER_SERIAL, digits)
    OPENSSL_free(digits)
    BN_free(number)


cdef void digest_text(Writer *writer, int fact, const X509 *certificate, const EVP_MD *kind) noexcept nogil:
    cdef unsigned char digest[64]
    cdef unsigned int n = 0
    if X509_digest(certificate, kind, digest, &n) == 1:
        hexadecimal(writer, fact, digest, n)


cdef void names_of_kind(Writer *writer, int fact, const GENERAL_NAMES *names, int wanted) noexcept nogil:
    cdef char room[64]
    cdef const char *p
    cdef size_t n = 0
    cdef int type = 0
    cdef int i
    begin(writer, fact)
    for i in range(sk_GENERAL_NAME_num(names)):
        p = general_name(sk_GENERAL_NAME_value(names, i), &type, room, &n)
        if p == NULL or type != wanted:
            continue
        if buf_len(&writer.out) > writer.start[fact]:
            put(writer, b",", 1)
        put(writer, p, n)
    end(writer, fact)


cdef void names_text(Writer *writer, const X509 *certificate, int uri, int dns, int email, int ip) noexcept nogil:
    cdef GENERAL_NAMES *names = <GENERAL_NAMES *>X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL)
    if names == NULL:
        return
    names_of_kind(writer, uri, names, GEN_URI)
    names_of_kind(writer, dns, names, GEN_DNS)
    names_of_kind(writer, email, names, GEN_EMAIL)
    names_of_kind(writer, ip, names, GEN_IPADD)
    GENERAL_NAMES_free(names)


cdef inline bint unreserved(char x) noexcept nogil:
    return c"a" <= x <= c"z" or c"A" <= x <= c"Z" or c"0" <= x <= c"9" or x in (c"-", c".", c"_", c"~")


cdef void url_encoded(Writer *writer, const char *p, size_t n) noexcept nogil:
    cdef char triple[3]
    cdef size_t i
    triple[0] = c"%"
    for i in range(n):
        if unreserved(p[i]):
            put(writer, p + i, 1)
            continue
        triple[1] = HEX[<unsigned char>p[i] >> 4]
        triple[2] = HEX[<unsigned char>p[i] & 15]
        if triple[1] >= c"a":
            triple[1] -= 32
        if triple[2] >= c"a":
            triple[2] -= 32
        put(writer, triple, 3)


cdef void pem_text(Writer *writer, const X509 *certificate) noexcept nogil:
    cdef BIO *bio = BIO_new(BIO_s_mem())
    cdef char *p = NULL
    cdef long n
    if bio == NULL:
        return
    PEM_write_bio_X509(bio, certificate)
    n = BIO_get_mem_data(bio, &p)
    if n > 0:
        url_encoded(writer, p, <size_t>n)
    BIO_free(bio)


cdef int64_t seconds(const ASN1_TIME *time) noexcept nogil:
    cdef tm parts
    return timegm(&parts) if ASN1_TIME_to_tm(time, &parts) == 1 else 0


cdef void peer_texts(Writer *writer, TlsFacts *facts, SSL *ssl, X509 *peer) noexcept nogil:
    cdef STACK_OF_X509 *chain = SSL_get_peer_cert_chain(ssl)
    cdef int i
    facts.mutual = True
    facts.not_before = seconds(X509_get0_notBefore(peer))
    facts.not_after = seconds(X509_get0_notAfter(peer))
    name_text(writer, FACT_PEER_SUBJECT, X509_get_subject_name(peer))
    name_text(writer, FACT_PEER_ISSUER, X509_get_issuer_name(peer))
    serial_text(writer, peer)
    digest_text(writer, FACT_PEER_FINGERPRINT_256, peer, EVP_sha256())
    digest_text(writer, FACT_PEER_FINGERPRINT_1, peer, EVP_sha1())
    names_text(writer, peer, FACT_PEER_URI, FACT_PEER_DNS, FACT_PEER_EMAIL, FACT_PEER_IP)
    begin(writer, FACT_PEER_CERT)
    pem_text(writer, peer)
    end(writer, FACT_PEER_CERT)
    begin(writer, FACT_PEER_CHAIN)
    # The client's own certificate is not in a server's list of the chain.
    pem_text(writer, peer)
    for i in range(sk_X509_num(chain) if chain != NULL else 0):
        pem_text(writer, sk_X509_value(chain, i))
    end(writer, FACT_PEER_CHAIN)


# -- all of it

cdef void session_texts(Writer *writer, SSL *ssl) noexcept nogil:
    cdef unsigned int n = 0
    cdef SSL_SESSION *session = SSL_get_session(ssl)
    cdef const unsigned char *id = SSL_SESSION_get_id(session, &n) if session != NULL else NULL
    text(writer, FACT_VERSION, SSL_get_version(ssl))
    text(writer, FACT_CIPHER, SSL_CIPHER_get_name(SSL_get_current_cipher(ssl)))
    text(writer, FACT_GROUP, SSL_group_to_name(ssl, <int>SSL_get_negotiated_group(ssl)))
    text(writer, FACT_SERVER_NAME, SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name))
    if id != NULL and n:
        hexadecimal(writer, FACT_SESSION_ID, id, n)


cdef void write_all(Writer *writer, TlsFacts *facts, Tls *tls) noexcept nogil:
    cdef SSL *ssl = <SSL *>tls.ssl
    cdef X509 *peer = SSL_get1_peer_certificate(ssl)
    cdef X509 *own = SSL_get_certificate(ssl)
    session_texts(writer, ssl)
    if peer != NULL:
        peer_texts(writer, facts, ssl, peer)
        X509_free(peer)
    if own != NULL:
        name_text(writer, FACT_LOCAL_SUBJECT, X509_get_subject_name(own))
        names_text(writer, own, FACT_LOCAL_URI, FACT_LOCAL_DNS, FACT_LOCAL_EMAIL, FACT_LOCAL_IP)


cdef TlsFacts *in_one_piece(TlsFacts *facts, const Writer *writer) noexcept nogil:
    cdef uint32_t n = buf_len(&writer.out)
    cdef TlsFacts *made = <TlsFacts *>malloc(sizeof(TlsFacts) + n)
    cdef char *base
    cdef int i
    if made == NULL:
        return NULL
    made[0] = facts[0]
    base = <char *>(made + 1)
    if n:
        memcpy(base, writer.out.data + writer.out.start, n)
    for i in range(FACT_COUNT):
        made.texts[i] = slice_of(base + writer.start[i], writer.end[i] - writer.start[i])
    return made


cdef TlsFacts *tls_facts(Tls *tls) noexcept nogil:
    cdef Writer writer
    cdef TlsFacts facts
    if tls.facts != NULL or not tls.flags & T_OPEN:
        return <TlsFacts *>tls.facts
    memset(&writer, 0, sizeof(writer))
    memset(&facts, 0, sizeof(facts))
    writer.pool = &tls.conn.engine.pool
    write_all(&writer, &facts, tls)
    if not writer.failed:
        tls.facts = in_one_piece(&facts, &writer)
    buf_release(writer.pool, &writer.out)
    return <TlsFacts *>tls.facts


cdef void tls_describe(RequestInfo *info, Tls *tls) noexcept nogil:
    cdef const char *name = SSL_get_servername(<SSL *>tls.ssl, TLSEXT_NAMETYPE_host_name)
    info.client_tls = tls
    info.tls = True
    if name != NULL:
        info.requested_server_name = slice_of(name, strlen(name))


cdef int tls_append_fact(Tls *tls, uint32_t fact, BlockPool *pool, Buf *out) noexcept nogil:
    cdef TlsFacts *facts = tls_facts(tls) if tls != NULL else NULL
    if facts == NULL or facts.texts[fact].n == 0:
        return 1
    return buf_append(pool, out, facts.texts[fact].p, facts.texts[fact].n)
