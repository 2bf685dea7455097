"""Finding a route (interface: route_search.pxd).

Most routes are told apart by one comparison of eight bytes: the last eight of the route's text against the same place
in the path.  Long runs of exact paths have an index.
"""

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy

from mosn._fastpath.hashing cimport xxh64
from mosn._fastpath.head cimport M_CONNECT
from mosn._fastpath.memory cimport Slice
from mosn._fastpath.proxy.format_status cimport is_grpc
from mosn._fastpath.proxy.match cimport header_matches, path_only, query_matches
from mosn._fastpath.proxy.regex cimport regex_full_match
from mosn._fastpath.proxy.route_hosts cimport domain_find
from mosn._fastpath.proxy.route_rules cimport (
    PATH_CONNECT, PATH_EXACT, PATH_REGEX, PATH_SEPARATED, TLS_EXTERNAL_ONLY, TLS_NONE, ExactRun,
    PathTest, QuickTest, RouteRules, Tables, VirtualHost,
)
from mosn._fastpath.proxy.types cimport RequestInfo, Route


cdef inline uint64_t _load(const char *p) noexcept nogil:
    cdef uint64_t word
    memcpy(&word, p, 8)
    return word


cdef PathKey path_key(const RequestInfo *info) noexcept nogil:
    cdef PathKey key
    key.path = path_only(info.request.path)
    key.connect = info.request.method_id == M_CONNECT
    key.first = 0
    if key.path.n >= 8:
        key.first = _load(key.path.p)
    elif key.path.n:
        memcpy(&key.first, key.path.p, key.path.n)
    return key


# -- one route

cdef inline bint _text_fits(const PathTest *test, Slice path) noexcept nogil:
    # Whether the path starts with the text; path.n >= test.n.
    cdef uint32_t i
    cdef uint8_t c
    if not test.fold:
        return memcmp(path.p, test.text, test.n) == 0
    for i in range(test.n):
        c = <uint8_t>path.p[i]
        if (c | 32 if 65 <= c <= 90 else c) != <uint8_t>test.text[i]:
            return False
    return True


cdef Mismatch path_mismatch(const PathTest *test, const PathKey *key) noexcept nogil:
    if test.kind == PATH_CONNECT:
        return MATCHES if key.connect else MISMATCH_NOT_CONNECT
    if key.path.n == 0:
        return MISMATCH_NO_PATH
    if test.kind == PATH_REGEX:
        return MATCHES if regex_full_match(test.rules.path_regex, key.path) else MISMATCH_PATH
    if key.path.n < test.n or (test.kind == PATH_EXACT and key.path.n != test.n):
        return MISMATCH_PATH
    if not _text_fits(test, key.path):
        return MISMATCH_PATH
    if test.kind == PATH_SEPARATED and key.path.n > test.n and key.path.p[test.n] != 47:  # /
        return MISMATCH_PATH
    return MATCHES


cdef Mismatch rules_mismatch(const RouteRules *rules, const RequestInfo *info, uint32_t *which) noexcept nogil:
    cdef uint32_t i
    if rules.denominator and info.random % rules.denominator >= rules.numerator:
        return MISMATCH_FRACTION
    if rules.grpc and not is_grpc(info.request):
        return MISMATCH_GRPC
    for i in range(rules.header_count):
        if not header_matches(&rules.headers[i], info.request):
            which[0] = i
            return MISMATCH_HEADER
    for i in range(rules.query_count):
        if not query_matches(&rules.query[i], info.request.path):
            which[0] = i
            return MISMATCH_QUERY
    return MATCHES


cdef inline bint _fits(const PathTest *test, const PathKey *key, const RequestInfo *info) noexcept nogil:
    cdef uint32_t which
    return path_mismatch(test, key) == MATCHES and (
        test.more == 0 or rules_mismatch(test.rules, info, &which) == MATCHES)


# -- a run of exact paths

cdef int32_t _search_run(const VirtualHost *host, uint32_t start, const PathKey *key,
                         const RequestInfo *info) noexcept nogil:
    # Index of the first route of the run that matches, or -1.
    cdef const ExactRun *run = host.tests[start].run
    cdef uint32_t at
    cdef uint32_t i
    if key.path.n == 0:
        return -1
    at = <uint32_t>xxh64(key.path.p, key.path.n, 0) & run.mask
    while run.slots[at]:
        i = run.slots[at] - 1
        if path_mismatch(&host.tests[i], key) == MATCHES:
            return _first_of_chain(host, start, i, key, info)
        at = (at + 1) & run.mask
    return -1


cdef int32_t _first_of_chain(const VirtualHost *host, uint32_t start, uint32_t i, const PathKey *key,
                             const RequestInfo *info) noexcept nogil:
    cdef const ExactRun *run = host.tests[start].run
    while not _fits(&host.tests[i], key, info):
        if run.following[i - start] == 0:
            return -1
        i = run.following[i - start] - 1
    return <int32_t>i


# -- the table

cdef Route *_look_closer(const VirtualHost *host, uint32_t *at, const PathKey *key,
                         const RequestInfo *info) noexcept nogil:
    # Route at[0] if it matches; else NULL, and at[0] is the next one to look at.
    cdef const PathTest *test = &host.tests[at[0]]
    cdef int32_t found
    if test.run != NULL:
        found = _search_run(host, at[0], key, info)
        if found >= 0:
            return &host.routes[found]
        at[0] = test.run.end
        return NULL
    if _fits(test, key, info):
        return &host.routes[at[0]]
    at[0] += 1
    return NULL


cdef Route *search_routes(const VirtualHost *host, const RequestInfo *info) noexcept nogil:
    cdef PathKey key = path_key(info)
    cdef const char *path = key.path.p
    cdef uint32_t n = key.path.n
    cdef const QuickTest *quick
    cdef uint64_t word
    cdef uint32_t i = 0
    cdef Route *route
    while i < host.count:
        quick = &host.quick[i]
        if n >= quick.n:
            word = key.first
            if quick.offset:
                word = _load(path + quick.offset)
            if not (word ^ quick.want) & quick.mask:
                route = _look_closer(host, &i, &key, info)
                if route != NULL:
                    return route
                continue
        i += 1
    return NULL


cdef const VirtualHost *host_of(const Tables *tables, const RequestInfo *info) noexcept nogil:
    cdef int32_t found = domain_find(&tables.domains, info.request.authority)
    return &tables.hosts[found] if found >= 0 else NULL


cdef bint needs_tls(const VirtualHost *host, const RequestInfo *info, bint https) noexcept nogil:
    if host.require_tls == TLS_NONE or https:
        return False
    return not (host.require_tls == TLS_EXTERNAL_ONLY and info.is_internal)
