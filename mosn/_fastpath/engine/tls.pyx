"""TLS under a connection (see tls.pxd)."""

from libc cimport errno as c
from libc.stdint cimport uint32_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memcpy, memmove, memset

from mosn._fastpath.engine.openssl cimport (
    BIO, BIO_CTRL_EOF, BIO_CTRL_FLUSH, BIO_METHOD, BIO_TYPE_SOURCE_SINK, SSL, SSL_CTX, SSL_ERROR_WANT_READ,
    SSL_ERROR_ZERO_RETURN, SSL_SESSION, SSL_SESSION_free, BIO_clear_retry_flags, BIO_get_data, BIO_meth_new,
    BIO_meth_set_ctrl, BIO_meth_set_read_ex, BIO_meth_set_write_ex, BIO_new, BIO_set_data, BIO_set_init,
    BIO_set_retry_read, ERR_clear_error, ERR_peek_error, SSL_do_handshake, SSL_free, SSL_get_error, SSL_has_pending,
    SSL_new, SSL_peek_ex, SSL_read_ex, SSL_set_accept_state, SSL_set_app_data, SSL_set_bio, SSL_set_connect_state,
    SSL_shutdown, SSL_write_ex,
)
from mosn._fastpath.engine.system cimport EAGAIN, EINTR, EPROTO, MSG_NOSIGNAL, recv, send
from mosn._fastpath.engine.types cimport (
    C_DEAD, C_RDHUP, C_READABLE, C_WRITABLE, T_CLIENT, T_EOF, T_FAILED, T_FIN, T_KERNEL, T_NOTIFIED, T_OPEN,
    T_TRUNCATED, Conn, Engine, Tls,
)
from mosn._fastpath.memory cimport buf_append, buf_consume, buf_len, buf_release, buf_reserve


cdef enum:
    SEAL_BYTES = 65536          # of plain text for one send
    RECORD_BYTES = 16384
    FIRST_WIRE_BYTES = 73728    # SEAL_BYTES and what its records add
    MOST_SEALED_BYTES = 262144  # that wait for a peer which asks for answers (renegotiation, alerts) and reads none


ctypedef void (*Settled)(Tls *tls) noexcept nogil


# -- OpenSSL's side

cdef int on_write(BIO *bio, const char *p, size_t n, size_t *done) noexcept nogil:
    cdef Engine *engine = (<Tls *>BIO_get_data(bio)).conn.engine
    cdef size_t room = engine.wire_room if engine.wire_room else FIRST_WIRE_BYTES
    cdef char *grown
    done[0] = 0
    while engine.wire_bytes + n > room:
        room *= 2
    if room != engine.wire_room:
        grown = <char *>realloc(engine.wire, room)
        if grown == NULL:
            return 0
        engine.wire = grown
        engine.wire_room = room
    memcpy(engine.wire + engine.wire_bytes, p, n)
    engine.wire_bytes += n
    done[0] = n
    return 1


cdef size_t take_early(Tls *tls, char *p, size_t n) noexcept nogil:
    n = min(n, <size_t>buf_len(&tls.early))
    memcpy(p, tls.early.data + tls.early.start, n)
    buf_consume(&tls.conn.engine.pool, &tls.early, n)
    return n


cdef int on_read(BIO *bio, char *p, size_t room, size_t *done) noexcept nogil:
    cdef Tls *tls = <Tls *>BIO_get_data(bio)
    cdef ssize_t n = -1
    done[0] = 0
    BIO_clear_retry_flags(bio)
    if tls.early.data != NULL:
        done[0] = take_early(tls, p, room)
        return 1
    while tls.flags & T_KERNEL:
        n = recv(tls.conn.fd, p, room, 0)
        if n > 0:
            if <size_t>n < room and not tls.conn.flags & C_RDHUP:
                # A short read means drained; a FIN that comes later is a new edge.
                tls.flags &= ~<uint32_t>T_KERNEL
            done[0] = <size_t>n
            return 1
        if n == 0:
            tls.flags |= T_FIN
            return 0
        if c.errno == EAGAIN:
            tls.flags &= ~<uint32_t>T_KERNEL
        elif c.errno != EINTR:
            tls.error = c.errno
            return 0
    BIO_set_retry_read(bio)
    return 0


