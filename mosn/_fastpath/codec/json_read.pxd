# Strict JSON (RFC 8259) without objects: look at the next value, step over it, read strings and numbers.
#
# Nothing is allocated but strings with escapes, in the arena and no longer than their text.  Time is linear in the
# bytes; nesting is bounded.  UTF-8 must be well formed, and escapes must not leave half of a surrogate pair.

from libc.stdint cimport int64_t, uint32_t

from mosn._fastpath.codec.hessian2_cursor cimport H2Cursor
from mosn._fastpath.memory cimport Arena, Slice


cdef enum:
    JSON_MAX_DEPTH = 64         # arrays and objects inside each other


cdef enum JsonKind:
    JSON_END = 0                # no value begins here
    JSON_NULL
    JSON_TRUE
    JSON_FALSE
    JSON_NUMBER
    JSON_STRING
    JSON_ARRAY
    JSON_OBJECT


# What begins at the cursor, which is moved over white space.  A promise about the first byte only.
cdef int json_kind(H2Cursor *c) noexcept nogil
# All below return 0 (or as said), or -1 when that is not what stands there.
# Step over one value and check all of it.
cdef int json_skip(H2Cursor *c) noexcept nogil
# One value and nothing but white space behind it?  The cursor stays.
cdef int json_check(const char *p, size_t n) noexcept nogil
# A string as UTF-8; points into the bytes when there is no escape in it.
cdef int json_string(H2Cursor *c, Arena *arena, Slice *out) noexcept nogil
# The text of a number; `whole`: it has neither fraction nor exponent.
cdef int json_number(H2Cursor *c, Slice *out, bint *whole) noexcept nogil
# true, false or null, whichever `kind` says.
cdef int json_word(H2Cursor *c, int kind) noexcept nogil
# Behind "[" or "{" and behind each value: 1 another one follows, 0 the end (which is taken).  `first` at the beginning.
cdef int json_next(H2Cursor *c, char closing, bint first) noexcept nogil
# The name of a member and its colon.
cdef int json_member(H2Cursor *c, Arena *arena, Slice *name) noexcept nogil

# A whole number's text in 64 bits.
cdef int json_long(Slice text, int64_t *out) noexcept nogil
# Is all of it the text of a JSON number?
cdef bint json_is_number(Slice text, bint *whole) noexcept nogil
# The bytes of the well-formed UTF-8 character at p (n > 0), or 0.
cdef uint32_t utf8_length(const char *p, size_t n) noexcept nogil
