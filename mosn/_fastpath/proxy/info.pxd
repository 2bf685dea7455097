# Addresses as text and classes of addresses.

from libc.stdint cimport uint32_t

from mosn._fastpath.proxy.types cimport Address


# Text of an address as Envoy prints it ("1.2.3.4:80", "[::1]:80", "/path"); returns its length (cut at capacity).
cdef uint32_t address_text(const Address *address, bint with_port, char *out, uint32_t capacity) noexcept nogil
cdef bint address_is_loopback(const Address *address) noexcept nogil
# RFC 1918, RFC 4193 and loopback: Envoy's default "internal address".
cdef bint address_is_internal(const Address *address) noexcept nogil
cdef bint address_equal_ip(const Address *a, const Address *b) noexcept nogil
# From and to struct sockaddr; address_from_sockaddr keeps a pointer to the path of AF_UNIX.  0, or -1.
cdef int address_from_sockaddr(Address *address, const void *sockaddr, uint32_t length) noexcept nogil
cdef uint32_t address_to_sockaddr(const Address *address, void *sockaddr) noexcept nogil
# "1.2.3.4" or "::1" (no port, no brackets): 0, or -1.
cdef int address_parse_ip(Address *address, const char *p, uint32_t n) noexcept nogil