cdef long on_ctrl(BIO *bio, int command, long number, void *pointer) noexcept nogil:
    if command == BIO_CTRL_FLUSH:
        return 1
    if command == BIO_CTRL_EOF:
        return ((<Tls *>BIO_get_data(bio)).flags & T_FIN) != 0
    return 0


cdef BIO_METHOD *make_method() noexcept nogil:
    cdef BIO_METHOD *made = BIO_meth_new(BIO_TYPE_SOURCE_SINK, b"connection")
    BIO_meth_set_write_ex(made, on_write)
    BIO_meth_set_read_ex(made, on_read)
    BIO_meth_set_ctrl(made, on_ctrl)
    return made


cdef BIO_METHOD *METHOD = make_method()


# -- life

cdef Tls *tls_attach(Conn *conn, void *context, bint client) noexcept nogil:
    cdef Tls *tls = <Tls *>calloc(1, sizeof(Tls))
    cdef SSL *ssl = SSL_new(<SSL_CTX *>context) if tls != NULL else NULL
    cdef BIO *bio = BIO_new(METHOD) if ssl != NULL else NULL
    if bio == NULL:
        SSL_free(ssl)
        free(tls)
        ERR_clear_error()
        return NULL
    tls.ssl = ssl
    tls.conn = conn
    BIO_set_data(bio, tls)
    BIO_set_init(bio, 1)
    SSL_set_bio(ssl, bio, bio)
    SSL_set_app_data(ssl, tls)
    if client:
        tls.flags = T_CLIENT
        SSL_set_connect_state(ssl)
    else:
        SSL_set_accept_state(ssl)
    tls.early = conn.inbuf
    memset(&conn.inbuf, 0, sizeof(conn.inbuf))
    conn.tls = tls
    return tls


cdef void tls_moved(Conn *conn) noexcept nogil:
    conn.tls.conn = conn


cdef void tls_settle(Tls *tls) noexcept nogil:
    cdef Settled settled = tls.settled
    tls.settled = NULL
    if settled != NULL:
        settled(tls)


cdef void tls_free(Engine *engine, Tls *tls) noexcept nogil:
    SSL_free(<SSL *>tls.ssl)
    buf_release(&engine.pool, &tls.early)
    free(tls.hello)
    free(tls.facts)
    free(tls)


cdef void failed(Tls *tls) noexcept nogil:
    # Keeps the first reason; the error queue of the thread is empty between two calls of ours.
    if not tls.flags & T_FAILED:
        tls.flags |= T_FAILED
        tls.reason = ERR_peek_error()
        if tls.error == 0:
            tls.error = EPROTO
    ERR_clear_error()


# -- the socket's side

cdef int queue_records(Conn *conn, const char *p, size_t n) noexcept nogil:
    # Behind the records that wait already, in front of the plain text.
    cdef Tls *tls = conn.tls
    cdef uint32_t plain = buf_len(&conn.outbuf) - tls.sealed
    if tls.sealed == 0 and conn.outbuf.start >= n:
        # Where the plain text stood from which they were made: the common case.
        conn.outbuf.start -= <uint32_t>n
    else:
        if buf_reserve(&conn.engine.pool, &conn.outbuf, n) < 0:
            failed(tls)
            return -1
        memmove(conn.outbuf.data + conn.outbuf.end - plain + n, conn.outbuf.data + conn.outbuf.end - plain, plain)
        conn.outbuf.end += <uint32_t>n
    memcpy(conn.outbuf.data + conn.outbuf.start + tls.sealed, p, n)
    tls.sealed += <uint32_t>n
    return 0


