"""The client's address and x-forwarded-for (see request_address.pxd)."""

from libc.stdint cimport int32_t, uint32_t
from libc.string cimport memcpy, memset

from mosn._fastpath.head cimport H_X_FORWARDED_FOR, Header, head_get, head_set_known
from mosn._fastpath.memory cimport arena_alloc
from mosn._fastpath.proxy.info cimport address_is_loopback, address_parse_ip, address_text
from mosn._fastpath.proxy.runtime cimport HttpManager, Stream
from mosn._fastpath.proxy.types cimport Address

cdef extern from "<ifaddrs.h>" nogil:
    struct sockaddr:
        unsigned short sa_family
    struct ifaddrs:
        ifaddrs *ifa_next
        sockaddr *ifa_addr
    int getifaddrs(ifaddrs **out)
    void freeifaddrs(ifaddrs *found)

cdef extern from "<netinet/in.h>" nogil:
    enum: AF_INET

# What a client on a loopback address is called in x-forwarded-for: the first IPv4 address of this machine that others
# may know (Envoy: Utility::getLocalAddress).  family 0: there is none.
cdef Address own


cdef void find_own_address() noexcept nogil:
    global own
    cdef ifaddrs *found = NULL
    cdef ifaddrs *each
    cdef Address address
    if getifaddrs(&found) < 0:
        return
    each = found
    while each != NULL and own.family == 0:
        if each.ifa_addr != NULL and each.ifa_addr.sa_family == AF_INET:
            memset(&address, 0, sizeof(Address))
            address.family = AF_INET
            memcpy(address.ip, <char *>each.ifa_addr + 4, 4)    # sin_addr
            if not address_is_loopback(&address):
                own = address
        each = each.ifa_next
    freeifaddrs(found)


find_own_address()


cdef bint address_from_xff(Stream *stream, uint32_t skip) noexcept nogil:
    # The (skip + 1)-th address from the right of x-forwarded-for becomes the client's.
    cdef Header *header = head_get(&stream.request, H_X_FORWARDED_FOR)
    cdef Address address
    cdef int32_t end, start
    if header == NULL:
        return False
    end = header.value_len
    while True:
        start = end
        while start > 0 and header.value[start - 1] != c',':
            start -= 1
        if skip == 0:
            break
        if start == 0:
            return False
        skip -= 1
        end = start - 1
    while start < end and header.value[start] == c' ':
        start += 1
    while end > start and header.value[end - 1] == c' ':
        end -= 1
    if address_parse_ip(&address, header.value + start, end - start) < 0:
        return False
    address.port = 0
    stream.info.remote = address
    return True


cdef void append_xff(Stream *stream, const Address *peer) noexcept nogil:
    cdef char text[64]
    cdef uint32_t n = address_text(&own if own.family and address_is_loopback(peer) else peer, False, text, sizeof(text))
    cdef Header *header = head_get(&stream.request, H_X_FORWARDED_FOR)
    cdef char *value
    cdef uint32_t before = header.value_len + 1 if header != NULL else 0
    cdef uint32_t bracket = 1 if n > 1 and text[0] == c'[' else 0
    if peer.family == 0 or peer.unix_path != NULL:
        return
    value = <char *>arena_alloc(&stream.arena, before + n)
    if value == NULL:
        return
    n -= 2 * bracket
    if header != NULL:
        memcpy(value, header.value, header.value_len)
        value[before - 1] = c','
    memcpy(value + before, text + bracket, n)
    head_set_known(&stream.request, H_X_FORWARDED_FOR, value, before + n)


cdef void client_address(Stream *stream) noexcept nogil:
    cdef HttpManager *manager = stream.manager
    cdef Address peer = stream.info.remote      # of the connection; what a PROXY header said, where there was one
    if manager.use_remote_address:
        if manager.xff_trusted_hops:
            address_from_xff(stream, manager.xff_trusted_hops - 1)
        if not manager.skip_xff_append:
            append_xff(stream, &peer)
    else:
        address_from_xff(stream, manager.xff_trusted_hops)
