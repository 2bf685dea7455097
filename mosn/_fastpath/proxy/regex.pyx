"""RE2 behind three C functions (interface: regex.pxd).

A pattern's program and its DFA cache together stay below MAX_MEMORY, whatever text it is matched against; matching
takes time linear in the text.
"""

from libc.stdint cimport uint32_t
from libc.string cimport memcpy

from mosn._fastpath.memory cimport Arena, Slice, arena_alloc
from mosn._fastpath.proxy.types cimport Regex

cdef extern from *:
    """
    #include <new>
    #include <string>
    #include <cstring>
    #include <re2/re2.h>

    static re2::RE2 *mosn_re2_make(const char *p, size_t n, int64_t max_mem) {
        re2::RE2::Options options;
        options.set_log_errors(false);
        options.set_max_mem(max_mem);
        return new (std::nothrow) re2::RE2(re2::StringPiece(p, n), options);
    }

    static int mosn_re2_match(const void *re, const char *p, size_t n, int whole) {
        auto anchor = whole ? re2::RE2::ANCHOR_BOTH : re2::RE2::UNANCHORED;
        re2::StringPiece text(p, n);
        return static_cast<const re2::RE2 *>(re)->Match(text, 0, n, anchor, nullptr, 0);
    }

    // Out of memory (-1) is told apart from a result; nothing is thrown into C code.
    static int mosn_re2_replace(const void *re, const char *p, size_t n, const char *by, size_t by_n,
                                std::string *out) noexcept {
        try {
            out->assign(p, n);
            re2::RE2::GlobalReplace(out, *static_cast<const re2::RE2 *>(re), re2::StringPiece(by, by_n));
        } catch (const std::bad_alloc &) {
            return -1;
        }
        return 0;
    }
    """
    cppclass RE2 "re2::RE2":
        bint ok() nogil
        const string &error() nogil
        bint CheckRewriteString(StringPiece rewrite, string *error) nogil
    cppclass StringPiece "re2::StringPiece":
        StringPiece(const char *p, size_t n) nogil
    cppclass string "std::string":
        string() nogil
        const char *data() nogil
        size_t size() nogil
    RE2 *mosn_re2_make(const char *p, size_t n, long max_mem) nogil
    int mosn_re2_match(const void *re, const char *p, size_t n, int whole) nogil
    int mosn_re2_replace(const void *re, const char *p, size_t n, const char *by, size_t by_n, string *out) nogil

cdef enum:
    MAX_MEMORY = 8 << 20        # RE2's own default, and so Envoy's


cdef bint regex_full_match(const Regex *regex, Slice text) noexcept nogil:
    return mosn_re2_match(regex.re2, text.p, text.n, 1)


cdef bint regex_partial_match(const Regex *regex, Slice text) noexcept nogil:
    return mosn_re2_match(regex.re2, text.p, text.n, 0)


cdef Slice regex_replace(const Regex *regex, Slice text, Slice substitution, Arena *arena) noexcept nogil:
    cdef string out
    cdef Slice result
    cdef char *copy
    result.p = NULL
    result.n = 0
    if mosn_re2_replace(regex.re2, text.p, text.n, substitution.p, substitution.n, &out) < 0:
        return result
    copy = arena_copy_string(arena, &out)
    if copy != NULL:
        result.p = copy
        result.n = <uint32_t>out.size()
    return result


cdef char *arena_copy_string(Arena *arena, string *text) noexcept nogil:
    cdef char *copy = <char *>arena_alloc(arena, text.size() + 1)
    if copy != NULL:
        memcpy(copy, text.data(), text.size())
    return copy


cdef class RegexObject:
    def __cinit__(self):
        self.regex.re2 = NULL

    def __init__(self, str pattern not None):
        if self.regex.re2 != NULL:
            raise TypeError("a RegexObject is made once")
        cdef bytes encoded = pattern.encode("utf-8", "surrogateescape")
        cdef RE2 *made = mosn_re2_make(encoded, len(encoded), MAX_MEMORY)
        if made == NULL:
            raise MemoryError()
        self.regex.re2 = made
        self.pattern = pattern
        if not made.ok():
            raise ValueError(f"bad regular expression {pattern!r}: {_text(&made.error())}")

    def __dealloc__(self):
        del_re2(<RE2 *>self.regex.re2)

    def check_substitution(self, str substitution not None):
        """Raise ValueError when the substitution names a group that the pattern does not have."""
        cdef bytes encoded = substitution.encode("utf-8", "surrogateescape")
        cdef string problem
        cdef char *p = encoded
        if not (<RE2 *>self.regex.re2).CheckRewriteString(StringPiece(p, len(encoded)), &problem):
            raise ValueError(f"bad substitution {substitution!r} for {self.pattern!r}: {_text(&problem)}")

    def full_match(self, bytes text not None):
        """Whether the whole text matches (for tests and explanations)."""
        return bool(mosn_re2_match(self.regex.re2, text, len(text), 1))


cdef str _text(const string *s):
    return s.data()[:s.size()].decode("utf-8", "replace")


cdef void del_re2(RE2 *made) noexcept nogil:
    del made
