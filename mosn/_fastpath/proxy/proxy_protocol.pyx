"""PROXY protocol v1 (text) and v2 (binary), section numbers of HAProxy's doc/proxy-protocol.txt."""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t
from libc.string cimport memchr, memcmp, memcpy, memset

from mosn._fastpath.engine.conn cimport conn_write
from mosn._fastpath.engine.tls cimport tls_write_clear
from mosn._fastpath.engine.system cimport AF_INET, AF_INET6
from mosn._fastpath.engine.types cimport Conn
from mosn._fastpath.proxy.info cimport address_parse_ip, address_text
from mosn._fastpath.proxy.types cimport Address, RequestInfo

cdef enum:
    V1_LONGEST = 107            # section 2.1
    V2_HEADER = 16
    V2_LONGEST = 4096           # addresses and TLVs that we are willing to wait for

cdef const char *V2_SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"


cdef extern from "<stdio.h>" nogil:
    int snprintf(char *out, size_t n, const char *form, ...)


# -- writing

cdef int write(Conn *conn, const char *p, size_t n) noexcept nogil:
    # The header stands in front of a TLS handshake, not in it.
    return tls_write_clear(conn, p, n) if conn.tls != NULL else conn_write(conn, p, n)


cdef int write_v1(Conn *conn, const Address *source, const Address *target) noexcept nogil:
    cdef char line[128]
    cdef char from_ip[64]
    cdef char to_ip[64]
    cdef int n
    if source.family not in (AF_INET, AF_INET6) or source.family != target.family:
        return write(conn, "PROXY UNKNOWN\r\n", 15)
    bare_ip(source, from_ip)
    bare_ip(target, to_ip)
    n = snprintf(line, sizeof(line), "PROXY %s %s %s %u %u\r\n", <const char *>(
        "TCP4" if source.family == AF_INET else "TCP6"), from_ip, to_ip, <unsigned int>source.port,
        <unsigned int>target.port)
    return write(conn, line, n)


cdef void bare_ip(const Address *address, char *out) noexcept nogil:
    # Without the brackets that address_text puts around IPv6.
    cdef char text[64]
    cdef uint32_t n = address_text(address, False, text, sizeof(text) - 1)
    cdef uint32_t skip = 1 if n > 1 and text[0] == c'[' else 0
    memcpy(out, text + skip, n - 2 * skip)
    out[n - 2 * skip] = 0


cdef inline void put_port(char *out, uint16_t port) noexcept nogil:
    out[0] = <char>(port >> 8)
    out[1] = <char>(port & 255)


cdef int write_v2(Conn *conn, const Address *source, const Address *target) noexcept nogil:
    cdef char header[16 + 36]
    cdef uint32_t ip_len = 4 if source.family == AF_INET else 16
    memset(header, 0, sizeof(header))
    memcpy(header, V2_SIGNATURE, 12)
    if source.family not in (AF_INET, AF_INET6) or source.family != target.family:
        header[12] = 0x20           # LOCAL: the receiver uses the socket's own addresses
        return write(conn, header, V2_HEADER)
    header[12] = 0x21
    header[13] = 0x11 if ip_len == 4 else 0x21
    header[15] = <char>(2 * ip_len + 4)
    memcpy(header + 16, source.ip, ip_len)
    memcpy(header + 16 + ip_len, target.ip, ip_len)
    put_port(header + 16 + 2 * ip_len, source.port)
    put_port(header + 18 + 2 * ip_len, target.port)
    return write(conn, header, V2_HEADER + 2 * ip_len + 4)


cdef int proxy_protocol_write(Conn *conn, int version, const RequestInfo *info) noexcept nogil:
    if version == 1:
        return write_v1(conn, &info.remote, &info.local)
    return write_v2(conn, &info.remote, &info.local)


# -- reading

cdef int64_t proxy_protocol_read(const char *p, size_t n, Address *remote, Address *local) noexcept nogil:
    cdef size_t shown = n if n < 12 else 12
    if memcmp(p, V2_SIGNATURE, shown) == 0:
        return 0 if n < V2_HEADER else read_v2(p, n, remote, local)
    shown = n if n < 6 else 6
    if memcmp(p, b"PROXY ", shown) == 0:
        return 0 if n < 6 else read_v1(p, n, remote, local)
    return -2


