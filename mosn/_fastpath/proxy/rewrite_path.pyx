"""Path normalisation (interface: rewrite_path.pxd).

Envoy uses Chromium's URL canonicalisation for this, and these are its rules: "." and ".." segments, also written %2e,
are resolved; a backslash is a slash; unreserved characters that were escaped are unescaped; characters that may not
stand in a path are escaped; %00 and bytes that are not UTF-8 are refused.  The query is left alone.
"""

from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memchr, memcpy

from mosn._fastpath.memory cimport Arena, Slice, arena_alloc, slice_equal, slice_of

cdef enum EscapedSlashes:
    KEEP = 0
    REJECT
    UNESCAPE_REDIRECT
    UNESCAPE_FORWARD

cdef enum Verdict:
    GO_ON = 0
    ANSWER_400
    REDIRECT

cdef enum CharacterClass:
    PASS = 0
    ESCAPE                      # must be written %XX
    UNESCAPE                    # must not be written %XX
    LOOK                        # "." "%" "\" and NUL: the code looks at them

cdef uint8_t CLASS_OF[256]


cdef int _fill_classes() except -1:
    for c in range(256):
        character = chr(c)
        kind = ESCAPE
        if character in "!$&'()*+,/:;=@[]":
            kind = PASS
        elif c < 128 and (character.isalnum() or character in "-_~"):
            kind = UNESCAPE
        elif character in ".%\\\0":
            kind = LOOK
        CLASS_OF[<int>c] = kind
    return 0


_fill_classes()

cdef struct Output:
    char *p                     # room for three bytes for each of the input, and one
    uint32_t n
    bint stray                  # holds a percent sign that starts no escape


# -- small parts

cdef inline int _hex(char c) noexcept nogil:
    if 48 <= c <= 57:
        return c - 48
    c |= 32
    return c - 87 if 97 <= c <= 102 else -1


cdef inline int _escaped_byte(Slice path, uint32_t i) noexcept nogil:
    # The byte that the %XX at i stands for, or -1.
    cdef int high
    cdef int low
    if i + 2 >= path.n or path.p[i] != 37:
        return -1
    high = _hex(path.p[i + 1])
    low = _hex(path.p[i + 2])
    return -1 if high < 0 or low < 0 else high * 16 + low


cdef inline uint32_t _dot_length(Slice path, uint32_t i) noexcept nogil:
    # 1 for ".", 3 for "%2e", else 0.
    if i < path.n and path.p[i] == 46:
        return 1
    return 3 if _escaped_byte(path, i) == 46 else 0


cdef inline bint _is_slash(Slice path, uint32_t i) noexcept nogil:
    return path.p[i] in (47, 92)


cdef inline void _put(Output *out, char c) noexcept nogil:
    out.p[out.n] = c
    out.n += 1


cdef inline void _put_escaped(Output *out, uint8_t c) noexcept nogil:
    cdef const char *digits = "0123456789ABCDEF"
    _put(out, 37)
    _put(out, digits[c >> 4])
    _put(out, digits[c & 15])


cdef uint32_t _utf8_length(Slice path, uint32_t i) noexcept nogil:
    # Bytes of the well-formed sequence at i (RFC 3629), 0 when there is none.
    cdef const uint8_t *p = <const uint8_t *>path.p + i
    cdef uint8_t low = 0x80
    cdef uint8_t high = 0xBF
    cdef uint32_t n
    cdef uint32_t k
    if p[0] < 0xC2 or p[0] > 0xF4:
        return 0
    n = 2 if p[0] < 0xE0 else (3 if p[0] < 0xF0 else 4)
    if p[0] == 0xE0:
        low = 0xA0
    elif p[0] == 0xED:
        high = 0x9F
    elif p[0] == 0xF0:
        low = 0x90
    elif p[0] == 0xF4:
        high = 0x8F
    if path.n - i < n or not low <= p[1] <= high:
        return 0
    for k in range(2, n):
        if not 0x80 <= p[k] <= 0xBF:
            return 0
    return n


# -- canonicalisation

