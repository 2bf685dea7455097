# What is used of OpenSSL 3.  Types stay opaque; macros are declared as the functions they look like.

from libc.stdint cimport int64_t, uint32_t, uint64_t

cdef extern from "<openssl/types.h>" nogil:
    ctypedef struct X509:
        pass
    ctypedef struct X509_STORE:
        pass
    ctypedef struct X509_STORE_CTX:
        pass
    ctypedef struct X509_VERIFY_PARAM:
        pass
    ctypedef struct X509_CRL:
        pass
    ctypedef struct X509_NAME:
        pass
    ctypedef struct X509_PUBKEY:
        pass
    ctypedef struct EVP_PKEY:
        pass
    ctypedef struct EVP_CIPHER:
        pass
    ctypedef struct EVP_CIPHER_CTX:
        pass
    ctypedef struct EVP_MD:
        pass
    ctypedef struct EVP_MAC_CTX:
        pass
    ctypedef struct OSSL_PARAM:
        pass
    ctypedef struct ASN1_STRING:
        pass
    ctypedef struct ASN1_TIME:
        pass
    ctypedef struct ASN1_INTEGER:
        pass
    ctypedef struct BIGNUM:
        pass

cdef extern from "<openssl/err.h>" nogil:
    void ERR_clear_error()
    unsigned long ERR_peek_error()
    unsigned long ERR_peek_last_error()
    int ERR_GET_REASON(unsigned long code)
    const char *ERR_reason_error_string(unsigned long code)
    void ERR_error_string_n(unsigned long code, char *text, size_t n)

cdef extern from "<openssl/bio.h>" nogil:
    ctypedef struct BIO:
        pass
    ctypedef struct BIO_METHOD:
        pass
    enum:
        BIO_CTRL_FLUSH, BIO_CTRL_EOF, BIO_TYPE_SOURCE_SINK
    BIO_METHOD *BIO_meth_new(int type, const char *name)
    int BIO_meth_set_write_ex(BIO_METHOD *method, int (*write)(BIO *, const char *, size_t, size_t *) noexcept)
    int BIO_meth_set_read_ex(BIO_METHOD *method, int (*read)(BIO *, char *, size_t, size_t *) noexcept)
    int BIO_meth_set_ctrl(BIO_METHOD *method, long (*ctrl)(BIO *, int, long, void *) noexcept)
    BIO *BIO_new(const BIO_METHOD *method)
    void BIO_set_data(BIO *bio, void *data)
    void *BIO_get_data(BIO *bio)
    void BIO_set_init(BIO *bio, int init)
    void BIO_clear_retry_flags(BIO *bio)
    void BIO_set_retry_read(BIO *bio)
    BIO *BIO_new_mem_buf(const void *data, int n)
    int BIO_free(BIO *bio)
    const BIO_METHOD *BIO_s_mem()
    long BIO_get_mem_data(BIO *bio, char **p)

