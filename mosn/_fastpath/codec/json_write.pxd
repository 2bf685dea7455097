# Writing JSON into a bounded buffer.

from libc.stdint cimport int64_t, uint32_t

from mosn._fastpath.memory cimport BlockPool, Buf, Slice, buf_append, buf_len


cdef extern from "<stdio.h>" nogil:
    # Text of numbers; it writes to memory only.
    int snprintf(char *to, size_t n, const char *format, ...)


cdef struct JsonOut:
    BlockPool *pool
    Buf *out
    uint32_t most               # bytes; more is an error
    bint failed                 # too long, or no memory: nothing further is written


cdef inline void json_raw(JsonOut *o, const char *p, size_t n) noexcept nogil:
    if o.failed or n > <size_t>(o.most - buf_len(o.out)) or buf_append(o.pool, o.out, p, n) < 0:
        o.failed = True


cdef inline void json_char(JsonOut *o, char byte) noexcept nogil:
    json_raw(o, &byte, 1)


# UTF-8 in; halves of surrogate pairs (three bytes each) become escapes, bytes that are not UTF-8 a "?".
cdef void json_put_string(JsonOut *o, Slice text) noexcept nogil
cdef void json_put_long(JsonOut *o, int64_t value) noexcept nogil
# The shortest text that reads back as the same number; "NaN", "Infinity" and "-Infinity" as strings.
cdef void json_put_double(JsonOut *o, double value) noexcept nogil
# Milliseconds since 1970 as "2024-02-29T12:00:00.000Z"; a year that does not have four digits stays a number.
cdef inline bint json_is_date(int64_t milliseconds) noexcept nogil:
    return -62135596800000LL <= milliseconds <= 253402300799999LL      # 0001-01-01 to 9999-12-31
cdef void json_put_date(JsonOut *o, int64_t milliseconds) noexcept nogil
# Bytes as a string in base64 (RFC 4648, padded), in pieces: begin with at 0, end with json_put_base64_end.
cdef struct Base64:
    unsigned char kept[3]
    uint32_t count


cdef void json_put_base64(JsonOut *o, Base64 *b, const char *p, size_t n) noexcept nogil
cdef void json_put_base64_end(JsonOut *o, Base64 *b) noexcept nogil
