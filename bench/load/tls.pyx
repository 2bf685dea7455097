"""TLS 1.3 for the generator, by OpenSSL. Certificates are not verified: both ends are ours, on the loopback."""

from cpython.pycapsule cimport PyCapsule_New

from bench.load.link cimport Cipher, ssize_t

cdef extern from "<openssl/ssl.h>" nogil:
    ctypedef struct SSL_METHOD:
        pass
    ctypedef struct SSL_CTX:
        pass
    ctypedef struct SSL:
        pass
    const SSL_METHOD* TLS_client_method()
    SSL_CTX* SSL_CTX_new(const SSL_METHOD* method)
    int SSL_CTX_set_min_proto_version(SSL_CTX* context, int version)
    int SSL_CTX_set_ciphersuites(SSL_CTX* context, const char* names)
    long SSL_CTX_set_mode(SSL_CTX* context, long mode)
    SSL* SSL_new(SSL_CTX* context)
    int SSL_set_fd(SSL* tls, int descriptor)
    int SSL_connect(SSL* tls)
    int SSL_read(SSL* tls, void* data, int length)
    int SSL_write(SSL* tls, const void* data, int length)
    int SSL_get_error(const SSL* tls, int outcome)
    void SSL_free(SSL* tls)
    int TLS1_3_VERSION
    int SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE, SSL_ERROR_ZERO_RETURN
    long SSL_MODE_ENABLE_PARTIAL_WRITE, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER

cdef extern from "<openssl/err.h>" nogil:
    void ERR_clear_error()

cdef SSL_CTX* context = NULL


cdef void* connect(int descriptor) noexcept nogil:
    """Shake hands on a socket that still blocks; NULL when that failed."""
    cdef SSL* tls = SSL_new(context)
    if tls == NULL:
        return NULL
    if SSL_set_fd(tls, descriptor) != 1 or SSL_connect(tls) != 1:
        SSL_free(tls)
        return NULL
    return tls


cdef ssize_t receive(void* tls, char* data, size_t length) noexcept nogil:
    """All that has come, record by record: how many bytes, 0 at the end, -1 for none now, -2 failed."""
    cdef size_t total = 0
    cdef int outcome = 1
    ERR_clear_error()
    while total < length:
        outcome = SSL_read(<SSL*>tls, data + total, <int>(length - total))
        if outcome <= 0:
            break
        total += <size_t>outcome
    if total:
        return <ssize_t>total
    outcome = SSL_get_error(<SSL*>tls, outcome)
    if outcome == SSL_ERROR_ZERO_RETURN:
        return 0
    return -1 if outcome == SSL_ERROR_WANT_READ or outcome == SSL_ERROR_WANT_WRITE else -2


cdef ssize_t send(void* tls, const char* data, size_t length) noexcept nogil:
    """How many bytes were taken, 0 when none are now, -1 failed."""
    cdef int outcome
    ERR_clear_error()
    outcome = SSL_write(<SSL*>tls, data, <int>length)
    if outcome > 0:
        return outcome
    outcome = SSL_get_error(<SSL*>tls, outcome)
    return 0 if outcome == SSL_ERROR_WANT_READ or outcome == SSL_ERROR_WANT_WRITE else -1


cdef void close(void* tls) noexcept nogil:
    SSL_free(<SSL*>tls)


cdef Cipher CIPHER
CIPHER.connect = connect
CIPHER.receive = receive
CIPHER.send = send
CIPHER.close = close


def cipher():
    """The functions, for the generator. One suite, so that no proxy is given a dearer one than another."""
    global context
    if context == NULL:
        context = SSL_CTX_new(TLS_client_method())
        if context == NULL:
            raise MemoryError("OpenSSL gives no context; is its configuration readable?")
        SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION)
        SSL_CTX_set_ciphersuites(context, b"TLS_AES_128_GCM_SHA256")
        SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER)
    return PyCapsule_New(&CIPHER, "bench.load.Cipher", NULL)
