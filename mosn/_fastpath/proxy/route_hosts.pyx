"""Which virtual host a domain belongs to (interface: route_hosts.pxd)."""

from libc.stdint cimport int32_t, uint32_t
from libc.string cimport memcmp

from mosn._fastpath.hashing cimport xxh64
from mosn._fastpath.memory cimport Slice
from mosn._fastpath.proxy.route_store cimport Store

cdef extern from "<string.h>" nogil:
    const void *memrchr(const void *p, int c, size_t n)

cdef enum:
    HOST_ROOM = 1024            # a longer host belongs to "*": DNS names have at most 253 bytes


cdef uint32_t host_without_port(Slice host) noexcept nogil:
    cdef const char *colon
    cdef const char *bracket
    if host.n == 0:
        return 0
    colon = <const char *>memrchr(host.p, 58, host.n)
    if colon == NULL:
        return host.n
    # The colons of an IPv6 address stand between brackets.
    bracket = <const char *>memrchr(host.p, 93, host.n)
    return host.n if bracket != NULL and bracket > colon else <uint32_t>(colon - host.p)


cdef int32_t _look_up(const DomainIndex *index, const char *p, uint32_t n) noexcept nogil:
    cdef uint32_t hash = <uint32_t>xxh64(p, n, 0)
    cdef uint32_t at = hash & index.mask
    cdef const DomainSlot *slot = &index.slots[at]
    while slot.text != NULL:
        if slot.hash == hash and slot.n == n and memcmp(slot.text, p, n) == 0:
            return slot.virtual_host
        at = (at + 1) & index.mask
        slot = &index.slots[at]
    return -1


cdef int32_t _wildcard(const DomainIndex *index, const char *host, uint32_t n, bint suffix) noexcept nogil:
    cdef uint32_t i
    cdef uint32_t length
    cdef int32_t found
    for i in range(index.length_count):
        length = index.lengths[i]
        if length >= n:
            continue
        found = _look_up(index, host + n - length if suffix else host, length)
        if found >= 0:
            return found
    return -1


cdef int32_t _find_folded(const DomainTable *table, const char *host, uint32_t n) noexcept nogil:
    cdef int32_t found = -1
    if table.exact.count:
        found = _look_up(&table.exact, host, n)
    if found < 0 and table.suffixes.count:
        found = _wildcard(&table.suffixes, host, n, True)
    if found < 0 and table.prefixes.count:
        found = _wildcard(&table.prefixes, host, n, False)
    return found if found >= 0 else table.any


cdef inline void _fold(const char *host, uint32_t n, char *out) noexcept nogil:
    cdef uint32_t i
    cdef unsigned char c
    for i in range(n):
        c = <unsigned char>host[i]
        out[i] = <char>(c + ((<unsigned char>(c - 65) < 26) << 5))


cdef int32_t domain_find(const DomainTable *table, Slice host) noexcept nogil:
    cdef char folded[HOST_ROOM]
    if table.only_any or host.n == 0:
        return table.any if table.only_any else -1
    if table.ignore_port:
        host.n = host_without_port(host)
    if host.n > HOST_ROOM:
        return table.any
    _fold(host.p, host.n, folded)
    return _find_folded(table, folded, host.n)


# -- compiling

cdef int _insert(DomainIndex *index, Slice text, int32_t virtual_host) except -1:
    # False (0) when it is there already.
    cdef uint32_t hash = <uint32_t>xxh64(text.p, text.n, 0)
    cdef uint32_t at = hash & index.mask
    while index.slots[at].text != NULL:
        if index.slots[at].n == text.n and memcmp(index.slots[at].text, text.p, text.n) == 0:
            return 0
        at = (at + 1) & index.mask
    index.slots[at].text = text.p
    index.slots[at].n = text.n
    index.slots[at].hash = hash
    index.slots[at].virtual_host = virtual_host
    return 1


cdef int _compile_index(DomainIndex *out, list entries, Store store) except -1:
    # entries: (text, number of the virtual host, the domain as it was written)
    cdef size_t size = 2
    while size < 2 * <size_t>len(entries):
        size *= 2
    out.slots = <DomainSlot *>store.take(size * sizeof(DomainSlot))
    out.mask = <uint32_t>(size - 1)
    out.count = <uint32_t>len(entries)
    for text, virtual_host, domain in entries:
        if not _insert(out, store.text(text), virtual_host):
            raise ValueError(f"domain {domain!r} stands in more than one virtual host, or twice in one")
    lengths = sorted({len(text) for text, _, _ in entries}, reverse=True)
    out.lengths = <uint32_t *>store.take(len(lengths) * sizeof(uint32_t))
    out.length_count = <uint32_t>len(lengths)
    for i, length in enumerate(lengths):
        out.lengths[<size_t>i] = length
    return 0


cdef tuple _sort_domain(str domain):
    # (kind, what is looked up); kinds: "any", "suffix", "prefix", "exact"
    encoded = domain.encode("utf-8", "surrogateescape").lower()
    if not encoded:
        raise ValueError("a domain is empty")
    if len(encoded) > HOST_ROOM:
        raise ValueError(f"domain {domain[:40]!r}... is longer than {HOST_ROOM} bytes")
    if encoded == b"*":
        return "any", b""
    if encoded.startswith(b"*"):
        return "suffix", encoded[1:]
    if encoded.endswith(b"*"):
        return "prefix", encoded.removesuffix(b"*")
    return "exact", encoded


cdef int compile_domains(DomainTable *out, list domains, Store store) except -1:
    cdef dict sorted_ = {"any": [], "suffix": [], "prefix": [], "exact": []}
    for number, names in enumerate(domains):
        for domain in names:
            kind, text = _sort_domain(domain)
            sorted_[kind].append((text, number, domain))
    if len(sorted_["any"]) > 1:
        raise ValueError("domain '*' stands in more than one virtual host")
    out.any = sorted_["any"][0][1] if sorted_["any"] else -1
    _compile_index(&out.exact, sorted_["exact"], store)
    _compile_index(&out.suffixes, sorted_["suffix"], store)
    _compile_index(&out.prefixes, sorted_["prefix"], store)
    out.only_any = not (sorted_["exact"] or sorted_["suffix"] or sorted_["prefix"])
    return 0
