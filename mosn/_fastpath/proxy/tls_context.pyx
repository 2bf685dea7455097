"""From a TLS context of the snapshot to OpenSSL's (see tls_context.pxd).  Runs on the worker's main thread."""

import hashlib

from libc.stdint cimport uint32_t
from libc.string cimport memcpy

from mosn._fastpath.engine.openssl cimport (
    BIO, BIO_free, BIO_new_mem_buf, ERR_clear_error, ERR_peek_last_error, ERR_reason_error_string, EVP_PKEY,
    EVP_PKEY_free, GEN_DNS, GEN_IPADD, GENERAL_NAMES, GENERAL_NAMES_free, NID_subject_alt_name, PEM_read_bio_PrivateKey,
    PEM_read_bio_X509, PEM_read_bio_X509_CRL, SSL_CTX, SSL_CTX_add1_chain_cert, SSL_CTX_add_client_CA,
    SSL_CTX_check_private_key, SSL_CTX_free, SSL_CTX_get0_param, SSL_CTX_get_cert_store, SSL_CTX_new,
    SSL_CTX_set1_groups_list, SSL_CTX_set1_sigalgs_list, SSL_CTX_set_alpn_protos, SSL_CTX_set_cipher_list,
    SSL_CTX_set_max_proto_version, SSL_CTX_set_min_proto_version, SSL_CTX_set_mode, SSL_CTX_set_num_tickets,
    SSL_CTX_set_options, SSL_CTX_set_read_ahead, SSL_CTX_set_security_level, SSL_CTX_set_session_cache_mode,
    SSL_CTX_set_session_id_context, SSL_CTX_set_timeout, SSL_CTX_use_PrivateKey, SSL_CTX_use_certificate,
    SSL_MODE_RELEASE_BUFFERS, SSL_OP_CIPHER_SERVER_PREFERENCE, SSL_OP_NO_COMPRESSION, SSL_OP_NO_RENEGOTIATION,
    SSL_OP_NO_TICKET, SSL_SESS_CACHE_CLIENT, SSL_SESS_CACHE_NO_INTERNAL, SSL_SESS_CACHE_OFF, TLS1_2_VERSION,
    TLS1_3_VERSION, TLS1_1_VERSION, TLS1_VERSION, TLS_method, X509, X509_CRL, X509_CRL_free, X509_STORE,
    X509_STORE_add_cert, X509_STORE_add_crl, X509_STORE_set_default_paths, X509_V_FLAG_CRL_CHECK,
    X509_V_FLAG_CRL_CHECK_ALL, X509_V_FLAG_NO_CHECK_TIME, X509_V_FLAG_PARTIAL_CHAIN, X509_VERIFY_PARAM_set_depth,
    X509_VERIFY_PARAM_set_flags, X509_free, X509_get_ext_d2i, sk_GENERAL_NAME_num, sk_GENERAL_NAME_value,
)
from mosn._fastpath.memory cimport Slice
from mosn._fastpath.proxy.match cimport compile_text
from mosn._fastpath.proxy.route_store cimport Store
from mosn._fastpath.proxy.tls_types cimport (
    SAN_ANY, SAN_DNS, SAN_EMAIL, SAN_IP, SAN_URI, Digest, NamedContext, SanMatch, TicketKey, TlsContext,
)
from mosn._fastpath.proxy.tls_verify cimport general_name, tls_set_callbacks


VERSIONS = {"TLSv1_0": TLS1_VERSION, "TLSv1_1": TLS1_1_VERSION, "TLSv1_2": TLS1_2_VERSION, "TLSv1_3": TLS1_3_VERSION}
SAN_TYPES = {"dns": SAN_DNS, "uri": SAN_URI, "email": SAN_EMAIL, "ip": SAN_IP, "any": SAN_ANY}
OLD = ("TLSv1_0", "TLSv1_1")


cdef object fault(str what):
    # A ValueError with OpenSSL's reason.
    cdef const char *said = ERR_reason_error_string(ERR_peek_last_error())
    ERR_clear_error()
    return ValueError(f"{what}: {said.decode() if said != NULL else 'not accepted'}")


