"""Route tables from mosn.model dicts to structs (interface: route_rules.pxd)."""

from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memset

from mosn._fastpath.hashing cimport xxh64
from mosn._fastpath.proxy.cluster cimport ClusterObject
from mosn._fastpath.proxy.header_ops cimport compile_header_ops
from mosn._fastpath.proxy.match cimport (
    QueryMatch, compile_header_name, compile_headers, compile_query,
)
from mosn._fastpath.proxy.regex cimport RegexObject
from mosn._fastpath.proxy.route_bridge cimport compile_bridge
from mosn._fastpath.proxy.route_fault cimport compile_fault
from mosn._fastpath.proxy.route_hosts cimport compile_domains
from mosn._fastpath.proxy.route_retry cimport compile_retry
from mosn._fastpath.proxy.route_store cimport Store
from mosn._fastpath.proxy.types cimport (
    ROUTE_CLUSTER, ROUTE_DIRECT, ROUTE_NONE, ROUTE_REDIRECT, UPGRADE_ALLOWED, UPGRADE_CONNECT, UPGRADE_REFUSED,
    Mirror, Route, WeightedCluster,
)

cdef enum:
    SHORTEST_RUN = 12           # exact-path routes in a row from which an index pays

cdef dict PATH_KINDS = {
    "prefix": PATH_PREFIX, "path": PATH_EXACT, "path_separated_prefix": PATH_SEPARATED, "regex": PATH_REGEX,
    "connect": PATH_CONNECT,
}
cdef dict HOST_REWRITES = {"literal": HOST_LITERAL, "header": HOST_HEADER, "path_regex": HOST_PATH_REGEX}
cdef dict HASH_KINDS = {
    "header": HASH_HEADER, "cookie": HASH_COOKIE, "source_ip": HASH_SOURCE_IP, "query": HASH_QUERY,
}
cdef dict TLS_REQUIREMENTS = {"none": TLS_NONE, "external_only": TLS_EXTERNAL_ONLY, "all": TLS_ALL}


cdef object _one_of(dict table, str word, str what):
    if word not in table:
        raise ValueError(f"unknown {what} {word!r}")
    return table[word]


cdef int _compile_regex_rewrite(RegexRewrite *out, spec, Store store) except -1:
    cdef RegexObject made
    if spec is None:
        return 0
    made = store.keep(RegexObject(spec["pattern"]))
    made.check_substitution(spec["substitution"])
    out.regex = &made.regex
    out.substitution = store.text(spec["substitution"])
    return 0


# -- matching

cdef int _compile_match(RouteRules *rules, dict spec, Store store) except -1:
    if spec["fraction"] is not None:
        rules.numerator = spec["fraction"]["numerator"]
        rules.denominator = spec["fraction"]["denominator"]
    rules.grpc = bool(spec["grpc"])
    rules.headers = compile_headers(spec["headers"], store)
    rules.header_count = <uint32_t>len(spec["headers"])
    rules.query = <QueryMatch *>store.take(len(spec["query"]) * sizeof(QueryMatch))
    rules.query_count = <uint32_t>len(spec["query"])
    for i, query in enumerate(spec["query"]):
        compile_query(&rules.query[<size_t>i], query, store)
    return 0


cdef int _compile_path(PathTest *test, RouteRules *rules, dict spec, Store store) except -1:
    cdef RegexObject regex
    cdef bytes text = spec["value"].encode("utf-8", "surrogateescape")
    test.kind = rules.path_kind = _one_of(PATH_KINDS, spec["kind"], "path matcher")
    test.rules = rules
    test.more = rules.denominator or rules.grpc or rules.header_count or rules.query_count
    if test.kind == PATH_REGEX:
        regex = store.keep(RegexObject(spec["value"]))
        rules.path_regex = &regex.regex
    if test.kind in (PATH_REGEX, PATH_CONNECT):
        return 0
    test.fold = not spec["case_sensitive"]
    rules.path = store.text(text.lower() if test.fold else text)
    test.text = rules.path.p
    test.n = rules.path.n
    return 0


