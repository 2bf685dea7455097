# Matchers of text, headers and query parameters (Envoy StringMatcher, HeaderMatcher, QueryParameterMatcher), and
# reading one value of a head by a name that may be a pseudo header.

from libc.stdint cimport int64_t, uint8_t, uint16_t

from mosn._fastpath.head cimport Head
from mosn._fastpath.memory cimport Slice
from mosn._fastpath.proxy.route_store cimport Store
from mosn._fastpath.proxy.types cimport Regex


cdef enum TextKind:
    TEXT_EXACT = 0
    TEXT_PREFIX
    TEXT_SUFFIX
    TEXT_CONTAINS
    TEXT_REGEX                  # of the whole value


cdef struct TextMatch:
    uint8_t kind                # TextKind
    uint8_t fold                # ASCII case does not count; value is lower case
    Slice value
    const Regex *regex


cdef enum PseudoHeader:
    PSEUDO_NONE = 0
    PSEUDO_METHOD, PSEUDO_PATH, PSEUDO_AUTHORITY, PSEUDO_SCHEME, PSEUDO_STATUS
    PSEUDO_UNKNOWN              # ":protocol" ...: never there


cdef struct HeaderName:
    Slice text                  # lower case
    uint16_t id                 # HeaderId
    uint8_t pseudo              # PseudoHeader; "host" is :authority


cdef enum HeaderMatchKind:
    HEADER_PRESENT = 0
    HEADER_TEXT
    HEADER_RANGE


cdef struct HeaderMatch:
    HeaderName name
    uint8_t kind                # HeaderMatchKind
    uint8_t present
    uint8_t invert
    uint8_t missing_is_empty
    TextMatch text
    int64_t start
    int64_t end


cdef struct QueryMatch:
    Slice name
    uint8_t any_value           # present is enough
    uint8_t absent              # it must not be there
    TextMatch text


cdef bint text_matches(const TextMatch *rule, Slice value) noexcept nogil
# Several headers of one name are one value, joined by ",".
cdef bint header_matches(const HeaderMatch *rule, const Head *head) noexcept nogil
# `path` with its query.  The first parameter of that name decides; nothing is decoded.
cdef bint query_matches(const QueryMatch *rule, Slice path) noexcept nogil
# The first parameter `name` of the query of `path`: 1 and its value, or 0.
cdef bint query_first(Slice path, Slice name, Slice *value) noexcept nogil

# The first live header of that name: 1 and its value, or 0.  head may be NULL.
cdef bint header_value(const Head *head, const HeaderName *name, Slice *value) noexcept nogil
# Path without query and fragment.
cdef Slice path_only(Slice path) noexcept nogil

# Compiling.  Names are given in lower case.
cdef int compile_header_name(HeaderName *out, str name, Store store) except -1
cdef int compile_text(TextMatch *out, dict spec, Store store) except -1
cdef int compile_header(HeaderMatch *out, dict spec, Store store) except -1
cdef HeaderMatch *compile_headers(list specs, Store store) except NULL
cdef int compile_query(QueryMatch *out, dict spec, Store store) except -1
cdef Regex *compile_regex(str pattern, Store store) except NULL