cdef extern from "<openssl/ssl.h>" nogil:
    ctypedef struct SSL:
        pass
    ctypedef struct SSL_CTX:
        pass
    ctypedef struct SSL_METHOD:
        pass
    ctypedef struct SSL_SESSION:
        pass
    ctypedef struct SSL_CIPHER:
        pass
    enum:
        SSL_ERROR_NONE, SSL_ERROR_SSL, SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE, SSL_ERROR_SYSCALL
        SSL_ERROR_ZERO_RETURN, SSL_RECEIVED_SHUTDOWN
        SSL_R_UNEXPECTED_EOF_WHILE_READING, SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, SSL_R_CERTIFICATE_VERIFY_FAILED
    SSL *SSL_new(SSL_CTX *context)
    void SSL_free(SSL *ssl)
    void SSL_set_bio(SSL *ssl, BIO *read, BIO *write)
    void SSL_set_accept_state(SSL *ssl)
    void SSL_set_connect_state(SSL *ssl)
    int SSL_do_handshake(SSL *ssl)
    int SSL_read_ex(SSL *ssl, void *p, size_t n, size_t *done)
    int SSL_peek_ex(SSL *ssl, void *p, size_t n, size_t *done)
    int SSL_write_ex(SSL *ssl, const void *p, size_t n, size_t *done)
    int SSL_has_pending(const SSL *ssl)
    int SSL_shutdown(SSL *ssl)
    int SSL_get_shutdown(const SSL *ssl)
    int SSL_get_error(const SSL *ssl, int result)
    int SSL_session_reused(const SSL *ssl)
    void SSL_set_app_data(SSL *ssl, void *data)
    void *SSL_get_app_data(const SSL *ssl)

    # -- contexts
    enum:
        SSL_MODE_RELEASE_BUFFERS, SSL_MODE_ENABLE_PARTIAL_WRITE, SSL_OP_NO_RENEGOTIATION, SSL_OP_NO_TICKET
        SSL_OP_CIPHER_SERVER_PREFERENCE, SSL_OP_NO_COMPRESSION, SSL_OP_IGNORE_UNEXPECTED_EOF, SSL_OP_PRIORITIZE_CHACHA
        SSL_VERIFY_NONE, SSL_VERIFY_PEER, SSL_VERIFY_FAIL_IF_NO_PEER_CERT
        SSL_SESS_CACHE_OFF, SSL_SESS_CACHE_CLIENT, SSL_SESS_CACHE_NO_INTERNAL
        SSL_TLSEXT_ERR_OK, SSL_TLSEXT_ERR_NOACK, SSL_TLSEXT_ERR_ALERT_FATAL
        TLSEXT_NAMETYPE_host_name, OPENSSL_NPN_NEGOTIATED
        TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION
    const SSL_METHOD *TLS_method()
    SSL_CTX *SSL_CTX_new(const SSL_METHOD *method)
    void SSL_CTX_free(SSL_CTX *context)
    uint64_t SSL_CTX_set_options(SSL_CTX *context, uint64_t options)
    long SSL_CTX_set_mode(SSL_CTX *context, long mode)
    void SSL_CTX_set_read_ahead(SSL_CTX *context, int on)
    int SSL_CTX_set_min_proto_version(SSL_CTX *context, int version)
    int SSL_CTX_set_max_proto_version(SSL_CTX *context, int version)
    void SSL_CTX_set_security_level(SSL_CTX *context, int level)
    int SSL_CTX_set_cipher_list(SSL_CTX *context, const char *ciphers)
    int SSL_CTX_set1_groups_list(SSL_CTX *context, char *groups)
    int SSL_CTX_set1_sigalgs_list(SSL_CTX *context, char *algorithms)
    int SSL_CTX_use_certificate(SSL_CTX *context, X509 *certificate)
    int SSL_CTX_add1_chain_cert(SSL_CTX *context, X509 *certificate)
    int SSL_CTX_use_PrivateKey(SSL_CTX *context, EVP_PKEY *key)
    int SSL_CTX_check_private_key(const SSL_CTX *context)
    X509_STORE *SSL_CTX_get_cert_store(const SSL_CTX *context)
    X509_VERIFY_PARAM *SSL_CTX_get0_param(SSL_CTX *context)
    void SSL_CTX_set_verify(SSL_CTX *context, int mode, void *callback)
    void SSL_CTX_set_cert_verify_callback(
        SSL_CTX *context, int (*callback)(X509_STORE_CTX *, void *) noexcept, void *arg)
    int SSL_CTX_add_client_CA(SSL_CTX *context, X509 *certificate)
    void SSL_CTX_set_alpn_select_cb(
        SSL_CTX *context,
        int (*callback)(SSL *, const unsigned char **, unsigned char *, const unsigned char *, unsigned int,
                        void *) noexcept,
        void *arg)
    int SSL_CTX_set_alpn_protos(SSL_CTX *context, const unsigned char *protocols, unsigned int n)
    int SSL_CTX_set_tlsext_servername_callback(SSL_CTX *context, int (*callback)(SSL *, int *, void *) noexcept)
    int SSL_CTX_set_tlsext_servername_arg(SSL_CTX *context, void *arg)
    int SSL_CTX_set_tlsext_ticket_key_evp_cb(
        SSL_CTX *context,
        int (*callback)(SSL *, unsigned char *, unsigned char *, EVP_CIPHER_CTX *, EVP_MAC_CTX *, int) noexcept)
    int SSL_CTX_set_tlsext_status_cb(SSL_CTX *context, int (*callback)(SSL *, void *) noexcept)
    int SSL_CTX_set_tlsext_status_arg(SSL_CTX *context, void *arg)
    long SSL_set_tlsext_status_ocsp_resp(SSL *ssl, unsigned char *response, long n)
    long SSL_CTX_set_session_cache_mode(SSL_CTX *context, long mode)
    long SSL_CTX_set_timeout(SSL_CTX *context, long seconds)
    int SSL_CTX_set_session_id_context(SSL_CTX *context, const unsigned char *id, unsigned int n)
    int SSL_CTX_set_num_tickets(SSL_CTX *context, size_t n)
    void SSL_CTX_sess_set_new_cb(SSL_CTX *context, int (*callback)(SSL *, SSL_SESSION *) noexcept)
    SSL_CTX *SSL_set_SSL_CTX(SSL *ssl, SSL_CTX *context)
    SSL_CTX *SSL_get_SSL_CTX(const SSL *ssl)
    const char *SSL_get_servername(const SSL *ssl, int type)
    int SSL_set_tlsext_host_name(SSL *ssl, const char *name)
    int SSL_set_session(SSL *ssl, SSL_SESSION *session)
    void SSL_SESSION_free(SSL_SESSION *session)
    SSL_SESSION *SSL_SESSION_dup(const SSL_SESSION *session)
    int SSL_SESSION_is_resumable(const SSL_SESSION *session)
    int SSL_select_next_proto(unsigned char **out, unsigned char *out_n, const unsigned char *server,
                              unsigned int server_n, const unsigned char *client, unsigned int client_n)
    int SSL_get_ex_data_X509_STORE_CTX_idx()

    # -- what a connection agreed on
    X509 *SSL_get1_peer_certificate(const SSL *ssl)
    X509 *SSL_get_certificate(const SSL *ssl)
    void SSL_get0_alpn_selected(const SSL *ssl, const unsigned char **name, unsigned int *n)
    const char *SSL_get_version(const SSL *ssl)
    ctypedef struct STACK_OF_X509 "STACK_OF(X509)":
        pass
    STACK_OF_X509 *SSL_get_peer_cert_chain(const SSL *ssl)
    int sk_X509_num(const STACK_OF_X509 *chain)
    X509 *sk_X509_value(const STACK_OF_X509 *chain, int index)
    const char *SSL_group_to_name(SSL *ssl, int id)
    const SSL_CIPHER *SSL_get_current_cipher(const SSL *ssl)
    const char *SSL_CIPHER_get_name(const SSL_CIPHER *cipher)
    const char *SSL_CIPHER_standard_name(const SSL_CIPHER *cipher)
    long SSL_get_negotiated_group(SSL *ssl)
    SSL_SESSION *SSL_get_session(const SSL *ssl)
    const unsigned char *SSL_SESSION_get_id(const SSL_SESSION *session, unsigned int *n)

