"""Matchers of text, headers and query parameters (interface: match.pxd; semantics: Envoy 1.40)."""

from libc.stdint cimport int64_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memchr, memcmp, memcpy, memset

from mosn._fastpath.head cimport H_HOST, H_UNKNOWN, Head, Header, head_get, header_id
from mosn._fastpath.memory cimport Slice
from mosn._fastpath.proxy.regex cimport RegexObject, regex_full_match
from mosn._fastpath.proxy.route_store cimport Store
from mosn._fastpath.proxy.types cimport Regex

cdef extern from "<string.h>" nogil:
    void *memmem(const void *haystack, size_t n, const void *needle, size_t needle_n)

cdef enum:
    JOIN_ROOM = 1024            # joined values up to this size stay on the stack

# "000" .. "999": the values of :status.
cdef char STATUS_TEXT[1000][3]


cdef void _fill_status_text() noexcept nogil:
    cdef int i
    for i in range(1000):
        STATUS_TEXT[i][0] = <char>(48 + i // 100)
        STATUS_TEXT[i][1] = <char>(48 + i // 10 % 10)
        STATUS_TEXT[i][2] = <char>(48 + i % 10)


_fill_status_text()


# -- text

cdef inline unsigned char _lower(unsigned char c) noexcept nogil:
    return c | 32 if 65 <= c <= 90 else c


cdef bint _same(const char *a, const char *folded, uint32_t n, bint fold) noexcept nogil:
    cdef uint32_t i
    if not fold:
        return memcmp(a, folded, n) == 0
    for i in range(n):
        if _lower(<unsigned char>a[i]) != <unsigned char>folded[i]:
            return False
    return True


cdef bint _contains(Slice value, Slice part, bint fold) noexcept nogil:
    cdef uint32_t i
    if not fold:
        return memmem(value.p, value.n, part.p, part.n) != NULL
    for i in range(value.n - part.n + 1):
        if _same(value.p + i, part.p, part.n, True):
            return True
    return False


cdef bint text_matches(const TextMatch *rule, Slice value) noexcept nogil:
    cdef uint32_t n = rule.value.n
    if rule.kind == TEXT_REGEX:
        return regex_full_match(rule.regex, value)
    if value.n < n or (rule.kind == TEXT_EXACT and value.n != n):
        return False
    if n == 0:
        return True
    if rule.kind == TEXT_SUFFIX:
        return _same(value.p + value.n - n, rule.value.p, n, rule.fold)
    if rule.kind == TEXT_CONTAINS:
        return _contains(value, rule.value, rule.fold)
    return _same(value.p, rule.value.p, n, rule.fold)


# -- headers

cdef Slice _pseudo_value(const Head *head, uint16_t pseudo) noexcept nogil:
    cdef Slice value
    memset(&value, 0, sizeof(Slice))
    if pseudo == PSEUDO_METHOD:
        return head.method
    if pseudo == PSEUDO_PATH:
        return head.path
    if pseudo == PSEUDO_AUTHORITY:
        return head.authority
    if pseudo == PSEUDO_SCHEME:
        return head.scheme
    if pseudo == PSEUDO_STATUS and 0 < head.status < 1000:
        value.p = STATUS_TEXT[head.status]
        value.n = 3
    return value


cdef inline bint _is_named(const Header *header, const HeaderName *name) noexcept nogil:
    if header.id != name.id or header.removed:
        return False
    return name.id != H_UNKNOWN or (
        header.name_len == name.text.n and memcmp(header.name, name.text.p, name.text.n) == 0)


cdef Header *_first(const Head *head, const HeaderName *name) noexcept nogil:
    cdef uint32_t i
    if name.id != H_UNKNOWN:
        return head_get(head, name.id)
    for i in range(head.count):
        if _is_named(&head.items[i], name):
            return &head.items[i]
    return NULL


cdef bint header_value(const Head *head, const HeaderName *name, Slice *value) noexcept nogil:
    cdef Header *header
    if head == NULL:
        return False
    if name.pseudo:
        value[0] = _pseudo_value(head, name.pseudo)
        return value.n != 0
    header = _first(head, name)
    if header == NULL:
        return False
    value.p = header.value
    value.n = header.value_len
    return True


cdef uint64_t _joined_size(const Head *head, const HeaderName *name, const Header *first) noexcept nogil:
    # Bytes of all values with commas between them.
    cdef uint64_t total = first.value_len
    cdef const Header *header = first + 1
    cdef const Header *end = head.items + head.count
    while header < end:
        if _is_named(header, name):
            total += 1 + header.value_len
        header += 1
    return total


cdef void _join(const Head *head, const HeaderName *name, const Header *first, char *out) noexcept nogil:
    cdef const Header *header = first + 1
    cdef const Header *end = head.items + head.count
    memcpy(out, first.value, first.value_len)
    out += first.value_len
    while header < end:
        if _is_named(header, name):
            out[0] = 44  # ,
            memcpy(out + 1, header.value, header.value_len)
            out += 1 + header.value_len
        header += 1


cdef bint _to_int64(Slice value, int64_t *number) noexcept nogil:
    # As absl::SimpleAtoi: surrounding white space and a sign are allowed, overflow is not.
    cdef uint64_t total = 0
    cdef uint32_t i = 0
    cdef uint32_t n = value.n
    cdef bint negative = False
    while i < n and value.p[i] in (32, 9, 10, 11, 12, 13):
        i += 1
    while n > i and value.p[n - 1] in (32, 9, 10, 11, 12, 13):
        n -= 1
    if i < n and value.p[i] in (43, 45):
        negative = value.p[i] == 45
        i += 1
    if i == n or n - i > 19:
        return False
    while i < n:
        if not 48 <= value.p[i] <= 57:
            return False
        total = total * 10 + <uint64_t>(value.p[i] - 48)
        i += 1
    if total > <uint64_t>0x7FFFFFFFFFFFFFFF:
        return False
    number[0] = -<int64_t>total if negative else <int64_t>total
    return True


cdef bint _value_matches(const HeaderMatch *rule, Slice value) noexcept nogil:
    cdef int64_t number
    if rule.kind == HEADER_RANGE:
        return _to_int64(value, &number) and rule.start <= number < rule.end
    return text_matches(&rule.text, value)


cdef bint _joined_matches(const HeaderMatch *rule, const Head *head, const Header *first,
                          uint64_t size) noexcept nogil:
    # Neither the arena nor a lasting buffer: a client must not be able to grow memory by repeating a header.
    cdef char room[JOIN_ROOM]
    cdef Slice value
    cdef bint result
    cdef char *joined = &room[0]
    if size > JOIN_ROOM:
        joined = <char *>malloc(size)
        if joined == NULL:
            return False
    _join(head, &rule.name, first, joined)
    value.p = joined
    value.n = <uint32_t>size
    result = _value_matches(rule, value)
    if size > JOIN_ROOM:
        free(joined)
    return result


cdef bint _present_matches(const HeaderMatch *rule, bint exists) noexcept nogil:
    return ((exists or rule.missing_is_empty != 0) == (rule.present != 0)) != (rule.invert != 0)


cdef bint _pseudo_matches(const HeaderMatch *rule, const Head *head) noexcept nogil:
    cdef Slice value = _pseudo_value(head, rule.name.pseudo)
    if rule.kind == HEADER_PRESENT:
        return _present_matches(rule, value.n != 0)
    if value.n == 0 and not rule.missing_is_empty:
        return False
    return _value_matches(rule, value) != (rule.invert != 0)


cdef bint header_matches(const HeaderMatch *rule, const Head *head) noexcept nogil:
    cdef Header *first
    cdef Slice value
    cdef uint64_t size
    if rule.name.pseudo:
        return _pseudo_matches(rule, head)
    first = _first(head, &rule.name)
    if rule.kind == HEADER_PRESENT:
        return _present_matches(rule, first != NULL)
    if first == NULL:
        value.p = NULL
        value.n = 0
        return rule.missing_is_empty != 0 and _value_matches(rule, value) != (rule.invert != 0)
    size = _joined_size(head, &rule.name, first)
    if size != first.value_len:
        return _joined_matches(rule, head, first, size) != (rule.invert != 0)
    value.p = first.value
    value.n = first.value_len
    return _value_matches(rule, value) != (rule.invert != 0)


# -- paths and queries

cdef Slice path_only(Slice path) noexcept nogil:
    cdef const char *mark
    if path.n:
        mark = <const char *>memchr(path.p, 63, path.n)  # ?
        if mark != NULL:
            path.n = <uint32_t>(mark - path.p)
        mark = <const char *>memchr(path.p, 35, path.n)  # #
        if mark != NULL:
            path.n = <uint32_t>(mark - path.p)
    return path


cdef bint _query_item(Slice item, Slice name, Slice *value) noexcept nogil:
    # One "name=value" or "name".
    if item.n < name.n or (name.n and memcmp(item.p, name.p, name.n) != 0):
        return False
    if item.n == name.n:
        value.p = item.p + name.n
        value.n = 0
        return memchr(item.p, 61, item.n) == NULL
    if item.p[name.n] != 61 or (name.n and memchr(item.p, 61, name.n) != NULL):
        return False
    value.p = item.p + name.n + 1
    value.n = item.n - name.n - 1
    return True


cdef bint query_first(Slice path, Slice name, Slice *value) noexcept nogil:
    cdef Slice item
    cdef const char *end = path.p + path.n
    cdef const char *mark = <const char *>memchr(path.p, 63, path.n) if path.n else NULL
    while mark != NULL:
        item.p = mark + 1
        mark = <const char *>memchr(item.p, 38, <size_t>(end - item.p)) if item.p < end else NULL  # &
        if item.p == end:
            return False
        item.n = <uint32_t>((mark if mark != NULL else end) - item.p)
        if _query_item(item, name, value):
            return True
    return False


cdef bint query_matches(const QueryMatch *rule, Slice path) noexcept nogil:
    cdef Slice value
    if not query_first(path, rule.name, &value):
        return rule.absent != 0
    return not rule.absent and (rule.any_value != 0 or text_matches(&rule.text, value))


# -- compiling

cdef dict TEXT_KINDS = {
    "exact": TEXT_EXACT, "prefix": TEXT_PREFIX, "suffix": TEXT_SUFFIX, "contains": TEXT_CONTAINS, "regex": TEXT_REGEX,
}
cdef dict HEADER_KINDS = {"present": HEADER_PRESENT, "string": HEADER_TEXT, "range": HEADER_RANGE}
cdef dict PSEUDO_HEADERS = {
    ":method": PSEUDO_METHOD, ":path": PSEUDO_PATH, ":authority": PSEUDO_AUTHORITY, "host": PSEUDO_AUTHORITY,
    ":scheme": PSEUDO_SCHEME, ":status": PSEUDO_STATUS,
}


cdef Regex *compile_regex(str pattern, Store store) except NULL:
    cdef RegexObject made = store.keep(RegexObject(pattern))
    return &made.regex


cdef int compile_text(TextMatch *out, dict spec, Store store) except -1:
    kind = spec["kind"]
    if kind not in TEXT_KINDS:
        raise ValueError(f"unknown string matcher {kind!r}")
    out.kind = TEXT_KINDS[kind]
    if out.kind == TEXT_REGEX:
        out.regex = compile_regex(spec["value"], store)
        return 0
    out.fold = bool(spec["ignore_case"])
    # Only ASCII is folded, as in Envoy.
    encoded = spec["value"].encode("utf-8", "surrogateescape")
    out.value = store.text(encoded.lower() if out.fold else encoded)
    return 0


cdef int compile_header_name(HeaderName *out, str name, Store store) except -1:
    if not name:
        raise ValueError("a header name is empty")
    out.text = store.text(name.lower())
    out.pseudo = PSEUDO_HEADERS.get(name.lower(), PSEUDO_UNKNOWN if name.startswith(":") else PSEUDO_NONE)
    out.id = header_id(out.text.p, out.text.n)
    if out.id == H_HOST:
        out.pseudo = PSEUDO_AUTHORITY
    return 0


cdef int compile_header(HeaderMatch *out, dict spec, Store store) except -1:
    compile_header_name(&out.name, spec["name"], store)
    if spec["kind"] not in HEADER_KINDS:
        raise ValueError(f"unknown header matcher {spec['kind']!r}")
    out.kind = HEADER_KINDS[spec["kind"]]
    out.present = bool(spec["present"])
    out.invert = bool(spec["invert"])
    out.missing_is_empty = bool(spec["treat_missing_as_empty"])
    out.start = spec["range_start"]
    out.end = spec["range_end"]
    if out.kind == HEADER_TEXT:
        compile_text(&out.text, spec["string"], store)
    return 0


cdef HeaderMatch *compile_headers(list specs, Store store) except NULL:
    cdef HeaderMatch *out = <HeaderMatch *>store.take(len(specs) * sizeof(HeaderMatch))
    for i, spec in enumerate(specs):
        compile_header(&out[<size_t>i], spec, store)
    return out


cdef int compile_query(QueryMatch *out, dict spec, Store store) except -1:
    out.name = store.text(spec["name"])
    out.any_value = spec["string"] is None
    out.absent = not spec["present"]
    if spec["string"] is not None:
        compile_text(&out.text, spec["string"], store)
    return 0