cdef void _back_up(Output *out) noexcept nogil:
    # Drop the last segment; out ends in a slash before and after.
    if out.n <= 1:
        return
    out.n -= 1
    while out.p[out.n - 1] != 47:
        out.n -= 1


cdef uint32_t _dots(Slice path, uint32_t i, uint32_t dot, Output *out) noexcept nogil:
    # A dot at i, `dot` bytes long.  Returns how many bytes were dealt with.
    cdef uint32_t after = i + dot
    cdef uint32_t second
    if out.p[out.n - 1] == 47:
        if after == path.n or _is_slash(path, after):
            return dot + (1 if after < path.n else 0)
        second = _dot_length(path, after)
        if second and (after + second == path.n or _is_slash(path, after + second)):
            _back_up(out)
            return dot + second + (1 if after + second < path.n else 0)
    _put(out, 46)
    return dot


cdef uint32_t _percent(Slice path, uint32_t i, Output *out) noexcept nogil:
    # A percent sign at i that is no dot.  Returns how many bytes were dealt with, 0 when the path is refused.
    cdef int byte = _escaped_byte(path, i)
    if byte < 0:
        _put(out, 37)
        out.stray = True
        return 1
    if byte == 0:
        return 0
    if CLASS_OF[byte] == UNESCAPE:
        _put(out, <char>byte)
    else:
        memcpy(out.p + out.n, path.p + i, 3)
        out.n += 3
    return 3


cdef uint32_t _beyond_ascii(Slice path, uint32_t i, Output *out) noexcept nogil:
    cdef uint32_t n = _utf8_length(path, i)
    cdef uint32_t k
    for k in range(n):
        _put_escaped(out, <uint8_t>path.p[i + k])
    return n


cdef uint32_t _one(Slice path, uint32_t i, Output *out) noexcept nogil:
    # What starts at i.  Returns how many bytes were dealt with, 0 when the path is refused.
    cdef uint8_t c = <uint8_t>path.p[i]
    cdef uint32_t dot
    if CLASS_OF[c] in (PASS, UNESCAPE):
        _put(out, <char>c)
        return 1
    dot = _dot_length(path, i)
    if dot:
        return _dots(path, i, dot, out)
    if c == 92:
        _put(out, 47)
        return 1
    if c == 37:
        return _percent(path, i, out)
    if c >= 0x80:
        return _beyond_ascii(path, i, out)
    if c == 0:
        return 0
    _put_escaped(out, c)
    return 1


cdef bint _canonical(Slice path, Output *out) noexcept nogil:
    cdef uint32_t i = 0
    cdef uint32_t taken
    if path.n == 0 or not _is_slash(path, 0):
        _put(out, 47)
    while i < path.n:
        taken = _one(path, i, out)
        if taken == 0:
            return False
        i += taken
    return True


cdef bint _is_canonical(Slice path) noexcept nogil:
    # A quick look that says yes for nearly every path: nothing in it would be changed.
    cdef uint32_t i
    cdef uint8_t kind
    if path.n == 0 or path.p[0] != 47:
        return False
    for i in range(path.n):
        kind = CLASS_OF[<uint8_t>path.p[i]]
        if kind == ESCAPE:
            return False
        if kind == LOOK and (path.p[i] != 46 or path.p[i - 1] in (47, 46)):
            return False
    return True


# -- slashes

cdef void _unescape_slashes(Slice path, Output *out) noexcept nogil:
    # %2F and %5C to what they stand for.
    cdef uint32_t i = 0
    cdef int byte
    while i < path.n:
        byte = _escaped_byte(path, i)
        if byte in (47, 92):
            _put(out, <char>byte)
            i += 3
        else:
            _put(out, path.p[i])
            i += 1


cdef bint _has_escaped_slash(Slice path) noexcept nogil:
    cdef uint32_t i
    for i in range(path.n):
        if path.p[i] == 37 and _escaped_byte(path, i) in (47, 92):
            return True
    return False


