# Which virtual host a domain belongs to (Envoy VirtualHost.domains).

from libc.stdint cimport int32_t, uint32_t

from mosn._fastpath.memory cimport Slice
from mosn._fastpath.proxy.route_store cimport Store


cdef struct DomainSlot:
    const char *text            # NULL: empty
    uint32_t n
    uint32_t hash
    int32_t virtual_host


cdef struct DomainIndex:
    # Open addressing; at most half full.
    DomainSlot *slots
    uint32_t mask
    uint32_t count
    uint32_t *lengths           # of wildcards: the different lengths, longest first
    uint32_t length_count


cdef struct DomainTable:
    DomainIndex exact
    DomainIndex suffixes        # of "*.example.com": ".example.com"
    DomainIndex prefixes        # of "www.*": "www."
    int32_t any                 # virtual host of "*", -1 none
    bint only_any
    bint ignore_port


# Number of the virtual host, or -1.  Order: exact, longest suffix, longest prefix, "*"; a wildcard stands for at
# least one character.
cdef int32_t domain_find(const DomainTable *table, Slice host) noexcept nogil
# Bytes before the port of an authority ("[::1]:80", "a:80"), all of them when there is none.
cdef uint32_t host_without_port(Slice host) noexcept nogil

# domains: one list of domains for each virtual host.  ValueError for a domain that stands twice.
cdef int compile_domains(DomainTable *out, list domains, Store store) except -1
