"""Addresses as text and classes of addresses; names of response flags and protocols (interface: info.pxd)."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t
from libc.string cimport memcmp, memcpy, memset, strlen

from mosn._fastpath.proxy.types cimport FLAG_COUNT, Address

cdef extern from "<arpa/inet.h>" nogil:
    enum:
        AF_INET
        AF_INET6
        AF_UNIX
        INET6_ADDRSTRLEN
    const char *inet_ntop(int family, const void *address, char *out, uint32_t size)
    int inet_pton(int family, const char *text, void *address)
    uint16_t ntohs(uint16_t value)
    uint16_t htons(uint16_t value)

cdef extern from "<netinet/in.h>" nogil:
    struct in_addr:
        uint32_t s_addr
    struct in6_addr:
        uint8_t s6_addr[16]
    struct sockaddr_in:
        uint16_t sin_family
        uint16_t sin_port
        in_addr sin_addr
    struct sockaddr_in6:
        uint16_t sin6_family
        uint16_t sin6_port
        in6_addr sin6_addr

cdef extern from "<sys/un.h>" nogil:
    struct sockaddr_un:
        uint16_t sun_family
        char sun_path[108]

cdef extern from "<sys/socket.h>" nogil:
    struct sockaddr:
        uint16_t sa_family

cdef enum:
    SUN_PATH = 2                # offset of sun_path
    PATH_ROOM = 108

cdef const char *NO_PATH = ""

# Bits of RequestInfo.response_flags in order: (short name, long name), both Envoy's.
RESPONSE_FLAGS = (
    ("LH", "FailedLocalHealthCheck"),
    ("UH", "NoHealthyUpstream"),
    ("UT", "UpstreamRequestTimeout"),
    ("LR", "LocalReset"),
    ("UR", "UpstreamRemoteReset"),
    ("UF", "UpstreamConnectionFailure"),
    ("UC", "UpstreamConnectionTermination"),
    ("UO", "UpstreamOverflow"),
    ("NR", "NoRouteFound"),
    ("DI", "DelayInjected"),
    ("FI", "FaultInjected"),
    ("RL", "RateLimited"),
    ("UAEX", "UnauthorizedExternalService"),
    ("RLSE", "RateLimitServiceError"),
    ("DC", "DownstreamConnectionTermination"),
    ("URX", "UpstreamRetryLimitExceeded"),
    ("SI", "StreamIdleTimeout"),
    ("IH", "InvalidEnvoyRequestHeaders"),
    ("DPE", "DownstreamProtocolError"),
    ("UMSDR", "UpstreamMaxStreamDurationReached"),
    ("RFCF", "ResponseFromCacheFilter"),
    ("NFCF", "NoFilterConfigFound"),
    ("DT", "DurationTimeout"),
    ("UPE", "UpstreamProtocolError"),
    ("NC", "NoClusterFound"),
    ("OM", "OverloadManagerTerminated"),
    ("DF", "DnsResolutionFailed"),
    ("DO", "DropOverload"),
    ("DR", "DownstreamRemoteReset"),
    ("UDO", "UnconditionalDropOverload"),
)

# In the order of mosn._fastpath.proxy.types.Protocol; "" for plain TCP.
PROTOCOL_NAMES = ("", "HTTP/1.0", "HTTP/1.1", "HTTP/2", "BOLT", "Dubbo", "x-protocol")

if len(RESPONSE_FLAGS) != FLAG_COUNT:
    raise ImportError("RESPONSE_FLAGS and ResponseFlag differ")


# -- text

cdef uint32_t _decimal(uint32_t value, char *out) noexcept nogil:
    # At most five digits.
    cdef char digits[10]
    cdef uint32_t n = 0
    cdef uint32_t i
    while True:
        digits[n] = <char>(48 + value % 10)
        value = value // 10
        n += 1
        if value == 0:
            break
    for i in range(n):
        out[i] = digits[n - 1 - i]
    return n


cdef uint32_t _ipv4_text(const Address *address, char *out) noexcept nogil:
    cdef uint32_t n = 0
    cdef uint32_t i
    for i in range(4):
        if i:
            out[n] = 46  # .
            n += 1
        n += _decimal(address.ip[i], out + n)
    return n


cdef uint32_t _ipv6_text(const Address *address, bint brackets, char *out) noexcept nogil:
    # `out` has room for INET6_ADDRSTRLEN and two brackets.
    cdef uint32_t n = 1 if brackets else 0
    if inet_ntop(AF_INET6, address.ip, out + n, INET6_ADDRSTRLEN) == NULL:
        return 0
    n += <uint32_t>strlen(out + n)
    if brackets:
        out[0] = 91  # [
        out[n] = 93  # ]
        n += 1
    return n


cdef uint32_t _unix_text(const Address *address, char *out, uint32_t capacity) noexcept nogil:
    cdef uint32_t n
    if address.unix_path == NULL:
        return 0
    n = <uint32_t>min(strlen(address.unix_path), <size_t>capacity)
    memcpy(out, address.unix_path, n)
    return n


cdef uint32_t address_text(const Address *address, bint with_port, char *out, uint32_t capacity) noexcept nogil:
    cdef char text[64]
    cdef uint32_t n
    if address.family == AF_INET:
        n = _ipv4_text(address, text)
    elif address.family == AF_INET6:
        n = _ipv6_text(address, with_port, text)
    elif address.family == AF_UNIX:
        return _unix_text(address, out, capacity)
    else:
        return 0
    if with_port:
        text[n] = 58  # :
        n += 1
        n += _decimal(address.port, text + n)
    n = min(n, capacity)
    memcpy(out, text, n)
    return n


# -- classes

cdef inline bint _is_ipv6_loopback(const Address *address) noexcept nogil:
    cdef uint8_t loopback[16]
    memset(loopback, 0, 15)
    loopback[15] = 1
    return memcmp(address.ip, loopback, 16) == 0


cdef inline bint _is_ipv4(const Address *address, uint8_t a, uint8_t b, uint8_t c, uint8_t d) noexcept nogil:
    return address.ip[0] == a and address.ip[1] == b and address.ip[2] == c and address.ip[3] == d


cdef bint address_is_loopback(const Address *address) noexcept nogil:
    if address.family == AF_INET:
        return _is_ipv4(address, 127, 0, 0, 1)
    return address.family == AF_INET6 and _is_ipv6_loopback(address)


cdef bint address_is_internal(const Address *address) noexcept nogil:
    # As Envoy's Utility::isInternalAddress: unix sockets too, of 127/8 only 127.0.0.1, of fc00::/7 only fd00::/8.
    cdef const uint8_t *ip = address.ip
    if address.family == AF_UNIX:
        return True
    if address.family == AF_INET:
        return (ip[0] == 10 or (ip[0] == 192 and ip[1] == 168) or (ip[0] == 172 and 16 <= ip[1] <= 31)
                or _is_ipv4(address, 127, 0, 0, 1))
    return address.family == AF_INET6 and (ip[0] == 0xFD or _is_ipv6_loopback(address))


cdef bint address_equal_ip(const Address *a, const Address *b) noexcept nogil:
    if a.family != b.family:
        return False
    if a.family == AF_INET:
        return memcmp(a.ip, b.ip, 4) == 0
    return a.family == AF_INET6 and memcmp(a.ip, b.ip, 16) == 0


# -- struct sockaddr

cdef void _from_ipv6(Address *address, const sockaddr_in6 *from_) noexcept nogil:
    # A client of IPv4 on a dual-stack socket is an IPv4 client, as in Envoy.
    cdef uint8_t mapped[12]
    memset(mapped, 0, 10)
    mapped[10] = mapped[11] = 0xFF
    address.port = ntohs(from_.sin6_port)
    if memcmp(from_.sin6_addr.s6_addr, mapped, 12) == 0:
        address.family = AF_INET
        memcpy(address.ip, from_.sin6_addr.s6_addr + 12, 4)
        return
    address.family = AF_INET6
    memcpy(address.ip, from_.sin6_addr.s6_addr, 16)


cdef int address_from_sockaddr(Address *address, const void *sockaddr_, uint32_t length) noexcept nogil:
    # An abstract peer's path starts with NUL and so reads as "", like that of an unnamed peer.
    cdef uint16_t family
    memset(address, 0, sizeof(Address))
    if length < sizeof(uint16_t):
        return -1
    family = (<const sockaddr *>sockaddr_).sa_family
    if family == AF_INET and length >= sizeof(sockaddr_in):
        address.family = AF_INET
        address.port = ntohs((<const sockaddr_in *>sockaddr_).sin_port)
        memcpy(address.ip, &(<const sockaddr_in *>sockaddr_).sin_addr, 4)
        return 0
    if family == AF_INET6 and length >= sizeof(sockaddr_in6):
        _from_ipv6(address, <const sockaddr_in6 *>sockaddr_)
        return 0
    if family == AF_UNIX:
        address.family = AF_UNIX
        address.unix_path = NO_PATH
        if length > SUN_PATH:
            address.unix_path = (<const sockaddr_un *>sockaddr_).sun_path
        return 0
    return -1


cdef uint32_t _to_unix(const Address *address, sockaddr_un *to) noexcept nogil:
    cdef size_t n = 0 if address.unix_path == NULL else strlen(address.unix_path)
    if n == 0 or n >= PATH_ROOM:
        return 0
    memset(to, 0, sizeof(sockaddr_un))
    to.sun_family = AF_UNIX
    memcpy(to.sun_path, address.unix_path, n)
    if to.sun_path[0] != 64:  # @
        return <uint32_t>(SUN_PATH + n + 1)
    to.sun_path[0] = 0
    return <uint32_t>(SUN_PATH + n)


cdef uint32_t address_to_sockaddr(const Address *address, void *sockaddr_) noexcept nogil:
    cdef sockaddr_in *v4 = <sockaddr_in *>sockaddr_
    cdef sockaddr_in6 *v6 = <sockaddr_in6 *>sockaddr_
    if address.family == AF_INET:
        memset(v4, 0, sizeof(sockaddr_in))
        v4.sin_family = AF_INET
        v4.sin_port = htons(address.port)
        memcpy(&v4.sin_addr, address.ip, 4)
        return sizeof(sockaddr_in)
    if address.family == AF_INET6:
        memset(v6, 0, sizeof(sockaddr_in6))
        v6.sin6_family = AF_INET6
        v6.sin6_port = htons(address.port)
        memcpy(v6.sin6_addr.s6_addr, address.ip, 16)
        return sizeof(sockaddr_in6)
    return _to_unix(address, <sockaddr_un *>sockaddr_) if address.family == AF_UNIX else 0


cdef int address_parse_ip(Address *address, const char *p, uint32_t n) noexcept nogil:
    cdef char text[INET6_ADDRSTRLEN]
    memset(address, 0, sizeof(Address))
    if n == 0 or n >= INET6_ADDRSTRLEN:
        return -1
    memcpy(text, p, n)
    text[n] = 0
    if strlen(text) != n:
        return -1
    if inet_pton(AF_INET, text, address.ip) == 1:
        address.family = AF_INET
        return 0
    if inet_pton(AF_INET6, text, address.ip) == 1:
        address.family = AF_INET6
        return 0
    return -1


# -- for Python

def describe_ip(str text not None, uint16_t port=0):
    """(text with port, text without, loopback, internal) of an IP address; None when it is none."""
    cdef bytes encoded = text.encode()
    cdef Address address
    cdef char out[64]
    cdef uint32_t n
    if address_parse_ip(&address, encoded, <uint32_t>len(encoded)) < 0:
        return None
    address.port = port
    n = address_text(&address, True, out, 64)
    full = out[:n].decode()
    n = address_text(&address, False, out, 64)
    return full, out[:n].decode(), bool(address_is_loopback(&address)), bool(address_is_internal(&address))


def sockaddr_text(bytes raw not None, bint with_port=True):
    """Text of a raw struct sockaddr; it is converted there and back on the way.  None when it is none."""
    cdef Address address
    cdef uint8_t again[128]
    cdef char out[128]
    cdef const char *p = raw
    cdef uint32_t n
    memset(again, 0, sizeof(again))
    if address_from_sockaddr(&address, p, <uint32_t>len(raw)) < 0:
        return None
    n = address_to_sockaddr(&address, again)
    if n and address_from_sockaddr(&address, again, n) < 0:
        return None
    return out[:address_text(&address, with_port, out, 128)].decode()
