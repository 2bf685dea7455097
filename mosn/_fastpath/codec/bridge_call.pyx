"""Which method, which arguments (contracts: bridge_call.pxd)."""

from libc.stdint cimport uint16_t, uint32_t
from libc.string cimport memchr, memset, strlen

from mosn._fastpath.codec.hessian2_cursor cimport H2Cursor, h2_cursor
from mosn._fastpath.codec.hessian_out cimport HessianOut, ho_list, ho_list_end, ho_tag
from mosn._fastpath.codec.json_hessian cimport JAVA_ANY, JAVA_LIST, JavaType, json_to_hessian, text_to_hessian
from mosn._fastpath.codec.json_read cimport (
    JSON_ARRAY, JSON_OBJECT, json_check, json_kind, json_member, json_next, json_skip, utf8_length,
)
from mosn._fastpath.codec.json_write cimport snprintf
from mosn._fastpath.head cimport Header
from mosn._fastpath.memory cimport Arena, Slice, arena_alloc, arena_copy, slice_equal, slice_of

cdef JavaType ANY
ANY.kind = JAVA_ANY
ANY.element = JAVA_ANY
ANY.primitive = False

cdef enum:
    LONGEST_REASON = 256


cdef int bridge_refuse(BridgeCall *call, uint16_t status, const char *why) noexcept nogil:
    call.status = status
    call.why = slice_of(why, strlen(why))
    return -1


cdef int _bad_argument(BridgeCall *call, uint32_t number, const char *why) noexcept nogil:
    # "argument 2 (count) has ..."
    cdef char text[LONGEST_REASON]
    cdef Slice name = slice_of("", 0)
    cdef int n
    if number < call.bridge.parameter_count:
        name = call.bridge.parameters[number].name
    n = snprintf(text, sizeof(text), "argument %u%s%.*s%s %s", number + 1, " (" if name.n else "",
                 <int>min(name.n, <uint32_t>64), name.p, ")" if name.n else "", why)
    call.status = 400
    call.why = slice_of(arena_copy(call.arena, text, <size_t>n), <size_t>n)
    return -1


cdef Slice bridge_header(const BridgeCall *call, Slice name) noexcept nogil:
    cdef const Header *item
    cdef uint32_t i
    for i in range(call.head.count):
        item = &call.head.items[i]
        if not item.removed and slice_equal(slice_of(item.name, item.name_len), name):
            return slice_of(item.value, item.value_len)
    return slice_of(NULL, 0)


# -- service and method

cdef bint _is_name(Slice text) noexcept nogil:
    cdef uint32_t i
    for i in range(text.n):
        if not (c"a" <= (text.p[i] | 0x20) <= c"z" or c"0" <= text.p[i] <= c"9"
                or memchr(b"._$:-", text.p[i], 5) != NULL):
            return False
    return text.n > 0


cdef Slice _last_segment(Slice *path) noexcept nogil:
    # Cut off what is behind the last "/".
    cdef uint32_t start = path.n
    cdef Slice found
    while start > 0 and path.p[start - 1] != c"/":
        start -= 1
    found = slice_of(path.p + start, path.n - start)
    path.n = start - 1 if start else 0
    return found


cdef int bridge_target(BridgeCall *call) noexcept nogil:
    cdef Slice path = call.head.path
    cdef const char *query = <const char *>memchr(path.p, c"?", path.n) if path.n else NULL
    if query != NULL:
        path.n = <uint32_t>(query - path.p)
    call.method = call.bridge.method if call.bridge.method.n else _last_segment(&path)
    call.service = call.bridge.service if call.bridge.service.n else _last_segment(&path)
    if not _is_name(call.method) or not _is_name(call.service):
        return bridge_refuse(call, 404, "the path does not end in /service/method")
    return 0


# -- arguments of a query string

