"""Path and host rewrites, and the Location of redirects (interface: rewrite.pxd; order and rules: Envoy 1.40)."""

from libc.stdint cimport uint32_t
from libc.string cimport memchr, memcpy

from mosn._fastpath.head cimport (
    H_ENVOY_ORIGINAL_HOST, H_ENVOY_ORIGINAL_PATH, H_HOST, H_X_FORWARDED_HOST, H_X_FORWARDED_PROTO, Head, Header,
    head_get, head_set_known,
)
from mosn._fastpath.memory cimport Arena, Slice, arena_alloc, slice_equal, slice_is, slice_of
from mosn._fastpath.proxy.match cimport header_value, path_only
from mosn._fastpath.proxy.regex cimport regex_replace
from mosn._fastpath.proxy.route_rules cimport (
    HOST_HEADER, HOST_KEEP, HOST_LITERAL, HOST_PATH_REGEX, PATH_EXACT, PATH_PREFIX, PATH_SEPARATED, Redirect,
    RouteRules, rules_of,
)
from mosn._fastpath.proxy.types cimport RequestInfo, Route, WeightedCluster

cdef extern from "<string.h>" nogil:
    const void *memrchr(const void *p, int c, size_t n)


cdef Slice _joined(Arena *arena, const Slice *parts, uint32_t count) noexcept nogil:
    # p NULL when out of memory.
    cdef Slice whole
    cdef size_t total = 0
    cdef char *to
    cdef uint32_t i
    for i in range(count):
        total += parts[i].n
    to = <char *>arena_alloc(arena, total + 1)
    whole.p = to
    whole.n = <uint32_t>total
    if to == NULL:
        whole.n = 0
        return whole
    for i in range(count):
        if parts[i].n:
            memcpy(to, parts[i].p, parts[i].n)
            to += parts[i].n
    return whole


cdef inline Slice _behind(Slice text, uint32_t n) noexcept nogil:
    return slice_of(text.p + n, text.n - n)


# -- the path

cdef Slice _rewritten_path(const RouteRules *rules, Slice path, Arena *arena) noexcept nogil:
    # The path itself when nothing is to be rewritten; p NULL when out of memory.
    cdef Slice parts[2]
    cdef Slice bare = path_only(path)
    cdef uint32_t matched = bare.n
    if rules.prefix_rewrite.n:
        # A route of a regex or CONNECT has matched the whole path.
        if rules.path_kind in (PATH_PREFIX, PATH_EXACT, PATH_SEPARATED):
            matched = rules.path.n
        if matched > path.n:
            return path
        parts[0] = rules.prefix_rewrite
        parts[1] = _behind(path, matched)
        return _joined(arena, parts, 2)
    if rules.regex_rewrite.regex == NULL:
        return path
    parts[0] = regex_replace(rules.regex_rewrite.regex, bare, rules.regex_rewrite.substitution, arena)
    if parts[0].p == NULL:
        return parts[0]
    parts[1] = _behind(path, bare.n)
    return _joined(arena, parts, 2)


cdef int _rewrite_path(const RouteRules *rules, RequestInfo *info) noexcept nogil:
    cdef Head *head = info.request
    cdef Slice path
    if (rules.prefix_rewrite.n == 0 and rules.regex_rewrite.regex == NULL) or head.path.n == 0:
        return 0
    path = _rewritten_path(rules, head.path, info.arena)
    if path.p == NULL:
        return -1
    info.original_path = head.path
    if head_set_known(head, H_ENVOY_ORIGINAL_PATH, head.path.p, head.path.n) == NULL:
        return -1
    head.path = path
    return 0


# -- the host

cdef bint _ends_with_host(Slice list_, Slice host) noexcept nogil:
    # Whether the last element of a comma-separated list is the host.
    cdef const char *comma = <const char *>memrchr(list_.p, 44, list_.n) if list_.n else NULL
    cdef Slice last = list_
    if comma != NULL:
        last = slice_of(comma + 1, <size_t>(list_.p + list_.n - comma - 1))
    return slice_equal(last, host)


cdef int _append_forwarded_host(RequestInfo *info) noexcept nogil:
    cdef Head *head = info.request
    cdef Header *header = head_get(head, H_X_FORWARDED_HOST)
    cdef Slice parts[3]
    cdef Slice joined = head.authority
    if header != NULL and header.value_len:
        parts[0] = slice_of(header.value, header.value_len)
        if _ends_with_host(parts[0], head.authority):
            return 0
        parts[1] = slice_of(b",", 1)
        parts[2] = head.authority
        joined = _joined(info.arena, parts, 3)
        if joined.p == NULL:
            return -1
    return 0 if head_set_known(head, H_X_FORWARDED_HOST, joined.p, joined.n) != NULL else -1


cdef void _set_host(Head *head, Slice host) noexcept nogil:
    cdef Header *header = head_get(head, H_HOST)
    head.authority = host
    if header != NULL:
        header.value = host.p
        header.value_len = host.n


