"""Hash policies (interface: route_hash.pxd; Envoy's HashPolicyImpl).  Values are hashed with XXH64."""

from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memchr, memcmp, memcpy

from mosn._fastpath.hashing cimport xxh64
from mosn._fastpath.head cimport H_COOKIE, H_UNKNOWN, Head, Header
from mosn._fastpath.memory cimport Arena, Slice, arena_alloc, slice_equal, slice_of
from mosn._fastpath.proxy.info cimport address_text
from mosn._fastpath.proxy.match cimport HeaderName, header_value, query_first
from mosn._fastpath.proxy.regex cimport regex_replace
from mosn._fastpath.proxy.route_rules cimport HASH_COOKIE, HASH_HEADER, HASH_QUERY, HashPolicy, RouteRules, rules_of
from mosn._fastpath.proxy.types cimport RequestInfo, Route

cdef extern from "<sys/socket.h>" nogil:
    enum:
        AF_INET
        AF_INET6

cdef enum:
    MOST_VALUES = 64            # of one header that are hashed; Envoy has no bound
    ADDRESS_ROOM = 160


# -- headers

cdef bint _less(Slice a, Slice b) noexcept nogil:
    cdef uint32_t n = min(a.n, b.n)
    cdef int order = memcmp(a.p, b.p, n) if n else 0
    return order < 0 or (order == 0 and a.n < b.n)


cdef void _sort(Slice *values, uint32_t n) noexcept nogil:
    cdef uint32_t i
    cdef uint32_t k
    cdef Slice value
    for i in range(1, n):
        value = values[i]
        k = i
        while k > 0 and _less(value, values[k - 1]):
            values[k] = values[k - 1]
            k -= 1
        values[k] = value


cdef bint _named(const Header *header, const HeaderName *name) noexcept nogil:
    if header.removed or header.id != name.id:
        return False
    return name.id != H_UNKNOWN or slice_equal(slice_of(header.name, header.name_len), name.text)


cdef uint32_t _values(const Head *head, const HeaderName *name, Slice *values) noexcept nogil:
    cdef uint32_t n = 0
    cdef uint32_t i
    if name.pseudo:
        return 1 if header_value(head, name, values) else 0
    for i in range(head.count):
        if n < MOST_VALUES and _named(&head.items[i], name):
            values[n] = slice_of(head.items[i].value, head.items[i].value_len)
            n += 1
    return n


cdef bint _hash_header(const HashPolicy *policy, const RequestInfo *info, uint64_t *hash) noexcept nogil:
    # Several values give the same hash in any order.
    cdef Slice values[MOST_VALUES]
    cdef uint32_t n = _values(info.request, &policy.header, values)
    cdef uint32_t i
    if n == 0:
        return False
    if policy.rewrite.regex != NULL:
        for i in range(n):
            values[i] = regex_replace(policy.rewrite.regex, values[i], policy.rewrite.substitution, info.arena)
    _sort(values, n)
    hash[0] = 0
    for i in range(n):
        hash[0] = xxh64(values[i].p, values[i].n, hash[0])
    return True


# -- cookies

cdef bint _cookie_pair(Slice pair, Slice name, Slice *value) noexcept nogil:
    # One "name=value" between semicolons.
    cdef const char *equals
    while pair.n and pair.p[0] == 32:
        pair = slice_of(pair.p + 1, pair.n - 1)
    equals = <const char *>memchr(pair.p, 61, pair.n) if pair.n else NULL
    if equals == NULL or not slice_equal(slice_of(pair.p, <size_t>(equals - pair.p)), name):
        return False
    value[0] = slice_of(equals + 1, <size_t>(pair.p + pair.n - equals - 1))
    if value.n >= 2 and value.p[0] == 34 and value.p[value.n - 1] == 34:
        value[0] = slice_of(value.p + 1, value.n - 2)
    return True


cdef bint _cookie_in(Slice text, Slice name, Slice *value) noexcept nogil:
    cdef const char *end = text.p + text.n
    cdef const char *stop
    while text.n:
        stop = <const char *>memchr(text.p, 59, text.n)  # ;
        if _cookie_pair(slice_of(text.p, <size_t>((stop if stop != NULL else end) - text.p)), name, value):
            return True
        if stop == NULL:
            return False
        text = slice_of(stop + 1, <size_t>(end - stop - 1))
    return False


cdef bint _cookie(const Head *head, Slice name, Slice *value) noexcept nogil:
    cdef const Header *header
    cdef uint32_t i
    for i in range(head.count):
        header = &head.items[i]
        if header.id == H_COOKIE and not header.removed:
            if _cookie_in(slice_of(header.value, header.value_len), name, value):
                return True
    return False