cdef int _hex(char byte) noexcept nogil:
    if c"0" <= byte <= c"9":
        return byte - c"0"
    return (byte | 0x20) - c"a" + 10 if c"a" <= (byte | 0x20) <= c"f" else -1


cdef bint _unescape(Arena *arena, Slice *text) noexcept nogil:
    # Percent escapes and "+", as forms write them; False: not UTF-8, or half an escape.
    cdef char *to = <char *>arena_alloc(arena, text.n)
    cdef uint32_t n = 0
    cdef uint32_t i = 0
    cdef uint32_t size
    if to == NULL:
        return False
    while i < text.n:
        to[n] = c" " if text.p[i] == c"+" else text.p[i]
        if text.p[i] == c"%":
            if i + 2 >= text.n or _hex(text.p[i + 1]) < 0 or _hex(text.p[i + 2]) < 0:
                return False
            to[n] = <char>(16 * _hex(text.p[i + 1]) + _hex(text.p[i + 2]))
            i += 2
        n += 1
        i += 1
    text[0] = slice_of(to, n)
    i = 0
    while i < n:
        size = utf8_length(to + i, n - i)
        if size == 0:
            return False
        i += size
    return True


cdef bint _pair(Slice *query, Slice *name, Slice *value) noexcept nogil:
    # Cut the next name=value off; False at the end.
    cdef const char *end
    cdef const char *equals
    if query.n == 0:
        return False
    end = <const char *>memchr(query.p, c"&", query.n)
    name[0] = slice_of(query.p, <size_t>(end - query.p) if end != NULL else query.n)
    query[0] = slice_of(query.p + name.n + 1, query.n - name.n - 1) if end != NULL else slice_of(NULL, 0)
    equals = <const char *>memchr(name.p, c"=", name.n) if name.n else NULL
    value[0] = slice_of("", 0)
    if equals != NULL:
        value[0] = slice_of(equals + 1, name.n - <size_t>(equals - name.p) - 1)
        name.n = <uint32_t>(equals - name.p)
    return True


cdef int _from_query(BridgeCall *call, HessianOut *out, Slice query, uint32_t number) noexcept nogil:
    # One parameter: the pair with its name; of a list every such pair.
    cdef const BridgeParameter *wanted = &call.bridge.parameters[number]
    cdef bint is_list = wanted.type.kind == JAVA_LIST
    cdef JavaType type = wanted.type
    cdef const char *why = NULL
    cdef uint32_t found = 0
    cdef uint32_t mark = ho_list(out, type.wire) if is_list else 0
    cdef Slice name, value
    if is_list:
        type.kind = type.element
    while _pair(&query, &name, &value):
        if not slice_equal(name, wanted.name):
            continue
        found += 1
        if found > 1 and not is_list:
            return _bad_argument(call, number, "is given twice")
        if not _unescape(call.arena, &value):
            return _bad_argument(call, number, "is not well escaped")
        if text_to_hessian(value, call.arena, out, &type, &why) < 0:
            return _bad_argument(call, number, why)
    if is_list:
        ho_list_end(out, mark, found)
    elif found == 0:
        return _missing(call, out, number)
    return 0


cdef int _missing(BridgeCall *call, HessianOut *out, uint32_t number) noexcept nogil:
    if call.bridge.parameters[number].type.primitive:
        return _bad_argument(call, number, "is missing")
    ho_tag(out, c"N")
    return 0


cdef int _query_arguments(BridgeCall *call, HessianOut *out) noexcept nogil:
    cdef Slice query = slice_of(NULL, 0)
    cdef Slice path = call.head.path
    cdef const char *mark = <const char *>memchr(path.p, c"?", path.n) if path.n else NULL
    cdef uint32_t i
    if mark != NULL:
        query = slice_of(mark + 1, path.n - <size_t>(mark - path.p) - 1)
    if call.bridge.any_parameters:
        return 0 if query.n == 0 else bridge_refuse(call, 400, "a query needs declared parameters")
    for i in range(call.bridge.parameter_count):
        if _from_query(call, out, query, i) < 0:
            return -1
    return <int>call.bridge.parameter_count