cdef int _rewrite_host(Route *route, RequestInfo *info, Slice host) noexcept nogil:
    cdef Head *head = info.request
    if route.append_x_forwarded_host and head.authority.n and _append_forwarded_host(info) < 0:
        return -1
    if head.authority.n and head_set_known(
            head, H_ENVOY_ORIGINAL_HOST, head.authority.p, head.authority.n) == NULL:
        return -1
    _set_host(head, host)
    return 0


cdef int _host_of_route(Route *route, const RouteRules *rules, RequestInfo *info) noexcept nogil:
    cdef Slice host
    if rules.host_rewrite == HOST_LITERAL:
        return _rewrite_host(route, info, rules.host_literal)
    if rules.host_rewrite == HOST_HEADER:
        if header_value(info.request, &rules.host_header, &host) and host.n:
            return _rewrite_host(route, info, host)
    elif rules.host_rewrite == HOST_PATH_REGEX:
        host = regex_replace(rules.host_regex.regex, path_only(info.request.path), rules.host_regex.substitution,
                             info.arena)
        return -1 if host.p == NULL else _rewrite_host(route, info, host)
    return 0


cdef int rewrite_request(Route *route, WeightedCluster *picked, RequestInfo *info) noexcept nogil:
    cdef const RouteRules *rules = rules_of(route)
    if picked != NULL and picked.host_rewrite.n:
        _set_host(info.request, picked.host_rewrite)
    if rules.host_rewrite != HOST_KEEP and _host_of_route(route, rules, info) < 0:
        return -1
    return _rewrite_path(rules, info)


# -- redirects

cdef uint32_t _port_at(Slice host) noexcept nogil:
    # Offset of the colon before the port; host.n when there is none.
    cdef const char *colon = <const char *>memrchr(host.p, 58, host.n) if host.n else NULL
    if colon == NULL:
        return host.n
    # "[::1]" has colons but no port.
    if host.p[0] == 91 and (colon == host.p or (colon - 1)[0] != 93):
        return host.n
    return <uint32_t>(colon - host.p)


cdef Slice _request_host(const RequestInfo *info, Slice scheme, bint port_given, bint https) noexcept nogil:
    # The request's host without the port that the new scheme or port makes wrong.
    cdef Slice host = info.request.authority
    cdef uint32_t at = _port_at(host)
    cdef Slice port = _behind(host, at)
    cdef Slice protocol = slice_of(b"https", 5) if https else slice_of(b"http", 4)
    cdef Header *forwarded = head_get(info.request, H_X_FORWARDED_PROTO)
    cdef bint drop = port_given
    if forwarded != NULL:
        protocol = slice_of(forwarded.value, forwarded.value_len)
    if not slice_equal(scheme, protocol):
        drop |= slice_is(protocol, b"https") and slice_is(port, b":443")
        drop |= slice_is(protocol, b"http") and slice_is(port, b":80")
    if drop:
        host.n = at
    return host


cdef Slice _new_scheme(const Redirect *redirect, const RequestInfo *info, bint https) noexcept nogil:
    if redirect.https:
        return slice_of(b"https", 5)
    if redirect.scheme.n:
        return redirect.scheme
    if info.request.scheme.n:
        return info.request.scheme
    return slice_of(b"https", 5) if https else slice_of(b"http", 4)


cdef Slice _without_query(Slice path) noexcept nogil:
    cdef const char *mark = <const char *>memchr(path.p, 63, path.n) if path.n else NULL
    if mark != NULL:
        path.n = <uint32_t>(mark - path.p)
    return path


cdef Slice _query_of(Slice path) noexcept nogil:
    # With its question mark; empty when there is none.
    return _behind(path, _without_query(path).n)


cdef Slice redirect_location(Route *route, const RequestInfo *info, bint https) noexcept nogil:
    cdef const RouteRules *rules = rules_of(route)
    cdef const Redirect *redirect = rules.redirect
    cdef Slice parts[6]
    cdef Slice path = _rewritten_path(rules, info.request.path, info.arena)
    parts[0] = _new_scheme(redirect, info, https)
    parts[1] = slice_of(b"://", 3)
    parts[2] = redirect.host
    if redirect.host.n == 0:
        parts[2] = _request_host(info, parts[0], redirect.port.n != 0, https)
    parts[3] = redirect.port
    parts[4] = path
    parts[5] = slice_of(NULL, 0)
    if redirect.path.n:
        parts[4] = redirect.path
        if not redirect.path_has_query and not redirect.strip_query:
            parts[5] = _query_of(path)
    elif redirect.strip_query:
        parts[4] = _without_query(path)
    return _joined(info.arena, parts, 6)


cdef Slice tls_location(const RequestInfo *info) noexcept nogil:
    cdef Slice parts[3]
    parts[0] = slice_of(b"https://", 8)
    parts[1] = info.request.authority
    parts[2] = info.request.path
    return _joined(info.arena, parts, 3)