cdef int64_t read_v2(const char *p, size_t n, Address *remote, Address *local) noexcept nogil:
    cdef uint32_t length = (<uint8_t>p[14] << 8) | <uint8_t>p[15]
    cdef uint8_t command = <uint8_t>p[12]
    cdef uint8_t family = <uint8_t>p[13]
    cdef uint32_t ip_len
    if (command >> 4) != 2 or (command & 15) > 1 or length > V2_LONGEST:
        return -1
    if n < V2_HEADER + length:
        return 0
    if (command & 15) == 0 or family == 0:
        return V2_HEADER + length
    if family not in (0x11, 0x21):
        return -1
    ip_len = 4 if family == 0x11 else 16
    if length < 2 * ip_len + 4:
        return -1
    p += V2_HEADER
    take_binary(remote, p, p + 2 * ip_len, ip_len)
    take_binary(local, p + ip_len, p + 2 * ip_len + 2, ip_len)
    return V2_HEADER + length


cdef void take_binary(Address *address, const char *ip, const char *port, uint32_t ip_len) noexcept nogil:
    memset(address, 0, sizeof(Address))
    address.family = AF_INET if ip_len == 4 else AF_INET6
    memcpy(address.ip, ip, ip_len)
    address.port = (<uint16_t><uint8_t>port[0] << 8) | <uint8_t>port[1]


cdef int next_word(const char **p, const char *end, const char **word) noexcept nogil:
    # Words are separated by exactly one space (section 2.1).  Length, or -1.
    cdef const char *start = p[0]
    cdef const char *at = start
    while at < end and at[0] != c' ':
        at += 1
    word[0] = start
    p[0] = at + 1 if at < end else at
    return <int>(at - start) if at > start else -1


cdef int port_number(const char *word, int n) noexcept nogil:
    cdef int value = 0
    cdef int i
    if n < 1 or n > 5 or (n > 1 and word[0] == c'0'):
        return -1
    for i in range(n):
        if word[i] < c'0' or word[i] > c'9':
            return -1
        value = value * 10 + (word[i] - c'0')
    return value if value <= 65535 else -1


cdef int64_t read_v1(const char *p, size_t n, Address *remote, Address *local) noexcept nogil:
    cdef const char *lf = <const char *>memchr(p, c'\n', n if n < V1_LONGEST else V1_LONGEST)
    cdef const char *at = p + 6
    cdef const char *word = NULL
    cdef int length
    cdef uint16_t family
    if lf == NULL:
        return -1 if n >= V1_LONGEST else 0
    if lf == p or (lf - 1)[0] != c'\r':
        return -1
    length = next_word(&at, lf - 1, &word)
    if length == 7 and memcmp(word, b"UNKNOWN", 7) == 0:
        return lf + 1 - p
    if length != 4 or memcmp(word, b"TCP", 3) != 0 or word[3] not in (c'4', c'6'):
        return -1
    family = AF_INET if word[3] == c'4' else AF_INET6
    if not read_v1_addresses(at, lf - 1, family, remote, local):
        return -1
    return lf + 1 - p


cdef bint read_v1_addresses(const char *at, const char *end, uint16_t family, Address *remote,
                            Address *local) noexcept nogil:
    cdef const char *word = NULL
    cdef Address both[2]
    cdef int i, n, port
    for i in range(2):
        memset(&both[i], 0, sizeof(Address))
        n = next_word(&at, end, &word)
        if n < 0 or address_parse_ip(&both[i], word, n) < 0 or both[i].family != family:
            return False
    for i in range(2):
        n = next_word(&at, end, &word)
        port = port_number(word, n)
        if port < 0:
            return False
        both[i].port = <uint16_t>port
    if at != end or (at - 1)[0] == c' ':
        return False
    remote[0] = both[0]
    local[0] = both[1]
    return True
