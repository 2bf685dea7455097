# The one request model: a head of names and values, whatever protocol it came from (docs: ARCHITECTURE.md).
#
# A Head and everything it points at lives in a stream's Arena.  Header names are lower case.  Codecs fill it and
# write it out; filters and the router read and change it in between.

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from mosn._fastpath.memory cimport Arena, Slice


cdef enum HeaderId:
    H_UNKNOWN = 0
    # framing and hop-by-hop
    H_HOST, H_CONTENT_LENGTH, H_TRANSFER_ENCODING, H_CONNECTION, H_KEEP_ALIVE, H_PROXY_CONNECTION, H_TE
    H_TRAILER, H_UPGRADE, H_EXPECT, H_HTTP2_SETTINGS
    # end to end, asked for often
    H_DATE, H_SERVER, H_VIA, H_CONTENT_TYPE, H_LOCATION, H_COOKIE, H_SET_COOKIE, H_USER_AGENT, H_RETRY_AFTER
    H_ACCEPT, H_ORIGIN, H_REFERER, H_AUTHORIZATION, H_CACHE_CONTROL
    H_X_FORWARDED_FOR, H_X_FORWARDED_PROTO, H_X_FORWARDED_HOST, H_X_FORWARDED_PORT, H_X_REQUEST_ID
    H_FORWARDED_CLIENT_CERT, H_TRACEPARENT
    H_GRPC_STATUS, H_GRPC_MESSAGE, H_GRPC_TIMEOUT
    # Envoy's own
    H_ENVOY_UPSTREAM_RQ_TIMEOUT_MS, H_ENVOY_UPSTREAM_RQ_PER_TRY_TIMEOUT_MS, H_ENVOY_EXPECTED_RQ_TIMEOUT_MS
    H_ENVOY_MAX_RETRIES, H_ENVOY_RETRY_ON, H_ENVOY_RETRY_GRPC_ON, H_ENVOY_RETRIABLE_STATUS_CODES
    H_ENVOY_RETRIABLE_HEADER_NAMES, H_ENVOY_HEDGE_ON_PER_TRY_TIMEOUT, H_ENVOY_IS_TIMEOUT_RETRY
    H_ENVOY_ATTEMPT_COUNT, H_ENVOY_INTERNAL, H_ENVOY_EXTERNAL_ADDRESS, H_ENVOY_ORIGINAL_PATH
    H_ENVOY_ORIGINAL_HOST, H_ENVOY_UPSTREAM_SERVICE_TIME, H_ENVOY_OVERLOADED, H_ENVOY_RATELIMITED
    H_ENVOY_IMMEDIATE_HEALTH_CHECK_FAIL, H_ENVOY_DEGRADED, H_ENVOY_DOWNSTREAM_SERVICE_CLUSTER
    H_ENVOY_DOWNSTREAM_SERVICE_NODE, H_ENVOY_IP_TAGS, H_ENVOY_UPSTREAM_ALT_STAT_NAME
    H_ENVOY_UPSTREAM_RQ_TIMEOUT_ALT_RESPONSE, H_ENVOY_DECORATOR_OPERATION, H_ENVOY_ORIGINAL_DST_HOST
    H_COUNT


cdef enum Method:
    M_OTHER = 0
    M_GET, M_HEAD, M_POST, M_PUT, M_DELETE, M_OPTIONS, M_PATCH, M_CONNECT, M_TRACE


cdef enum HeadFlag:
    # Facts that a codec found while parsing.
    HF_CHUNKED = 1              # Transfer-Encoding: chunked
    HF_CLOSE = 2                # Connection: close (or HTTP/1.0 without keep-alive)
    HF_UPGRADE = 4              # Connection: upgrade with an Upgrade header; see Head.upgrade
    HF_EXPECT_CONTINUE = 8
    HF_KEEP_ALIVE = 16          # Connection: keep-alive said explicitly
    HF_ABSOLUTE_FORM = 32       # request target was absolute-form
    HF_HTTP10 = 64
    HF_NO_BODY = 128            # the message ends with its head


cdef struct Header:
    const char *name            # lower case
    const char *value           # without surrounding white space
    uint32_t name_len
    uint32_t value_len
    uint16_t id                 # HeaderId
    uint16_t removed            # 1: skipped by every reader and writer
    uint32_t hash               # free for the owner of the head


cdef struct Head:
    Arena *arena
    Slice method                # requests
    Slice scheme
    Slice authority
    Slice path                  # with query
    Slice upgrade               # value of Upgrade when HF_UPGRADE
    Header *items
    uint32_t count
    uint32_t capacity
    int64_t content_length      # -1: not said
    uint64_t seen[2]            # bit per HeaderId: a header with that id was added (may since be removed)
    uint16_t status             # responses
    uint16_t flags              # HeadFlag
    uint8_t method_id           # Method


cdef void head_init(Head *head, Arena *arena) noexcept nogil

cdef inline void head_ready(Head *head, Arena *arena) noexcept nogil:
    # head_init for memory that is zero.
    head.arena = arena
    head.content_length = -1

# The id of a lower-case name; H_UNKNOWN for others.
cdef uint16_t header_id(const char *name, size_t n) noexcept nogil
cdef uint8_t method_id(const char *p, size_t n) noexcept nogil

# Adding never copies name or value: they must live as long as the arena (arena_copy first where needed).
# Returns the header, or NULL when out of memory.
cdef Header *head_add(Head *head, uint16_t id, const char *name, size_t name_len,
                      const char *value, size_t value_len) noexcept nogil
# Same, for a known id: the name is filled in from the table of known names.
cdef Header *head_add_known(Head *head, uint16_t id, const char *value, size_t value_len) noexcept nogil
# Replace the first and remove the others, or add.
cdef Header *head_set_known(Head *head, uint16_t id, const char *value, size_t value_len) noexcept nogil
# First live header with this id / lower-case name, or NULL.
cdef Header *head_get(const Head *head, uint16_t id) noexcept nogil
cdef Header *head_find(const Head *head, const char *name, size_t n) noexcept nogil
# How many were removed.
cdef uint32_t head_remove(Head *head, uint16_t id) noexcept nogil
cdef uint32_t head_remove_name(Head *head, const char *name, size_t n) noexcept nogil
cdef Slice header_name(uint16_t id) noexcept nogil

cdef inline bint head_has(const Head *head, uint16_t id) noexcept nogil:
    # Quick no; a yes may be about a header that was removed since.
    return (head.seen[id >> 6] >> (id & 63)) & 1