cdef int check(long said, str what) except -1:
    if said != 1:
        raise fault(what)
    return 0


# -- PEM

cdef BIO *reader(bytes text) except NULL:
    # Borrows: `text` must live as long.
    cdef BIO *bio = BIO_new_mem_buf(<char *>text, len(text))
    if bio == NULL:
        raise MemoryError
    return bio


cdef class Certificates:
    # The certificates of a PEM text, in its order.
    cdef X509 *items[1024]
    cdef int count

    def __cinit__(self, bytes text not None):
        cdef BIO *bio = reader(text)
        while self.count < 1024:
            self.items[self.count] = PEM_read_bio_X509(bio, NULL, NULL, b"")
            if self.items[self.count] == NULL:
                break
            self.count += 1
        BIO_free(bio)
        ERR_clear_error()               # the end of the text is an error too

    def __dealloc__(self):
        cdef int i
        for i in range(self.count):
            X509_free(self.items[i])


cdef list names_of(X509 *certificate):
    # The names that a client may ask for: DNS names and addresses of the certificate.
    cdef GENERAL_NAMES *names = <GENERAL_NAMES *>X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL)
    cdef char text[64]
    cdef const char *p
    cdef size_t n = 0
    cdef int type = 0
    cdef int i
    cdef list found = []
    if names == NULL:
        return found
    for i in range(sk_GENERAL_NAME_num(names)):
        p = general_name(sk_GENERAL_NAME_value(names, i), &type, text, &n)
        if p != NULL and type in (GEN_DNS, GEN_IPADD):
            found.append(p[:n].lower())
    GENERAL_NAMES_free(names)
    return found


cdef int load_chain(SSL_CTX *context, Certificates chain, str where) except -1:
    cdef int i
    if chain.count == 0:
        raise ValueError(f"{where}: the certificate chain has no certificate in PEM form")
    check(SSL_CTX_use_certificate(context, chain.items[0]), where)
    for i in range(1, chain.count):
        check(SSL_CTX_add1_chain_cert(context, chain.items[i]), where)
    return 0


cdef int load_key(SSL_CTX *context, bytes text, bytes password, str where) except -1:
    cdef BIO *bio = reader(text)
    cdef char *secret = password
    cdef EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, secret)
    cdef int said
    BIO_free(bio)
    if key == NULL:
        raise fault(f"{where}: the private key cannot be read")
    said = SSL_CTX_use_PrivateKey(context, key)
    EVP_PKEY_free(key)
    check(said, f"{where}: the private key")
    check(SSL_CTX_check_private_key(context), f"{where}: the private key is not the certificate's")
    return 0


cdef int trust(SSL_CTX *context, Certificates authorities, bint server) except -1:
    cdef X509_STORE *store = SSL_CTX_get_cert_store(context)
    cdef int i
    if authorities.count == 0:
        raise ValueError("trusted_ca has no certificate in PEM form")
    for i in range(authorities.count):
        check(X509_STORE_add_cert(store, authorities.items[i]), "trusted_ca")
        if server:
            SSL_CTX_add_client_CA(context, authorities.items[i])
    return 0


cdef int revoke(SSL_CTX *context, bytes text, bint only_leaf) except -1:
    cdef X509_STORE *store = SSL_CTX_get_cert_store(context)
    cdef BIO *bio = reader(text)
    cdef X509_CRL *crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL)
    cdef bint any_list = crl != NULL
    while crl != NULL:
        X509_STORE_add_crl(store, crl)
        X509_CRL_free(crl)
        crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL)
    BIO_free(bio)
    ERR_clear_error()
    if not any_list:
        raise ValueError("crl has no revocation list in PEM form")
    X509_VERIFY_PARAM_set_flags(
        SSL_CTX_get0_param(context), X509_V_FLAG_CRL_CHECK if only_leaf else X509_V_FLAG_CRL_CHECK |
        X509_V_FLAG_CRL_CHECK_ALL)
    return 0


# -- contexts