cdef void _fill_quick(QuickTest *quick, const PathTest *test) noexcept nogil:
    quick.n = test.n
    if test.fold or test.n == 0:
        return
    quick.offset = test.n - 8 if test.n > 8 else 0
    memcpy(&quick.want, test.text + quick.offset, min(test.n, <uint32_t>8))
    quick.mask = ~<uint64_t>0 if test.n >= 8 else (<uint64_t>1 << (8 * test.n)) - 1


# -- actions

cdef int _compile_weighted(WeightedCluster *out, dict spec, dict clusters, Store store) except -1:
    cdef ClusterObject cluster
    out.name = store.text(spec["name"])
    out.weight = spec["weight"]
    out.host_rewrite = store.text(spec["host_rewrite"])
    compile_header_ops(&out.request_ops, spec["request_header_ops"], store)
    compile_header_ops(&out.response_ops, spec["response_header_ops"], store)
    if spec["name"] in clusters:
        cluster = store.keep(clusters[spec["name"]])
        out.cluster = cluster.cluster
    return 0


cdef int _compile_clusters(Route *route, dict spec, dict clusters, Store store) except -1:
    cdef size_t n = len(spec["clusters"])
    if n == 0 and not spec["cluster_header"]:
        raise ValueError("the action names no cluster")
    total = sum(entry["weight"] for entry in spec["clusters"])
    if n and total != spec["total_weight"]:
        raise ValueError(f"total_weight is {spec['total_weight']}, but the weights sum to {total}")
    if n and not 0 < total <= 0xFFFFFFFF:
        raise ValueError(f"the sum of weights must be between 1 and {0xFFFFFFFF}")
    route.clusters = <WeightedCluster *>store.take(n * sizeof(WeightedCluster))
    route.cluster_count = <uint32_t>n
    route.total_weight = total
    for i, entry in enumerate(spec["clusters"]):
        _compile_weighted(&route.clusters[<size_t>i], entry, clusters, store)
    return 0


cdef int _compile_mirrors(Route *route, list specs, dict clusters, Store store) except -1:
    cdef ClusterObject cluster
    cdef Mirror *mirror
    route.mirrors = <Mirror *>store.take(len(specs) * sizeof(Mirror))
    for spec in specs:
        if spec["cluster"] not in clusters:
            raise ValueError(f"mirror: unknown cluster {spec['cluster']!r}")
        cluster = store.keep(clusters[spec["cluster"]])
        mirror = &route.mirrors[route.mirror_count]
        mirror.cluster = cluster.cluster
        if spec["fraction"] is not None:
            mirror.numerator = spec["fraction"]["numerator"]
            mirror.denominator = spec["fraction"]["denominator"]
        route.mirror_count += 1
    return 0


cdef int _compile_host_rewrite(Route *route, RouteRules *rules, spec, Store store) except -1:
    if spec is None:
        return 0
    if spec["kind"] == "auto":
        route.auto_host_rewrite = 1
        return 0
    rules.host_rewrite = _one_of(HOST_REWRITES, spec["kind"], "host rewrite")
    if rules.host_rewrite == HOST_LITERAL:
        rules.host_literal = store.text(spec["value"])
    elif rules.host_rewrite == HOST_HEADER:
        compile_header_name(&rules.host_header, spec["value"], store)
    else:
        _compile_regex_rewrite(&rules.host_regex, spec["regex"], store)
    return 0


cdef int _compile_hash(HashPolicy *out, dict spec, Store store) except -1:
    out.kind = _one_of(HASH_KINDS, spec["kind"], "hash policy")
    out.terminal = bool(spec["terminal"])
    out.ttl_ms = spec["ttl_ms"]
    out.path = store.text(spec["path"])
    out.name = store.text(spec["name"])
    if out.kind == HASH_HEADER:
        compile_header_name(&out.header, spec["name"], store)
        _compile_regex_rewrite(&out.rewrite, spec["regex"], store)
    return 0


cdef int _compile_hashes(RouteRules *rules, list specs, Store store) except -1:
    rules.hash_policies = <HashPolicy *>store.take(len(specs) * sizeof(HashPolicy))
    rules.hash_policy_count = <uint32_t>len(specs)
    for i, spec in enumerate(specs):
        _compile_hash(&rules.hash_policies[<size_t>i], spec, store)
    return 0