cdef bint _has_double_slash(Slice path) noexcept nogil:
    cdef uint32_t i
    for i in range(1, path.n):
        if path.p[i] == 47 and path.p[i - 1] == 47:
            return True
    return False


cdef void _merge(Slice path, Output *out) noexcept nogil:
    cdef uint32_t i
    for i in range(path.n):
        if i and path.p[i] == 47 and path.p[i - 1] == 47:
            continue
        _put(out, path.p[i])


# -- the whole

cdef Slice _new(Output *out) noexcept nogil:
    return slice_of(out.p, out.n)


cdef bint _open(Output *out, Slice path, Arena *arena) noexcept nogil:
    # Room for the worst case, once for each step; a request makes at most three.
    out.n = 0
    out.stray = False
    out.p = <char *>arena_alloc(arena, 3 * <size_t>path.n + 2)
    return out.p != NULL


cdef Slice _with_query(Slice path, Slice query, Arena *arena) noexcept nogil:
    cdef char *whole
    if query.n == 0:
        return path
    whole = <char *>arena_alloc(arena, <size_t>path.n + query.n)
    if whole == NULL:
        return slice_of(NULL, 0)
    memcpy(whole, path.p, path.n)
    memcpy(whole + path.n, query.p, query.n)
    return slice_of(whole, path.n + query.n)


cdef int _slashes_step(Slice *bare, int escaped, Arena *arena) noexcept nogil:
    # A Verdict.
    cdef Output out
    if escaped == KEEP or not _has_escaped_slash(bare[0]):
        return GO_ON
    if escaped == REJECT or not _open(&out, bare[0], arena):
        return ANSWER_400
    _unescape_slashes(bare[0], &out)
    bare[0] = _new(&out)
    return REDIRECT if escaped == UNESCAPE_REDIRECT else GO_ON


cdef bint _is_stable(Slice path, Arena *arena) noexcept nogil:
    # Whether canonicalisation leaves it as it is.
    cdef Output again
    return _open(&again, path, arena) and _canonical(path, &again) and slice_equal(_new(&again), path)


cdef int _normalize_step(Slice *bare, Arena *arena) noexcept nogil:
    cdef Output out
    if _is_canonical(bare[0]):
        return GO_ON
    if not _open(&out, bare[0], arena) or not _canonical(bare[0], &out):
        return ANSWER_400
    # "%%32e" would become "%2e", which whoever is behind us may read as a dot.  Envoy lets it pass.
    if out.stray and not _is_stable(_new(&out), arena):
        return ANSWER_400
    bare[0] = _new(&out)
    return GO_ON


cdef int _merge_step(Slice *bare, Arena *arena) noexcept nogil:
    cdef Output out
    if not _has_double_slash(bare[0]):
        return GO_ON
    if not _open(&out, bare[0], arena):
        return ANSWER_400
    _merge(bare[0], &out)
    bare[0] = _new(&out)
    return GO_ON


cdef Slice normal_path(Slice path, bint normalize, bint merge_slashes, int escaped, Arena *arena,
                       int *verdict) noexcept nogil:
    cdef const char *mark = <const char *>memchr(path.p, 63, path.n) if path.n else NULL
    cdef Slice bare = path
    cdef Slice query
    cdef Slice whole
    verdict[0] = GO_ON
    if path.n == 0:
        return path
    if mark != NULL:
        bare.n = <uint32_t>(mark - path.p)
    query = slice_of(path.p + bare.n, path.n - bare.n)
    verdict[0] = _slashes_step(&bare, escaped, arena)
    if verdict[0] != ANSWER_400 and normalize and _normalize_step(&bare, arena) != GO_ON:
        verdict[0] = ANSWER_400
    if verdict[0] != ANSWER_400 and merge_slashes and _merge_step(&bare, arena) != GO_ON:
        verdict[0] = ANSWER_400
    if verdict[0] == ANSWER_400 or (bare.p == path.p and bare.n + query.n == path.n):
        return path
    whole = _with_query(bare, query, arena)
    if whole.p == NULL:
        verdict[0] = ANSWER_400
        return path
    return whole