cdef ssize_t try_send(Conn *conn, const char *p, size_t n) noexcept nogil:
    # As send(2); a full socket is 0.
    cdef ssize_t sent
    while True:
        sent = send(conn.fd, p, n, MSG_NOSIGNAL)
        if sent >= 0 or c.errno != EINTR:
            break
    if sent < 0 and c.errno == EAGAIN:
        sent = 0
    if 0 <= sent < <ssize_t>n:
        conn.flags &= ~<uint32_t>C_WRITABLE
    return sent


cdef ssize_t send_wire(Conn *conn) noexcept nogil:
    # What OpenSSL wrote goes out; the rest is queued.  Bytes sent, or -1 with errno.
    cdef Engine *engine = conn.engine
    cdef size_t n = engine.wire_bytes
    cdef ssize_t sent = 0
    engine.wire_bytes = 0
    if conn.tls.sealed == 0 and conn.flags & C_WRITABLE:
        sent = try_send(conn, engine.wire, n)
    if sent < 0:
        return -1
    if <size_t>sent < n and queue_records(conn, engine.wire + sent, n - <size_t>sent) < 0:
        return -1
    return sent


cdef ssize_t send_sealed(Conn *conn) noexcept nogil:
    cdef ssize_t sent = try_send(conn, conn.outbuf.data + conn.outbuf.start, conn.tls.sealed)
    if sent > 0:
        conn.tls.sealed -= <uint32_t>sent
        buf_consume(&conn.engine.pool, &conn.outbuf, <size_t>sent)
    return sent


cdef int seal(Tls *tls, const char *p, size_t n) noexcept nogil:
    # n bytes become records in Engine.wire.  -1 with errno.
    cdef size_t done = 0
    if not tls.flags & T_FAILED and SSL_write_ex(<SSL *>tls.ssl, p, n, &done) == 1:
        return 0
    tls.conn.engine.wire_bytes = 0
    failed(tls)
    c.errno = tls.error
    return -1


cdef ssize_t tls_flush(Conn *conn) noexcept nogil:
    cdef Tls *tls = conn.tls
    cdef ssize_t total = 0
    cdef ssize_t sent
    cdef size_t plain
    while conn.flags & C_WRITABLE and conn.outbuf.data != NULL:
        if tls.sealed:
            sent = send_sealed(conn)
        elif not tls.flags & T_OPEN:
            break
        else:
            plain = min(<size_t>buf_len(&conn.outbuf), <size_t>SEAL_BYTES)
            if seal(tls, conn.outbuf.data + conn.outbuf.start, plain) < 0:
                return -1
            buf_consume(&conn.engine.pool, &conn.outbuf, plain)
            sent = send_wire(conn)
        if sent < 0:
            return -1
        total += sent
    return total


cdef int tls_write_large(Conn *conn, const char *p, size_t n) noexcept nogil:
    # Errors show again in the flush that comes.
    cdef size_t queued = buf_len(&conn.outbuf) - conn.tls.sealed
    cdef size_t part
    if queued:
        # Fill up the last record of what is queued.
        part = min(n, <size_t>(RECORD_BYTES - queued % RECORD_BYTES))
        if buf_append(&conn.engine.pool, &conn.outbuf, p, part) < 0:
            return -1
        p += part
        n -= part
    if tls_flush(conn) < 0:
        return buf_append(&conn.engine.pool, &conn.outbuf, p, n)
    while n and conn.outbuf.data == NULL and conn.flags & C_WRITABLE:
        part = min(n, <size_t>SEAL_BYTES)
        if seal(conn.tls, p, part) < 0 or send_wire(conn) < 0:
            break
        p += part
        n -= part
    return buf_append(&conn.engine.pool, &conn.outbuf, p, n)


cdef void tls_session_free(void *session) noexcept nogil:
    SSL_SESSION_free(<SSL_SESSION *>session)