cdef extern from "<openssl/pem.h>" nogil:
    X509 *PEM_read_bio_X509(BIO *bio, X509 **out, void *callback, void *arg)
    X509_CRL *PEM_read_bio_X509_CRL(BIO *bio, X509_CRL **out, void *callback, void *arg)
    int PEM_write_bio_X509(BIO *bio, const X509 *certificate)
    EVP_PKEY *PEM_read_bio_PrivateKey(BIO *bio, EVP_PKEY **out, void *callback, void *arg)

cdef extern from "<openssl/evp.h>" nogil:
    enum:
        EVP_MAX_IV_LENGTH
    void EVP_PKEY_free(EVP_PKEY *key)
    const EVP_CIPHER *EVP_aes_256_cbc()
    const EVP_MD *EVP_sha256()
    const EVP_MD *EVP_sha1()
    int EVP_EncryptInit_ex(EVP_CIPHER_CTX *c, const EVP_CIPHER *cipher, void *engine, const unsigned char *key,
                           const unsigned char *iv)
    int EVP_DecryptInit_ex(EVP_CIPHER_CTX *c, const EVP_CIPHER *cipher, void *engine, const unsigned char *key,
                           const unsigned char *iv)
    int EVP_MAC_CTX_set_params(EVP_MAC_CTX *context, const OSSL_PARAM *parameters)
    int EVP_Digest(const void *data, size_t n, unsigned char *out, unsigned int *out_n, const EVP_MD *md, void *engine)

cdef extern from "<openssl/params.h>" nogil:
    OSSL_PARAM OSSL_PARAM_construct_octet_string(const char *key, void *data, size_t n)
    OSSL_PARAM OSSL_PARAM_construct_utf8_string(const char *key, char *data, size_t n)
    OSSL_PARAM OSSL_PARAM_construct_end()