cdef int set_parameters(SSL_CTX *context, dict spec) except -1:
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION)
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS)
    SSL_CTX_set_read_ahead(context, 1)
    if spec["minimum_version"] in OLD:
        SSL_CTX_set_security_level(context, 0)      # their handshakes are signed over SHA-1
    check(SSL_CTX_set_min_proto_version(context, VERSIONS[spec["minimum_version"]]), "tls_minimum_protocol_version")
    check(SSL_CTX_set_max_proto_version(context, VERSIONS[spec["maximum_version"]]), "tls_maximum_protocol_version")
    if spec["cipher_suites"]:
        check(SSL_CTX_set_cipher_list(context, spec["cipher_suites"].encode()), "cipher_suites")
    if spec["ecdh_curves"]:
        check(SSL_CTX_set1_groups_list(context, spec["ecdh_curves"].encode()), "ecdh_curves")
    if spec["signature_algorithms"]:
        check(SSL_CTX_set1_sigalgs_list(context, spec["signature_algorithms"].encode()), "signature_algorithms")
    if not spec["client"] and not spec["prefer_client_ciphers"]:
        SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE)
    return 0


cdef int set_trust(SSL_CTX *context, dict spec) except -1:
    if spec["trusted_ca"]:
        trust(context, Certificates(spec["trusted_ca"]), not spec["client"])
    if spec["system_roots"]:
        check(X509_STORE_set_default_paths(SSL_CTX_get_cert_store(context)), "system_root_certs")
    # An intermediate may be the anchor, as in Envoy.
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN)
    if spec["allow_expired_certificate"]:
        X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_NO_CHECK_TIME)
    if spec["max_verify_depth"] >= 0:
        X509_VERIFY_PARAM_set_depth(SSL_CTX_get0_param(context), spec["max_verify_depth"])
    if spec["crl"]:
        revoke(context, spec["crl"], spec["only_verify_leaf_cert_crl"])
    return 0


cdef int set_sessions(SSL_CTX *context, dict spec) except -1:
    if spec["client"]:
        SSL_CTX_set_session_cache_mode(
            context,
            SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL if spec["keep_sessions"] else SSL_SESS_CACHE_OFF)
        return 0
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF)
    # A session is only good where the same certificates and the same demands hold.
    mark = hashlib.sha256(repr([spec[key] for key in SESSION_KEYS]).encode()).digest()
    check(SSL_CTX_set_session_id_context(context, <bytes>mark, 32), "session id")
    SSL_CTX_set_timeout(context, spec["session_timeout_s"])
    if not spec["ticket_keys"]:
        SSL_CTX_set_options(context, SSL_OP_NO_TICKET)
        SSL_CTX_set_num_tickets(context, 0)
    return 0


SESSION_KEYS = (
    "certificates", "trusted_ca", "crl", "subject_alt_names", "certificate_hashes", "certificate_spkis",
    "require_client_certificate", "trust_chain_verification", "allow_expired_certificate",
)


cdef Digest *digests(list texts, Store store) except NULL:
    cdef Digest *out = <Digest *>store.take(len(texts) * sizeof(Digest))
    cdef uint32_t i
    for i, text in enumerate(texts):
        if len(text) != 32:
            raise ValueError("a SHA-256 has 32 bytes")
        memcpy(out[i].bytes, <char *><bytes>text, 32)
    return out


cdef unsigned long long generations = 0


