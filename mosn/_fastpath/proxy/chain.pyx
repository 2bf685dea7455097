"""Filter chain matching (Envoy: FilterChainMatch).

Criteria are looked at in Envoy's order; at each one the most specific match wins and every chain that does not share
it is out, for good: there is no way back to a less specific chain when a later criterion fails.
"""

from libc.stdint cimport uint32_t, uint8_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcmp, memcpy, memset, strlen

from mosn._fastpath.codec.client_hello cimport ALPN_KEPT, ClientHello
from mosn._fastpath.engine.system cimport AF_INET, AF_INET6, AF_UNIX
from mosn._fastpath.memory cimport Slice
from mosn._fastpath.proxy.info cimport address_equal_ip, address_is_loopback
from mosn._fastpath.proxy.runtime cimport Accepted, ChainMatch, FilterChain, Listener, PrefixRange
from mosn._fastpath.proxy.types cimport Address


cdef enum:
    LEVELS = 9
    ON_STACK = 256
    EXACT_NAME = 1 << 16        # over every suffix


cdef void mapped(const Address *address, uint8_t *out) noexcept nogil:
    # IPv4 as v4-mapped IPv6, so that one comparison serves both.
    memset(out, 0, 16)
    if address.family == AF_INET:
        out[10] = 0xFF
        out[11] = 0xFF
        memcpy(out + 12, address.ip, 4)
    elif address.family == AF_INET6:
        memcpy(out, address.ip, 16)


cdef bint in_prefix(const uint8_t *ip, const PrefixRange *prefix) noexcept nogil:
    cdef uint32_t whole = prefix.bits >> 3
    cdef uint32_t rest = prefix.bits & 7
    cdef uint8_t mask
    if memcmp(ip, prefix.ip, whole) != 0:
        return False
    if rest == 0:
        return True
    mask = <uint8_t>(0xFF << (8 - rest))
    return (ip[whole] & mask) == (prefix.ip[whole] & mask)


cdef int prefix_score(const Address *address, const PrefixRange *ranges, uint32_t n) noexcept nogil:
    # -1 no match, 0 nothing asked for, else 1 + length of the longest matching prefix.
    cdef uint8_t ip[16]
    cdef uint32_t i
    cdef int best = -1
    if n == 0:
        return 0
    if address.family == AF_UNIX:
        return -1
    mapped(address, ip)
    for i in range(n):
        if in_prefix(ip, &ranges[i]) and <int>ranges[i].bits + 1 > best:
            best = <int>ranges[i].bits + 1
    return best


cdef int name_score(const ChainMatch *match, const ClientHello *hello) noexcept nogil:
    # The whole name, else the longest "*.suffix".
    cdef Slice name
    cdef int best = -1
    cdef uint32_t i
    if match.server_name_count == 0:
        return 0
    if hello == NULL or hello.name_length == 0:
        return -1
    for i in range(match.server_name_count):
        name = match.server_names[i]
        if name.n == hello.name_length and memcmp(name.p, hello.server_name, name.n) == 0:
            return EXACT_NAME
        if name.n > 1 and name.p[0] == c'*' and hello.name_length > name.n - 1 and <int>name.n > best and memcmp(
                name.p + 1, hello.server_name + hello.name_length - (name.n - 1), name.n - 1) == 0:
            best = <int>name.n
    return best


cdef inline bint is_text(const Slice *slice, const char *p, size_t n) noexcept nogil:
    return slice.n == n and memcmp(slice.p, p, n) == 0


cdef int transport_score(const ChainMatch *match, const Accepted *accepted) noexcept nogil:
    cdef const char *transport = b"raw_buffer" if accepted.hello == NULL else b"tls"
    if match.transport_protocol.n == 0:
        return 0
    return 1 if is_text(&match.transport_protocol, transport, strlen(transport)) else -1


cdef bint lists_protocol(const ChainMatch *match, const char *p, size_t n) noexcept nogil:
    cdef uint32_t i
    for i in range(match.application_protocol_count):
        if is_text(&match.application_protocols[i], p, n):
            return True
    return False


cdef int protocol_score(const ChainMatch *match, const Accepted *accepted) noexcept nogil:
    # The client's first choice counts, not the chains' order.
    cdef const ClientHello *hello = accepted.hello
    cdef uint32_t at = 0
    if match.application_protocol_count == 0:
        return 0
    if hello == NULL:
        return 1 if accepted.protocol != NULL and lists_protocol(match, accepted.protocol,
                                                                 strlen(accepted.protocol)) else -1
    while at < hello.protocols_length:
        if lists_protocol(match, hello.protocols + at + 1, <uint8_t>hello.protocols[at]):
            return ALPN_KEPT - <int>at
        at += 1 + <uint32_t><uint8_t>hello.protocols[at]
    return -1


cdef int source_type_score(const ChainMatch *match, const Accepted *accepted) noexcept nogil:
    cdef bint inside
    if match.source_type == 0:
        return 0
    inside = accepted.remote.family == AF_UNIX or address_is_loopback(&accepted.remote) or address_equal_ip(
        &accepted.remote, &accepted.local)
    return 1 if inside == (match.source_type == 1) else -1


cdef int port_score(const ChainMatch *match, const Accepted *accepted) noexcept nogil:
    cdef uint32_t i
    if match.source_port_count == 0:
        return 0
    for i in range(match.source_port_count):
        if match.source_ports[i] == accepted.remote.port:
            return 1
    return -1


cdef int level_score(const ChainMatch *match, int level, const Accepted *accepted) noexcept nogil:
    if match == NULL:
        return 0
    if level == 0:
        if match.destination_port == 0:
            return 0
        return 1 if match.destination_port == accepted.local.port else -1
    if level == 1:
        return prefix_score(&accepted.local, match.prefixes, match.prefix_count)
    if level == 2:
        return name_score(match, accepted.hello)
    if level == 3:
        return transport_score(match, accepted)
    if level == 4:
        return protocol_score(match, accepted)
    if level == 5:
        return prefix_score(&accepted.direct_remote, match.direct_source_prefixes, match.direct_source_prefix_count)
    if level == 6:
        return source_type_score(match, accepted)
    if level == 7:
        return prefix_score(&accepted.remote, match.source_prefixes, match.source_prefix_count)
    return port_score(match, accepted)


cdef void narrow(Listener *config, int level, const Accepted *accepted, char *out) noexcept nogil:
    cdef int best = -1
    cdef int score
    cdef uint32_t i
    for i in range(config.chain_count):
        if not out[i]:
            score = level_score(config.chains[i].match, level, accepted)
            if score > best:
                best = score
    for i in range(config.chain_count):
        if not out[i] and (best < 0 or level_score(config.chains[i].match, level, accepted) != best):
            out[i] = 1


cdef FilterChain *search(Listener *config, const Accepted *accepted, char *out) noexcept nogil:
    cdef int level
    cdef uint32_t i
    for level in range(LEVELS):
        narrow(config, level, accepted, out)
    for i in range(config.chain_count):
        if not out[i]:
            return &config.chains[i]
    return config.default_chain


cdef FilterChain *chain_find(Listener *config, const Accepted *accepted) noexcept nogil:
    cdef char small[256]
    cdef char *out = small
    cdef FilterChain *found
    if config.chain_count == 1 and config.chains[0].match == NULL:
        return &config.chains[0]
    if config.chain_count > ON_STACK:
        out = <char *>calloc(1, config.chain_count)
        if out == NULL:
            return NULL
    else:
        memset(small, 0, sizeof(small))
    found = search(config, accepted, out)
    if out != small:
        free(out)
    return found