cdef extern from "<openssl/rand.h>" nogil:
    int RAND_bytes(unsigned char *out, int n)

cdef extern from "<openssl/crypto.h>" nogil:
    void OPENSSL_free(void *p)
    void *OPENSSL_malloc(size_t n)

cdef extern from "<openssl/x509_vfy.h>" nogil:
    enum:
        X509_V_FLAG_CRL_CHECK, X509_V_FLAG_CRL_CHECK_ALL, X509_V_FLAG_PARTIAL_CHAIN, X509_V_FLAG_NO_CHECK_TIME
        X509_V_ERR_APPLICATION_VERIFICATION, X509_V_ERR_CERT_REJECTED, X509_V_OK
    int X509_STORE_add_cert(X509_STORE *store, X509 *certificate)
    int X509_STORE_add_crl(X509_STORE *store, X509_CRL *crl)
    int X509_STORE_set_default_paths(X509_STORE *store)
    int X509_verify_cert(X509_STORE_CTX *context)
    int X509_STORE_CTX_get_error(const X509_STORE_CTX *context)
    void X509_STORE_CTX_set_error(X509_STORE_CTX *context, int error)
    X509 *X509_STORE_CTX_get0_cert(const X509_STORE_CTX *context)
    void *X509_STORE_CTX_get_ex_data(const X509_STORE_CTX *context, int index)
    const char *X509_verify_cert_error_string(long error)
    int X509_VERIFY_PARAM_set_flags(X509_VERIFY_PARAM *parameters, unsigned long flags)
    void X509_VERIFY_PARAM_set_depth(X509_VERIFY_PARAM *parameters, int depth)

cdef extern from "<openssl/x509.h>" nogil:
    void X509_free(X509 *certificate)
    void X509_CRL_free(X509_CRL *crl)
    X509_NAME *X509_get_subject_name(const X509 *certificate)
    X509_NAME *X509_get_issuer_name(const X509 *certificate)
    int X509_NAME_print_ex(BIO *out, const X509_NAME *name, int indent, unsigned long flags)
    int X509_digest(const X509 *certificate, const EVP_MD *md, unsigned char *out, unsigned int *n)
    int X509_pubkey_digest(const X509 *certificate, const EVP_MD *md, unsigned char *out, unsigned int *n)
    int i2d_X509(X509 *certificate, unsigned char **out)
    int i2d_X509_PUBKEY(X509_PUBKEY *key, unsigned char **out)
    X509_PUBKEY *X509_get_X509_PUBKEY(const X509 *certificate)
    enum:
        XN_FLAG_RFC2253

cdef extern from "<openssl/x509v3.h>" nogil:
    ctypedef struct GENERAL_NAME:
        pass
    ctypedef struct GENERAL_NAMES:
        pass
    enum:
        NID_subject_alt_name, GEN_DNS, GEN_URI, GEN_EMAIL, GEN_IPADD
    void *X509_get_ext_d2i(const X509 *certificate, int nid, int *critical, int *index)
    int sk_GENERAL_NAME_num(const GENERAL_NAMES *names)
    GENERAL_NAME *sk_GENERAL_NAME_value(const GENERAL_NAMES *names, int index)
    void GENERAL_NAMES_free(GENERAL_NAMES *names)
    void *GENERAL_NAME_get0_value(const GENERAL_NAME *name, int *type)
    const unsigned char *ASN1_STRING_get0_data(const ASN1_STRING *text)
    int ASN1_STRING_length(const ASN1_STRING *text)

cdef extern from "<openssl/bn.h>" nogil:
    char *BN_bn2hex(const BIGNUM *number)
    void BN_free(BIGNUM *number)

cdef extern from "<openssl/asn1.h>" nogil:
    struct tm:
        int tm_sec
        int tm_min
        int tm_hour
        int tm_mday
        int tm_mon
        int tm_year
    int64_t timegm(tm *time)
    BIGNUM *ASN1_INTEGER_to_BN(const ASN1_INTEGER *number, BIGNUM *out)
    int ASN1_TIME_to_tm(const ASN1_TIME *time, tm *out)
    const ASN1_INTEGER *X509_get0_serialNumber(const X509 *certificate)
    const ASN1_TIME *X509_get0_notBefore(const X509 *certificate)
    const ASN1_TIME *X509_get0_notAfter(const X509 *certificate)