cdef class TlsContextObject:
    def __cinit__(self, dict spec not None):
        global generations
        generations += 1
        self.context.generation = generations
        self.spec = spec
        self.store = Store()
        self.context.client = spec["client"]
        self.set_rules(spec)
        self.set_tickets(spec["ticket_keys"])
        self.make_named(spec)

    def __dealloc__(self):
        cdef uint32_t i
        for i in range(self.context.named_count):
            SSL_CTX_free(self.context.named[i].context)

    cdef int set_rules(self, dict spec) except -1:
        cdef uint32_t i
        self.context.require_peer = spec["client"] or spec["require_client_certificate"]
        self.context.require_sni = spec["require_sni"]
        self.context.check_chain = bool(spec["trusted_ca"]) or spec["system_roots"]
        self.context.accept_untrusted = spec["trust_chain_verification"] == "accept_untrusted"
        self.context.keep_sessions = spec["keep_sessions"]
        self.context.sni_from_host = spec["auto_host_sni"]
        self.context.check_host_name = spec["auto_sni_san_validation"]
        self.context.handshake_ms = spec["handshake_timeout_ms"]
        self.context.stats = spec["stats"]
        self.context.sni = self.store.text(spec["sni"])
        self.context.alpn = self.store.text(b"".join(bytes([len(name)]) + name.encode() for name in spec["alpn"]))
        self.context.san_count = len(spec["subject_alt_names"])
        self.context.sans = <SanMatch *>self.store.take(self.context.san_count * sizeof(SanMatch))
        for i, san in enumerate(spec["subject_alt_names"]):
            self.context.sans[i].type = SAN_TYPES[san["type"]]
            compile_text(&self.context.sans[i].text, san["matcher"], self.store)
        self.context.hash_count = len(spec["certificate_hashes"])
        self.context.hashes = digests(spec["certificate_hashes"], self.store)
        self.context.key_count = len(spec["certificate_spkis"])
        self.context.keys = digests(spec["certificate_spkis"], self.store)
        return 0

    cdef int set_tickets(self, list keys) except -1:
        cdef uint32_t i
        cdef bytes key
        self.context.ticket_count = len(keys)
        self.context.tickets = <TicketKey *>self.store.take(len(keys) * sizeof(TicketKey))
        for i, key in enumerate(keys):
            if len(key) != sizeof(TicketKey):
                raise ValueError("a session ticket key has 80 bytes")
            memcpy(&self.context.tickets[i], <char *>key, sizeof(TicketKey))
        return 0

    cdef int make_named(self, dict spec) except -1:
        # Certificates of different kinds of key that bear the same names share a context: OpenSSL picks by the kind.
        cdef list groups = []
        cdef uint32_t i
        for certificate in spec["certificates"]:
            chain = Certificates(certificate["chain"])
            names = names_of((<Certificates>chain).items[0]) if (<Certificates>chain).count else []
            for known, members in groups:
                if known == names:
                    members.append(certificate)
                    break
            else:
                groups.append((names, [certificate]))
        if not groups:
            groups.append(([], []))
        self.context.named = <NamedContext *>self.store.take(len(groups) * sizeof(NamedContext))
        for i, (names, members) in enumerate(groups):
            self.context.named_count = i + 1
            self.context.named[i].name_count = len(names)
            self.context.named[i].names = <Slice *>self.store.take(len(names) * sizeof(Slice))
            for j, name in enumerate(names):
                self.context.named[i].names[<size_t>j] = self.store.text(name)
            self.fill(&self.context.named[i], members, spec)
        return 0

    cdef int fill(self, NamedContext *named, list certificates, dict spec) except -1:
        named.context = SSL_CTX_new(TLS_method())
        if named.context == NULL:
            raise MemoryError
        set_parameters(named.context, spec)
        for certificate in certificates:
            load_chain(named.context, Certificates(certificate["chain"]), certificate["where"])
            load_key(named.context, certificate["key"], certificate["password"], certificate["where"])
            if certificate["ocsp_staple"]:
                named.staple = self.store.text(certificate["ocsp_staple"])
        set_trust(named.context, spec)
        set_sessions(named.context, spec)
        if spec["client"] and self.context.alpn.n:
            SSL_CTX_set_alpn_protos(named.context, <const unsigned char *>self.context.alpn.p, self.context.alpn.n)
        tls_set_callbacks(&self.context, named)
        return 0


cdef class TlsContexts:
    def __cinit__(self, TlsContexts previous):
        self.made = []
        self.before = previous.made if previous is not None else []

    cdef TlsContext *get(self, dict spec) except NULL:
        cdef TlsContextObject found
        for found in (*self.made, *self.before):
            if found.spec == spec:
                break
        else:
            found = TlsContextObject(spec)
        self.made.append(found)
        return &found.context

    cdef int settle(self) except -1:
        self.before = []
        return 0