cdef int tls_write_clear(Conn *conn, const char *p, size_t n) noexcept nogil:
    return queue_records(conn, p, n)


# -- handshake and reading

cdef void send_pending(Conn *conn) noexcept nogil:
    # What OpenSSL wrote of its own accord: handshake, tickets, alerts.  Errors show when somebody writes or reads.
    cdef Tls *tls = conn.tls
    if conn.engine.wire_bytes == 0:
        return
    if tls.sealed > MOST_SEALED_BYTES:
        conn.engine.wire_bytes = 0
        failed(tls)
    elif send_wire(conn) < 0 and not tls.flags & T_FAILED:
        tls.error = c.errno
        failed(tls)


cdef int tls_handshake(Conn *conn) noexcept nogil:
    cdef Tls *tls = conn.tls
    cdef int said
    if conn.flags & C_READABLE:
        tls.flags |= T_KERNEL
    said = SSL_do_handshake(<SSL *>tls.ssl)
    if said == 1:
        tls.flags |= T_OPEN
    elif SSL_get_error(<SSL *>tls.ssl, said) != SSL_ERROR_WANT_READ:
        failed(tls)
    elif not tls.flags & T_KERNEL:
        conn.flags &= ~<uint32_t>C_READABLE
    send_pending(conn)
    if tls.flags & T_FAILED:
        tls_settle(tls)
        return -1
    if tls.flags & T_OPEN:
        tls_settle(tls)
    return tls.flags & T_OPEN


cdef void read_ended(Tls *tls, int said) noexcept nogil:
    cdef int why = SSL_get_error(<SSL *>tls.ssl, said)
    if why == SSL_ERROR_WANT_READ:
        return
    if why == SSL_ERROR_ZERO_RETURN:
        tls.flags |= T_EOF
    elif tls.flags & T_FIN:
        tls.flags |= T_EOF | T_TRUNCATED
    else:
        failed(tls)
        return
    ERR_clear_error()


cdef ssize_t tls_recv(Conn *conn, char *p, size_t room) noexcept nogil:
    cdef Tls *tls = conn.tls
    cdef size_t got = 0
    cdef size_t n = 0
    cdef int said
    tls.flags |= T_KERNEL
    while got < room and not tls.flags & (T_EOF | T_FAILED):
        said = SSL_read_ex(<SSL *>tls.ssl, p + got, room - got, &n)
        if said == 1:
            got += n
            if not tls.flags & T_KERNEL and not SSL_has_pending(<SSL *>tls.ssl) and tls.early.data == NULL:
                break
        else:
            read_ended(tls, said)
            break
    send_pending(conn)
    if got:
        if tls.flags & (T_EOF | T_FAILED):
            conn.flags |= C_RDHUP       # the end is told by the next call
        return <ssize_t>got
    if tls.flags & T_FAILED:
        c.errno = tls.error
        return -1
    if tls.flags & T_EOF:
        return 0
    c.errno = EAGAIN
    return -1


cdef bint tls_silent(Conn *conn) noexcept nogil:
    cdef Tls *tls = conn.tls
    cdef size_t n = 0
    cdef char byte
    cdef int said
    tls.flags |= T_KERNEL
    said = SSL_peek_ex(<SSL *>tls.ssl, &byte, 1, &n)
    if said == 0:
        read_ended(tls, said)
    send_pending(conn)
    if said == 1 or tls.flags & (T_EOF | T_FAILED):
        return False
    conn.flags &= ~<uint32_t>C_READABLE
    return True


cdef bint tls_goodbye(Conn *conn) noexcept nogil:
    cdef Tls *tls = conn.tls
    if tls.flags & (T_NOTIFIED | T_FAILED) or not tls.flags & T_OPEN or conn.flags & C_DEAD:
        return True
    tls.flags |= T_NOTIFIED
    if SSL_shutdown(<SSL *>tls.ssl) < 0:
        failed(tls)
    send_pending(conn)
    return conn.outbuf.data == NULL
