# TLS under a connection: OpenSSL's records between a socket and conn.pyx, which calls these where it would call recv
# and send.  The owner of the connection sees plain bytes and knows nothing of it.
#
# OpenSSL does no I/O of its own: it reads through recv into its record buffer (up to 16 KiB at once), and what it
# writes is collected in Engine.wire and sent in one call.  Records that the socket does not take stay at the front of
# Conn.outbuf (Tls.sealed bytes); what stands behind them there is plain text that is not sealed yet.

from mosn._fastpath.engine.types cimport Conn, Engine, Tls


# Put TLS under a connection before its first byte; bytes that wait in inbuf are taken for the peer's.  `context` is
# an SSL_CTX *, which the connection holds until it ends.  NULL when out of memory.
cdef Tls *tls_attach(Conn *conn, void *context, bint client) noexcept nogil
# Bytes (copied) that go out in the clear, in front of the handshake.  0, or -1 when out of memory.
cdef int tls_write_clear(Conn *conn, const char *p, size_t n) noexcept nogil
# A step of the handshake.  1 it is done, 0 wait for the socket, -1 it failed (tls.error, tls.reason; the alert is
# sent).
cdef int tls_handshake(Conn *conn) noexcept nogil
# As recv(2).  C_READABLE must be set.  A FIN without close_notify reads as 0 too, with T_TRUNCATED.
cdef ssize_t tls_recv(Conn *conn, char *p, size_t room) noexcept nogil
# Seal and send outbuf as far as the socket takes it.  Bytes sent, or -1 with errno.
cdef ssize_t tls_flush(Conn *conn) noexcept nogil
# Seal and send outbuf and then n bytes at p, which are copied only if the socket does not take them.  0, or -1: no
# memory.
cdef int tls_write_large(Conn *conn, const char *p, size_t n) noexcept nogil
# Write close_notify.  True when it is out, or there is none to write.
cdef bint tls_goodbye(Conn *conn) noexcept nogil
# Nothing has come that the owner would see.  (Session tickets are taken in silently.)
cdef bint tls_silent(Conn *conn) noexcept nogil
# After Conn was copied to another place.
cdef void tls_moved(Conn *conn) noexcept nogil
# The handshake, if it is not over, is given up: to be called while the connection's memory is still there.
cdef void tls_settle(Tls *tls) noexcept nogil
# An SSL_SESSION *, or NULL.
cdef void tls_session_free(void *session) noexcept nogil
cdef void tls_free(Engine *engine, Tls *tls) noexcept nogil
