"""One non-blocking socket, with what was received but not understood yet and what was not sent yet."""

from libc.errno cimport EAGAIN, EINTR, errno
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy, memmove, memset

from bench.load.wire cimport Output, Reading

cdef extern from "<sys/types.h>" nogil:
    ctypedef long ssize_t

cdef extern from "<sys/socket.h>" nogil:
    ssize_t recv(int descriptor, void* data, size_t length, int flags)
    ssize_t send(int descriptor, const void* data, size_t length, int flags)
    int MSG_NOSIGNAL
    int MSG_MORE

cdef enum:
    SCRATCH = 262144        # bytes read at once


cdef struct Bytes:
    char* data
    size_t length
    size_t capacity


cdef struct Cipher:
    # What stands between a socket and the bytes of a protocol; the returns are those of `receive` and `send_some`.
    void* (*connect)(int descriptor) noexcept nogil
    ssize_t (*receive)(void* session, char* data, size_t length) noexcept nogil
    ssize_t (*send)(void* session, const char* data, size_t length) noexcept nogil
    void (*close)(void* session) noexcept nogil


cdef struct Link:
    int descriptor
    const Cipher* cipher
    void* session           # of the cipher; NULL: none
    Reading reading
    Bytes held              # received; the start of a message that has not ended
    Bytes owed              # to be sent once the socket takes more
    Bytes late              # answers that a shuffling backend holds back


cdef inline int keep(Bytes* bytes, const char* data, size_t length) noexcept nogil:
    """Add bytes at the end; -1 when there is no memory."""
    cdef size_t needed = bytes.length + length
    cdef char* grown
    if needed > bytes.capacity:
        grown = <char*>realloc(bytes.data, 2 * needed)
        if grown == NULL:
            return -1
        bytes.data = grown
        bytes.capacity = 2 * needed
    memcpy(bytes.data + bytes.length, data, length)
    bytes.length = needed
    return 0


cdef inline void drop_session(Link* link) noexcept nogil:
    if link.session != NULL:
        link.cipher.close(link.session)
    link.session = NULL


cdef inline void reset_link(Link* link, int descriptor) noexcept nogil:
    link.descriptor = descriptor
    drop_session(link)
    free(link.reading.own)
    memset(&link.reading, 0, sizeof(Reading))
    link.held.length = 0
    link.owed.length = 0
    link.late.length = 0


cdef inline void free_link(Link* link) noexcept nogil:
    drop_session(link)
    free(link.held.data)
    free(link.owed.data)
    free(link.late.data)
    free(link.reading.own)
    memset(link, 0, sizeof(Link))
    link.descriptor = -1


cdef inline ssize_t receive(Link* link, char* scratch) noexcept nogil:
    """Put held and new bytes into `scratch`: how many in all, 0 at the end of the stream, -1 none now, -2 failed."""
    cdef size_t before = link.held.length
    cdef ssize_t got
    if before:
        memcpy(scratch, link.held.data, before)
    if link.session != NULL:
        got = link.cipher.receive(link.session, scratch + before, SCRATCH - before)
        if got < 0:
            return got
    else:
        got = recv(link.descriptor, scratch + before, SCRATCH - before, 0)
    if got > 0:
        link.held.length = 0
        return <ssize_t>before + got
    if got == 0:
        return 0
    return -1 if errno == EAGAIN or errno == EINTR else -2


cdef inline ssize_t send_some(Link* link, const char* data, size_t length, int flags) noexcept nogil:
    """How many bytes the socket took, 0 when it takes none now, -1 when it failed."""
    cdef ssize_t sent
    if length == 0:
        return 0
    if link.session != NULL:
        return link.cipher.send(link.session, data, length)
    sent = send(link.descriptor, data, length, MSG_NOSIGNAL | flags)
    if sent >= 0:
        return sent
    return 0 if errno == EAGAIN or errno == EINTR else -1


cdef inline int send_or_keep(Link* link, const char* data, size_t length, int flags) noexcept nogil:
    """Send, behind what is owed already; what the socket does not take is kept. -1 when the connection failed."""
    cdef ssize_t sent = 0
    if link.owed.length == 0:
        sent = send_some(link, data, length, flags)
        if sent < 0:
            return -1
    if <size_t>sent < length:
        return keep(&link.owed, data + sent, length - <size_t>sent)
    return 0


cdef inline int send_output(Link* link, Output* output) noexcept nogil:
    """Send and empty the output; -1 when the connection failed."""
    cdef int outcome = 0
    if output.length:
        outcome = send_or_keep(link, output.data, output.length, MSG_MORE if output.tail_length else 0)
    if outcome == 0 and output.tail_length:
        outcome = send_or_keep(link, output.tail, output.tail_length, 0)
    output.length = 0
    output.tail_length = 0
    return outcome


cdef inline int send_owed(Link* link) noexcept nogil:
    """Send what was kept, as far as the socket takes it; -1 when the connection failed."""
    cdef ssize_t sent
    if link.owed.length == 0:
        return 0
    sent = send_some(link, link.owed.data, link.owed.length, 0)
    if sent < 0:
        return -1
    link.owed.length -= <size_t>sent
    memmove(link.owed.data, link.owed.data + sent, link.owed.length)
    return 0