cdef int _compile_upgrades(RouteRules *rules, list specs, Store store) except -1:
    cdef UpgradeRule *rule
    rules.upgrades = <UpgradeRule *>store.take(len(specs) * sizeof(UpgradeRule))
    for spec in specs:
        rule = &rules.upgrades[rules.upgrade_count]
        rule.type = store.text(spec["type"].lower())
        rule.state = UPGRADE_CONNECT if spec["connect"] else UPGRADE_ALLOWED
        if not spec["enabled"]:
            rule.state = UPGRADE_REFUSED
        rules.upgrade_count += 1
    return 0


cdef int _compile_action(Route *route, RouteRules *rules, dict spec, dict clusters, Store store) except -1:
    route.kind = ROUTE_CLUSTER
    route.priority = 1 if spec["priority"] == "high" else 0
    route.append_x_forwarded_host = bool(spec["append_x_forwarded_host"])
    route.cluster_not_found_code = spec["cluster_not_found_response_code"]
    route.timeout_ms = spec["timeout_ms"]
    route.idle_timeout_ms = spec["idle_timeout_ms"]
    route.max_stream_duration_ms = spec["max_stream_duration_ms"]
    if spec["cluster_header"]:
        compile_header_name(&rules.cluster_header, spec["cluster_header"], store)
    _compile_clusters(route, spec, clusters, store)
    _compile_mirrors(route, spec["mirrors"], clusters, store)
    rules.prefix_rewrite = store.text(spec["prefix_rewrite"])
    _compile_regex_rewrite(&rules.regex_rewrite, spec["regex_rewrite"], store)
    _compile_host_rewrite(route, rules, spec["host_rewrite"], store)
    _compile_hashes(rules, spec["hash_policy"], store)
    _compile_upgrades(rules, spec["upgrades"], store)
    if spec.get("bridge") is not None:
        rules.bridge = compile_bridge(spec["bridge"], store)
    if spec["retry_policy"] is not None:
        route.retry = compile_retry(spec["retry_policy"], store)
    return 0


cdef int _compile_redirect(Route *route, RouteRules *rules, dict spec, Store store) except -1:
    cdef Redirect *redirect = <Redirect *>store.take(sizeof(Redirect))
    route.kind = ROUTE_REDIRECT
    route.status = spec["response_code"]
    redirect.https = bool(spec["https_redirect"])
    redirect.strip_query = bool(spec["strip_query"])
    redirect.scheme = store.text(spec["scheme_redirect"])
    redirect.host = store.text(spec["host_redirect"])
    redirect.port = store.text(f":{spec['port_redirect']}" if spec["port_redirect"] else "")
    redirect.path = store.text(spec["path_redirect"])
    redirect.path_has_query = "?" in spec["path_redirect"]
    rules.prefix_rewrite = store.text(spec["prefix_rewrite"])
    _compile_regex_rewrite(&rules.regex_rewrite, spec["regex_rewrite"], store)
    rules.redirect = redirect
    return 0


# -- routes

cdef int _compile_kind(Route *route, RouteRules *rules, dict spec, dict clusters, Store store) except -1:
    route.kind = ROUTE_NONE
    if spec.get("fault") is not None:
        rules.fault = compile_fault(spec["fault"], store)
    if spec["action"] is not None:
        return _compile_action(route, rules, spec["action"], clusters, store)
    if spec["redirect"] is not None:
        return _compile_redirect(route, rules, spec["redirect"], store)
    if spec["direct_response"] is not None:
        route.kind = ROUTE_DIRECT
        route.status = spec["direct_response"]["status"]
        route.body = store.text(spec["direct_response"]["body"])
    return 0


cdef int _compile_route(Route *route, PathTest *test, dict spec, dict clusters, Store store) except -1:
    cdef RouteRules *rules = <RouteRules *>store.take(sizeof(RouteRules))
    route.hidden = rules
    route.name = store.text(spec["name"])
    route.include_attempt_count = bool(spec["include_request_attempt_count"])
    route.include_attempt_count_response = bool(spec["include_attempt_count_in_response"])
    _compile_match(rules, spec["match"], store)
    _compile_path(test, rules, spec["match"]["path"], store)
    compile_header_ops(&route.request_ops, spec["request_header_ops"], store)
    compile_header_ops(&route.response_ops, spec["response_header_ops"], store)
    return _compile_kind(route, rules, spec, clusters, store)


