# What a route is made of besides its Route struct: matching, rewrites, redirects, hash policies, upgrades.
# RouteRules hangs on Route.hidden; Tables hangs on RouteTable.hidden.

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from mosn._fastpath.codec.bridge_call cimport Bridge
from mosn._fastpath.memory cimport Slice
from mosn._fastpath.proxy.match cimport HeaderMatch, HeaderName, QueryMatch
from mosn._fastpath.proxy.route_fault cimport Fault
from mosn._fastpath.proxy.route_hosts cimport DomainTable
from mosn._fastpath.proxy.route_store cimport Store
from mosn._fastpath.proxy.runtime cimport RpcManager
from mosn._fastpath.proxy.types cimport Regex, Route


cdef enum PathKind:
    PATH_PREFIX = 0
    PATH_EXACT
    PATH_SEPARATED              # path_separated_prefix
    PATH_REGEX
    PATH_CONNECT


cdef struct RegexRewrite:
    const Regex *regex          # NULL: none
    Slice substitution


cdef enum HostRewriteKind:
    HOST_KEEP = 0
    HOST_LITERAL
    HOST_HEADER
    HOST_PATH_REGEX


cdef struct Redirect:
    uint8_t https
    uint8_t strip_query
    uint8_t path_has_query
    Slice scheme                # n 0: as the request
    Slice host
    Slice port                  # ":8443"
    Slice path


cdef enum HashKind:
    HASH_HEADER = 0
    HASH_COOKIE
    HASH_SOURCE_IP
    HASH_QUERY


cdef struct HashPolicy:
    uint8_t kind                # HashKind
    uint8_t terminal
    HeaderName header
    Slice name                  # cookie or query parameter
    RegexRewrite rewrite
    int64_t ttl_ms              # -1: cookies are not made
    Slice path


cdef struct UpgradeRule:
    Slice type
    uint8_t state               # UpgradeState


cdef struct RouteBridge:
    Bridge call                 # how a request becomes a frame, and an answer a response
    RpcManager upstream         # of its upstream connections; what is only a listener's is zero


cdef struct RouteRules:
    uint32_t numerator
    uint32_t denominator        # 0: always
    uint8_t grpc
    uint8_t path_kind
    uint32_t header_count
    uint32_t query_count
    HeaderMatch *headers
    QueryMatch *query
    const Regex *path_regex
    Slice path                  # as matched: the prefix or the whole path
    Slice prefix_rewrite        # also of redirects; n 0: none
    RegexRewrite regex_rewrite
    uint8_t host_rewrite        # HostRewriteKind
    Slice host_literal
    HeaderName host_header
    RegexRewrite host_regex
    HeaderName cluster_header   # text.n 0: none
    Redirect *redirect
    HashPolicy *hash_policies
    uint32_t hash_policy_count
    const RouteBridge *bridge   # the upstream speaks an RPC protocol; NULL: HTTP
    uint32_t upgrade_count
    UpgradeRule *upgrades
    Fault *fault                # NULL: none on purpose


cdef struct ExactRun:
    # Consecutive routes on whole paths, indexed: the routes of one path form a chain in their order.
    uint32_t end                # index behind the run
    uint32_t mask
    uint32_t *slots             # 1 + index of the first route of a path; 0 empty
    uint32_t *following         # for each route of the run: 1 + index of the next with its path; 0 none


cdef struct QuickTest:
    # What is looked at for every route; most fail here.
    uint64_t want               # the last 8 bytes of the text (all of it when it is shorter), under mask
    uint64_t mask               # 0: cannot be told so; look at the PathTest
    uint32_t n                  # the path has at least so many bytes
    uint32_t offset             # of `want` in the path


cdef struct PathTest:
    const char *text
    uint32_t n
    uint8_t kind                # PathKind
    uint8_t fold                # text is lower case
    uint8_t more                # fraction, gRPC, headers or query
    const RouteRules *rules
    const ExactRun *run         # NULL unless a run starts here


cdef enum TlsRequirement:
    TLS_NONE = 0
    TLS_EXTERNAL_ONLY
    TLS_ALL


cdef struct VirtualHost:
    Slice name
    uint8_t require_tls         # TlsRequirement
    uint32_t count
    QuickTest *quick            # one for each route; that of a run's first route lets every path through
    PathTest *tests
    Route *routes


cdef struct Tables:
    Slice name
    DomainTable domains
    VirtualHost *hosts
    uint32_t host_count


cdef inline const RouteRules *rules_of(const Route *route) noexcept nogil:
    return <const RouteRules *>route.hidden


# clusters: dict of ClusterObject.  ValueError names the place.
cdef Tables *compile_table(dict spec, dict clusters, Store store) except NULL