# -- arguments of a body

cdef int _one(BridgeCall *call, H2Cursor *c, HessianOut *out, uint32_t number) noexcept nogil:
    cdef const char *why = NULL
    cdef const JavaType *type = &ANY
    if not call.bridge.any_parameters:
        type = &call.bridge.parameters[number].type
    if json_to_hessian(c, call.arena, out, type, &why) < 0:
        return _bad_argument(call, number, why)
    return 0


cdef int _count_refused(BridgeCall *call) noexcept nogil:
    cdef char text[64]
    cdef int n = snprintf(text, sizeof(text), "the method takes %u arguments", call.bridge.parameter_count)
    call.status = 400
    call.why = slice_of(arena_copy(call.arena, text, <size_t>n), <size_t>n)
    return -1


cdef int _by_place(BridgeCall *call, H2Cursor *c, HessianOut *out) noexcept nogil:
    cdef uint32_t most = BRIDGE_MOST_PARAMETERS if call.bridge.any_parameters else call.bridge.parameter_count
    cdef uint32_t count = 0
    c.at += 1
    while json_next(c, c"]", count == 0) == 1:
        if count == most:
            return _count_refused(call) if not call.bridge.any_parameters else bridge_refuse(
                call, 400, "there are more than 32 arguments")
        if _one(call, c, out, count) < 0:
            return -1
        count += 1
    if not call.bridge.any_parameters and count < call.bridge.parameter_count:
        return _count_refused(call)
    return <int>count


cdef int _find_members(BridgeCall *call, H2Cursor c, const char **places) noexcept nogil:
    # Where the value of each parameter begins; every member must be one's.
    cdef const Bridge *b = call.bridge
    cdef bint first = True
    cdef Slice name
    cdef uint32_t i
    c.at += 1
    while json_next(&c, c"}", first) == 1:
        first = False
        if json_member(&c, call.arena, &name) < 0:
            return -1
        i = 0
        while i < b.parameter_count and not slice_equal(b.parameters[i].name, name):
            i += 1
        if i == b.parameter_count:
            return bridge_refuse(call, 400, "the body has a member that is no parameter")
        if places[i] != NULL:
            return _bad_argument(call, i, "is given twice")
        places[i] = c.at
        if json_skip(&c) < 0:
            return -1
    return 0


cdef int _by_name(BridgeCall *call, H2Cursor *c, HessianOut *out) noexcept nogil:
    cdef const char *places[BRIDGE_MOST_PARAMETERS]
    cdef H2Cursor at = c[0]
    cdef uint32_t i
    memset(places, 0, sizeof(places))
    if _find_members(call, c[0], places) < 0:
        return -1
    for i in range(call.bridge.parameter_count):
        at.at = places[i]
        if (_missing(call, out, i) if places[i] == NULL else _one(call, &at, out, i)) < 0:
            return -1
    return <int>call.bridge.parameter_count


cdef int bridge_arguments(BridgeCall *call, HessianOut *out) noexcept nogil:
    cdef const Bridge *b = call.bridge
    cdef H2Cursor c = h2_cursor(call.body.p, call.body.n)
    cdef int kind
    if call.body.n == 0:
        return _query_arguments(call, out)
    if json_check(call.body.p, call.body.n) < 0:
        return bridge_refuse(call, 400, "the body is not JSON, or nested too deeply")
    kind = json_kind(&c)
    if kind == JSON_ARRAY:
        return _by_place(call, &c, out)
    if kind == JSON_OBJECT and not b.any_parameters and b.parameter_count and b.parameters[0].name.n:
        return _by_name(call, &c, out)
    if not b.any_parameters and b.parameter_count != 1:
        return _count_refused(call)
    return 1 if _one(call, &c, out, 0) == 0 else -1
