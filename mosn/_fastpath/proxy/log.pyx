"""Access logs (interface: log.pxd)."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memset

from mosn._fastpath.head cimport Head
from mosn._fastpath.memory cimport BlockPool, Buf, buf_release
from mosn._fastpath.proxy.format cimport FormatObject, format_append
from mosn._fastpath.proxy.format_values cimport duration_us
from mosn._fastpath.proxy.info import RESPONSE_FLAGS
from mosn._fastpath.proxy.match cimport HeaderMatch, compile_header, header_matches
from mosn._fastpath.proxy.route_store cimport Store
from mosn._fastpath.proxy.types cimport Format, RequestInfo
from mosn._fastpath.shm.ring cimport Ring, ring_put

cdef enum:
    LOG_RECORD = 1              # kind of the ring's record

cdef enum FilterKind:
    FILTER_STATUS = 0
    FILTER_DURATION
    FILTER_HEADER
    FILTER_FLAGS
    FILTER_NOT_HEALTH_CHECK
    FILTER_FRACTION
    FILTER_AND
    FILTER_OR

cdef enum Comparison:
    EQUAL = 0
    AT_LEAST
    AT_MOST
    UNEQUAL

cdef struct LogFilter:
    uint8_t kind                # FilterKind
    uint8_t comparison
    uint64_t value              # to compare with, or the flags
    HeaderMatch *header
    uint32_t numerator
    uint32_t denominator
    LogFilter *children
    uint32_t child_count

cdef struct AccessLog:
    const Format *format
    LogFilter *filter           # NULL: every request
    const char *missing         # what stands for an absent value
    uint16_t sink


# -- filters

cdef bint _compares(const LogFilter *rule, uint64_t value) noexcept nogil:
    if rule.comparison == AT_LEAST:
        return value >= rule.value
    if rule.comparison == AT_MOST:
        return value <= rule.value
    return (value == rule.value) == (rule.comparison == EQUAL)


cdef bint _header_passes(const LogFilter *rule, const RequestInfo *info) noexcept nogil:
    # A TCP connection is a request without headers.
    cdef Head empty
    if info.request != NULL:
        return header_matches(rule.header, info.request)
    memset(&empty, 0, sizeof(Head))
    return header_matches(rule.header, &empty)


cdef bint _fraction_passes(const LogFilter *rule, const RequestInfo *info) noexcept nogil:
    # Mixed, so that the sample does not follow the route's own fractions and weights.
    cdef uint64_t mixed = (info.random ^ (info.random >> 31)) * <uint64_t>0x9E3779B97F4A7C15
    return (mixed >> 32) % rule.denominator < rule.numerator


cdef bint _all_pass(const LogFilter *rule, const RequestInfo *info) noexcept nogil:
    cdef uint32_t i
    for i in range(rule.child_count):
        if not _passes(&rule.children[i], info):
            return False
    return True


cdef bint _one_passes(const LogFilter *rule, const RequestInfo *info) noexcept nogil:
    cdef uint32_t i
    for i in range(rule.child_count):
        if _passes(&rule.children[i], info):
            return True
    return False


cdef bint _passes(const LogFilter *rule, const RequestInfo *info) noexcept nogil:
    if rule.kind == FILTER_STATUS:
        return _compares(rule, info.response_code)
    if rule.kind == FILTER_DURATION:
        return _compares(rule, duration_us(info) // 1000)
    if rule.kind == FILTER_HEADER:
        return _header_passes(rule, info)
    if rule.kind == FILTER_FLAGS:
        return info.response_flags & rule.value != 0
    if rule.kind == FILTER_FRACTION:
        return _fraction_passes(rule, info)
    if rule.kind == FILTER_AND:
        return _all_pass(rule, info)
    if rule.kind == FILTER_OR:
        return _one_passes(rule, info)
    return True  # not_health_check: there is no health check filter that would mark one


# -- writing

cdef void access_logs_write(const AccessLogs *logs, const RequestInfo *info, BlockPool *pool,
                            Ring *ring) noexcept nogil:
    cdef const AccessLog *log = <const AccessLog *>logs.hidden
    cdef unsigned int i
    cdef Buf line
    memset(&line, 0, sizeof(Buf))
    for i in range(logs.count):
        if log[i].filter != NULL and not _passes(log[i].filter, info):
            continue
        line.start = line.end = 0
        if format_append(log[i].format, info, log[i].missing, pool, &line) >= 0 and line.end > line.start:
            ring_put(ring, LOG_RECORD, log[i].sink, line.data + line.start, line.end - line.start)
    buf_release(pool, &line)


# -- compiling

cdef dict FILTERS = {
    "status": FILTER_STATUS, "duration": FILTER_DURATION, "header": FILTER_HEADER, "flags": FILTER_FLAGS,
    "not_health_check": FILTER_NOT_HEALTH_CHECK, "fraction": FILTER_FRACTION, "and": FILTER_AND, "or": FILTER_OR,
}
cdef dict COMPARISONS = {"eq": EQUAL, "ge": AT_LEAST, "le": AT_MOST, "ne": UNEQUAL}


cdef object _flags(list names):
    # An empty list means any flag.
    bits = {short: 1 << i for i, (short, _) in enumerate(RESPONSE_FLAGS)}
    unknown = [name for name in names if name not in bits]
    if unknown:
        raise ValueError(f"unknown response flag {unknown[0]!r}")
    return sum({bits[name] for name in names}) if names else sum(bits.values())


cdef int _compile_children(LogFilter *out, list specs, Store store, int depth) except -1:
    if depth > 32:
        raise ValueError("access log filters are nested more than 32 deep")
    if not specs:
        raise ValueError("an access log filter 'and' or 'or' has nothing in it")
    out.children = <LogFilter *>store.take(len(specs) * sizeof(LogFilter))
    out.child_count = <uint32_t>len(specs)
    for i, spec in enumerate(specs):
        _compile_filter(&out.children[<size_t>i], spec, store, depth + 1)
    return 0


cdef int _compile_filter(LogFilter *out, dict spec, Store store, int depth) except -1:
    if spec["kind"] not in FILTERS:
        raise ValueError(f"unknown access log filter {spec['kind']!r}")
    out.kind = FILTERS[spec["kind"]]
    if out.kind in (FILTER_STATUS, FILTER_DURATION):
        out.comparison = COMPARISONS[spec["op"]]
        out.value = spec["value"]
    elif out.kind == FILTER_HEADER:
        out.header = <HeaderMatch *>store.take(sizeof(HeaderMatch))
        compile_header(out.header, spec["header"], store)
    elif out.kind == FILTER_FLAGS:
        out.value = _flags(spec["flags"])
    elif out.kind == FILTER_FRACTION:
        out.numerator = spec["fraction"]["numerator"]
        out.denominator = spec["fraction"]["denominator"]
    elif out.kind in (FILTER_AND, FILTER_OR):
        return _compile_children(out, spec["children"], store, depth)
    return 0


cdef int _compile_log(AccessLog *out, dict spec, Store store) except -1:
    cdef FormatObject made
    if spec["json"] is not None:
        made = FormatObject.json(spec["json"], spec["omit_empty_values"])
    else:
        made = FormatObject(spec["format"])
    store.keep(made)
    out.format = &made.program
    out.missing = "" if spec["omit_empty_values"] else "-"
    out.sink = spec["sink"]
    if spec["filter"] is not None:
        out.filter = <LogFilter *>store.take(sizeof(LogFilter))
        _compile_filter(out.filter, spec["filter"], store, 0)
    return 0


cdef class AccessLogsObject:
    def __init__(self, list specs not None):
        cdef Store store = Store()
        cdef AccessLog *compiled = <AccessLog *>store.take(len(specs) * sizeof(AccessLog))
        for i, spec in enumerate(specs):
            _compile_log(&compiled[<size_t>i], spec, store)
        self._keep = store
        self.logs.hidden = compiled
        self.logs.count = <unsigned int>len(specs)