cdef void _hex16(uint64_t value, char *out) noexcept nogil:
    cdef const char *digits = "0123456789abcdef"
    cdef int i
    for i in range(16):
        out[15 - i] = digits[value & 15]
        value >>= 4


cdef uint32_t _seconds_text(uint64_t seconds, char *out) noexcept nogil:
    cdef char digits[20]
    cdef uint32_t n = 0
    cdef uint32_t i
    while True:
        digits[n] = <char>(48 + seconds % 10)
        n += 1
        seconds //= 10
        if seconds == 0:
            break
    for i in range(n):
        out[i] = digits[n - 1 - i]
    return n


cdef inline char *_put(char *to, const char *p, size_t n) noexcept nogil:
    memcpy(to, p, n)
    return to + n


cdef Slice _set_cookie(const HashPolicy *policy, const char *value, Arena *arena) noexcept nogil:
    # name="value"; Max-Age=N; Path=P; HttpOnly
    cdef char *start = <char *>arena_alloc(arena, policy.name.n + policy.path.n + 96)
    cdef char *to = start
    if start == NULL:
        return slice_of(NULL, 0)
    to = _put(to, policy.name.p, policy.name.n)
    to = _put(to, b'="', 2)
    to = _put(to, value, 16)
    to = _put(to, b'"', 1)
    if policy.ttl_ms >= 1000:
        to = _put(to, b"; Max-Age=", 10)
        to += _seconds_text(<uint64_t>policy.ttl_ms // 1000, to)
    if policy.path.n:
        to = _put(to, b"; Path=", 7)
        to = _put(to, policy.path.p, policy.path.n)
    to = _put(to, b"; HttpOnly", 10)
    return slice_of(start, <size_t>(to - start))


cdef bint _hash_cookie(const HashPolicy *policy, const RequestInfo *info, Slice *set_cookie,
                       uint64_t *hash) noexcept nogil:
    cdef Slice value
    cdef char text[2 * ADDRESS_ROOM]
    cdef char made[16]
    cdef uint32_t n
    if _cookie(info.request, policy.name, &value) and value.n:
        hash[0] = xxh64(value.p, value.n, 0)
        return True
    if policy.ttl_ms < 0:
        return False
    # The same for all requests of a connection, so that streams that race get the same cookie.
    n = address_text(&info.direct_remote, True, text, ADDRESS_ROOM)
    n += address_text(&info.local, True, text + n, ADDRESS_ROOM)
    _hex16(xxh64(text, n, 0), made)
    set_cookie[0] = _set_cookie(policy, made, info.arena)
    hash[0] = xxh64(made, 16, 0)
    return True


# -- the others

cdef bint _hash_source_ip(const RequestInfo *info, uint64_t *hash) noexcept nogil:
    cdef char text[ADDRESS_ROOM]
    if info.remote.family not in (AF_INET, AF_INET6):
        return False
    hash[0] = xxh64(text, address_text(&info.remote, False, text, ADDRESS_ROOM), 0)
    return True


cdef bint _hash_query(const HashPolicy *policy, const RequestInfo *info, uint64_t *hash) noexcept nogil:
    cdef Slice value
    if not query_first(info.request.path, policy.name, &value):
        return False
    hash[0] = xxh64(value.p, value.n, 0)
    return True


cdef bint _evaluate(const HashPolicy *policy, const RequestInfo *info, Slice *set_cookie,
                    uint64_t *hash) noexcept nogil:
    if policy.kind == HASH_HEADER:
        return _hash_header(policy, info, hash)
    if policy.kind == HASH_COOKIE:
        return _hash_cookie(policy, info, set_cookie, hash)
    if policy.kind == HASH_QUERY:
        return _hash_query(policy, info, hash)
    return _hash_source_ip(info, hash)


cdef void hash_request(Route *route, RequestInfo *info, Slice *set_cookie) noexcept nogil:
    cdef const RouteRules *rules = rules_of(route)
    cdef uint64_t hash
    cdef uint64_t one
    cdef bint found = False
    cdef uint32_t i
    hash = 0
    for i in range(rules.hash_policy_count):
        if _evaluate(&rules.hash_policies[i], info, set_cookie, &one):
            # Rotating keeps two equal policies from cancelling each other out.
            hash = ((hash << 1) | (hash >> 63)) ^ one
            found = True
        if rules.hash_policies[i].terminal and found:
            break
    info.hash = hash
    info.has_hash = found