# -- the index of long runs of exact paths

cdef inline bint _indexable(const PathTest *test) noexcept nogil:
    return test.kind == PATH_EXACT and not test.fold


cdef void _chain(ExactRun *run, const PathTest *tests, uint32_t start, uint32_t i) noexcept nogil:
    # Put route i at the end of its path's chain.
    cdef uint32_t at = <uint32_t>xxh64(tests[i].text, tests[i].n, 0) & run.mask
    cdef uint32_t last
    while run.slots[at]:
        last = run.slots[at] - 1
        if tests[last].n == tests[i].n and memcmp(tests[last].text, tests[i].text, tests[i].n) == 0:
            while run.following[last - start]:
                last = run.following[last - start] - 1
            run.following[last - start] = i + 1
            return
        at = (at + 1) & run.mask
    run.slots[at] = i + 1


cdef int _compile_run(VirtualHost *host, uint32_t start, uint32_t end, Store store) except -1:
    cdef ExactRun *run = <ExactRun *>store.take(sizeof(ExactRun))
    cdef uint32_t size = 16
    cdef uint32_t i
    while size < 2 * (end - start):
        size *= 2
    run.end = end
    run.mask = size - 1
    run.slots = <uint32_t *>store.take(size * sizeof(uint32_t))
    run.following = <uint32_t *>store.take((end - start) * sizeof(uint32_t))
    for i in range(start, end):
        _chain(run, host.tests, start, i)
    host.tests[start].run = run
    memset(&host.quick[start], 0, sizeof(QuickTest))
    return 0


cdef int _compile_runs(VirtualHost *host, Store store) except -1:
    cdef uint32_t start = 0
    cdef uint32_t end
    while start < host.count:
        end = start
        while end < host.count and _indexable(&host.tests[end]):
            end += 1
        if end - start >= SHORTEST_RUN:
            _compile_run(host, start, end, store)
        start = end + 1
    return 0


# -- virtual hosts

cdef int _compile_host(VirtualHost *out, dict spec, dict clusters, Store store) except -1:
    cdef Route *route
    out.name = store.text(spec["name"])
    out.require_tls = _one_of(TLS_REQUIREMENTS, spec["require_tls"], "require_tls")
    out.count = <uint32_t>len(spec["routes"])
    out.quick = <QuickTest *>store.take(out.count * sizeof(QuickTest))
    out.tests = <PathTest *>store.take(out.count * sizeof(PathTest))
    out.routes = <Route *>store.take(out.count * sizeof(Route))
    for i, entry in enumerate(spec["routes"]):
        route = &out.routes[<size_t>i]
        route.virtual_host = out.name
        try:
            _compile_route(route, &out.tests[<size_t>i], entry, clusters, store)
        except ValueError as error:
            raise ValueError(f"route {i} ({entry['name']!r}): {error}") from None
        _fill_quick(&out.quick[<size_t>i], &out.tests[<size_t>i])
    return _compile_runs(out, store)


cdef Tables *compile_table(dict spec, dict clusters, Store store) except NULL:
    cdef Tables *out = <Tables *>store.take(sizeof(Tables))
    hosts = spec["virtual_hosts"]
    out.name = store.text(spec["name"])
    out.host_count = <uint32_t>len(hosts)
    out.hosts = <VirtualHost *>store.take(len(hosts) * sizeof(VirtualHost))
    out.domains.ignore_port = bool(spec["ignore_port_in_host_matching"])
    try:
        compile_domains(&out.domains, [host["domains"] for host in hosts], store)
    except ValueError as error:
        raise ValueError(f"route table {spec['name']!r}: {error}") from None
    for i, host in enumerate(hosts):
        try:
            _compile_host(&out.hosts[<size_t>i], host, clusters, store)
        except ValueError as error:
            raise ValueError(f"route table {spec['name']!r}, virtual host {host['name']!r}, {error}") from None
    return out
