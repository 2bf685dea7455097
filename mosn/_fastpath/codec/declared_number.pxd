# Numbers on the wire of declared protocols: fixed width, base 128, and Tars' (JCE).

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t

from mosn._fastpath.codec.declared_types cimport LONGEST_NUMBER, N_FIXED, N_JCE, N_NONE, N_ZIGZAG, Number


cdef inline uint64_t fixed_at(const char *p, uint32_t width, bint little) noexcept nogil:
    cdef uint64_t value = 0
    cdef uint32_t i
    for i in range(width):
        value = value << 8 | <uint8_t>p[width - 1 - i if little else i]
    return value


cdef inline void put_fixed(char *to, uint64_t value, uint32_t width, bint little) noexcept nogil:
    cdef uint32_t i
    for i in range(width):
        to[i if little else width - 1 - i] = <char>(value >> (8 * i))


cdef inline int varint_at(const char *p, uint64_t n, uint64_t *out) noexcept nogil:
    # Bytes that it took, 0: more are needed, -1: longer than 64 bits can be.
    cdef uint64_t value = 0
    cdef uint32_t i
    for i in range(10):
        if i >= n:
            return 0
        if i == 9 and <uint8_t>p[i] > 1:
            return -1
        value |= <uint64_t>(p[i] & 0x7F) << (7 * i)
        if not p[i] & 0x80:
            out[0] = value
            return <int>i + 1
    return -1


cdef inline int put_varint(char *to, uint64_t value) noexcept nogil:
    cdef int n = 0
    while value > 0x7F:
        to[n] = <char>(value | 0x80)
        value >>= 7
        n += 1
    to[n] = <char>value
    return n + 1


cdef inline uint32_t jce_width(uint32_t type) noexcept nogil:
    # Of a whole number: byte, short, int, long, and "zero"; 9 for other types.
    return 1 << type if type <= 3 else 0 if type == 12 else 9


cdef inline uint64_t signed_of(uint64_t value, uint32_t width) noexcept nogil:
    # Sign-extended from `width` bytes.
    if width and width < 8 and value >> (8 * width - 1) & 1:
        value |= ~<uint64_t>0 << (8 * width)
    return value


cdef inline int jce_at(const char *p, uint64_t n, uint64_t *out) noexcept nogil:
    # With its head.
    cdef uint32_t front, width
    if n == 0:
        return 0
    front = 2 if <uint8_t>p[0] >> 4 == 15 else 1
    width = jce_width(p[0] & 15)
    if width > 8:
        return -1
    if n < front + width:
        return 0
    out[0] = signed_of(fixed_at(p + front, width, False), width)
    return <int>(front + width)


cdef inline int put_jce(char *to, uint32_t tag, uint64_t value) noexcept nogil:
    cdef int64_t number = <int64_t>value
    cdef uint32_t front = 2 if tag >= 15 else 1
    cdef uint32_t type = 12 if number == 0 else 3
    if number and -128 <= number < 128:
        type = 0
    elif number and -32768 <= number < 32768:
        type = 1
    elif number and number == <int64_t><int32_t>number:
        type = 2
    to[0] = <char>((15 if tag >= 15 else tag) << 4 | type)
    if front == 2:
        to[1] = <char>tag
    put_fixed(to + front, value, jce_width(type), False)
    return <int>(front + jce_width(type))


cdef inline int number_at(const Number *form, const char *p, uint64_t n, uint64_t *out) noexcept nogil:
    # Bytes that it took, 0: more are needed, -1: it is none.
    cdef int used
    if form.type == N_FIXED:
        if n < form.width:
            return 0
        out[0] = fixed_at(p, form.width, form.little)
        return form.width
    if form.type == N_JCE:
        return jce_at(p, n, out)
    used = varint_at(p, n, out)
    if used > 0 and form.type == N_ZIGZAG:
        out[0] = out[0] >> 1 ^ (~(out[0] & 1) + 1)
    return used


cdef inline int number_put(const Number *form, char *to, uint64_t value) noexcept nogil:
    # Bytes written (LONGEST_NUMBER at most), or -1: it does not fit.
    if form.type == N_FIXED:
        if form.width < 8 and value >> (8 * form.width):
            return -1
        put_fixed(to, value, form.width, form.little)
        return form.width
    if form.type == N_NONE:
        return 0
    if form.type == N_JCE:
        return put_jce(to, form.tag, value)
    if form.type == N_ZIGZAG:
        value = value << 1 ^ (~(value >> 63) + 1)
    return put_varint(to, value)


cdef inline void number_over(const Number *form, char *to, uint32_t n, uint64_t value) noexcept nogil:
    # Over a number of n bytes, in as many; what does not fit stays as it was.
    cdef uint32_t i, front
    if form.type == N_FIXED:
        put_fixed(to, value, form.width, form.little)
    elif form.type == N_JCE:
        front = 2 if <uint8_t>to[0] >> 4 == 15 else 1
        if n > front and value >> (8 * (n - front) - 1) == 0:
            put_fixed(to + front, value, n - front, False)
    elif form.type != N_ZIGZAG and (n >= 10 or value >> (7 * n) == 0):
        for i in range(n):
            to[i] = <char>((value >> (7 * i) & 0x7F) | (0x80 if i + 1 < n else 0))
