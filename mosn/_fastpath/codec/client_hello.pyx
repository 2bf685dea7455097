"""TLS's ClientHello (see client_hello.pxd).

The message may be cut into records at any place, its first bytes included, so it is put together before it is read.
What a TLS stack would refuse is no ClientHello here: who routes by a name has to be sure that the server behind finds
the same one, so a name or an extension that stands twice is refused.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t
from libc.string cimport memchr, memcpy

from mosn._fastpath.codec.frame cimport be16

cdef enum:
    RECORD_HEADER = 5
    RECORD_LONGEST = 16384
    HANDSHAKE = 22
    CLIENT_HELLO = 1
    MESSAGE_HEADER = 4
    SERVER_NAME = 0
    HOST_NAME = 0
    PROTOCOLS = 16                  # application_layer_protocol_negotiation
    LONGEST_NAME = 255


cdef struct Cursor:
    const char *at
    uint32_t left
    bint short                      # something was to be read that is not there


cdef uint32_t number(Cursor *cursor, uint32_t size) noexcept nogil:
    # Big endian, 1 or 2 bytes; 0 when they are not there.
    cdef uint32_t value
    if cursor.left < size:
        cursor.short = True
        cursor.left = 0
        return 0
    value = <uint8_t>cursor.at[0] if size == 1 else be16(cursor.at)
    cursor.at += size
    cursor.left -= size
    return value


cdef Cursor part(Cursor *cursor, uint32_t length) noexcept nogil:
    # The next bytes as a cursor of their own.
    cdef Cursor made
    made.short = cursor.left < length
    made.at = cursor.at
    made.left = 0 if made.short else length
    if made.short:
        cursor.short = True
        cursor.left = 0
        return made
    cursor.at += length
    cursor.left -= length
    return made


# -- records

cdef int64_t message_length(const char *message, uint32_t have) noexcept nogil:
    # With its header; 0 unknown yet, -1 another message, -2 too large.
    cdef uint32_t length
    if have and message[0] != CLIENT_HELLO:
        return -1
    if have < MESSAGE_HEADER:
        return 0
    length = (<uint32_t><uint8_t>message[1] << 16) | be16(message + 2)
    return MESSAGE_HEADER + <int64_t>length if length + MESSAGE_HEADER <= CLIENT_HELLO_BYTES else -2


cdef int64_t assemble(const char *p, size_t n, char *message) noexcept nogil:
    # The length of the whole message once it is in `message`; 0 more, -1, -2.
    cdef uint32_t have = 0
    cdef uint32_t length, shown
    cdef int64_t wanted = 0
    while n:
        if p[0] != HANDSHAKE or (n > 1 and p[1] != 3):
            return -1
        if n < RECORD_HEADER:
            return 0
        length = be16(p + 3)
        if length == 0 or length > RECORD_LONGEST:
            return -1
        n -= RECORD_HEADER
        shown = length if length < n else <uint32_t>n
        if shown > <uint32_t>CLIENT_HELLO_BYTES - have:
            shown = <uint32_t>CLIENT_HELLO_BYTES - have
        memcpy(message + have, p + RECORD_HEADER, shown)
        have += shown
        wanted = message_length(message, have)
        if wanted < 0 or (wanted and wanted <= have):
            return wanted
        if length >= n:
            return 0
        p += RECORD_HEADER + length
        n -= length
    return 0


# -- extensions

cdef bint read_name(Cursor extension, ClientHello *out) noexcept nogil:
    # A list of one host name.
    cdef Cursor names = part(&extension, number(&extension, 2))
    cdef uint32_t kind = number(&names, 1)
    cdef Cursor name = part(&names, number(&names, 2))
    cdef uint32_t i
    if extension.short or extension.left or names.short or names.left or kind != HOST_NAME:
        return False
    if name.left == 0 or name.left > LONGEST_NAME or memchr(name.at, 0, name.left) != NULL:
        return False
    for i in range(name.left):
        out.server_name[i] = name.at[i] | 0x20 if c'A' <= name.at[i] <= c'Z' else name.at[i]
    out.name_length = <uint16_t>name.left
    return True


cdef void read_protocols(Cursor extension, ClientHello *out) noexcept nogil:
    # A list that is broken counts as none: to say so is the business of who ends TLS.
    cdef Cursor names = part(&extension, number(&extension, 2))
    cdef Cursor list = names
    cdef Cursor name
    if extension.short or extension.left:
        return
    while names.left:
        name = part(&names, number(&names, 1))
        if names.short or name.left == 0:
            return
    while list.left:
        name = part(&list, number(&list, 1))
        if out.protocols_length + 1 + name.left > ALPN_KEPT:
            return
        out.protocols[out.protocols_length] = <char>name.left
        memcpy(out.protocols + out.protocols_length + 1, name.at, name.left)
        out.protocols_length += <uint16_t>(1 + name.left)


cdef bint read_extensions(Cursor extensions, ClientHello *out) noexcept nogil:
    cdef uint32_t kind
    cdef Cursor extension
    cdef bint named = False
    cdef bint listed = False
    while extensions.left:
        kind = number(&extensions, 2)
        extension = part(&extensions, number(&extensions, 2))
        if extensions.short:
            return False
        if kind == SERVER_NAME:
            if named or not read_name(extension, out):
                return False
            named = True
        elif kind == PROTOCOLS:
            if listed:
                return False
            listed = True
            read_protocols(extension, out)
    return True


cdef bint read_message(Cursor hello, ClientHello *out) noexcept nogil:
    cdef Cursor session, ciphers, methods, extensions
    if number(&hello, 2) >> 8 != 3:
        return False
    part(&hello, 32)                # random
    session = part(&hello, number(&hello, 1))
    ciphers = part(&hello, number(&hello, 2))
    methods = part(&hello, number(&hello, 1))
    if hello.short or session.left > 32 or ciphers.left < 2 or ciphers.left & 1 or methods.left == 0:
        return False
    if hello.left == 0:
        return True
    extensions = part(&hello, number(&hello, 2))
    if hello.short or hello.left:
        return False
    return read_extensions(extensions, out)


cdef int client_hello_read(const char *p, size_t n, ClientHello *out) noexcept nogil:
    cdef char message[16384]
    cdef Cursor hello
    cdef int64_t length = assemble(p, n, message)
    if length <= 0:
        return CLIENT_HELLO_MORE if length == 0 else <int>length
    out.name_length = 0
    out.protocols_length = 0
    hello.at = message + MESSAGE_HEADER
    hello.left = <uint32_t>length - MESSAGE_HEADER
    hello.short = False
    return CLIENT_HELLO_FOUND if read_message(hello, out) else CLIENT_HELLO_NOT_TLS
