"""%START_TIME%: moments as text (interface: format_time.pxd)."""

from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.string cimport memcpy

from mosn._fastpath.memory cimport BlockPool, Buf, Slice
from mosn._fastpath.proxy.format_ops cimport put

cdef extern from "<time.h>" nogil:
    ctypedef int64_t time_t
    struct tm:
        int tm_sec
        int tm_min
        int tm_hour
        int tm_mday
        int tm_mon
        int tm_year
    tm *gmtime_r(const time_t *moment, tm *out)
    tm *localtime_r(const time_t *moment, tm *out)
    size_t strftime(char *out, size_t room, const char *format, const tm *moment)

cdef extern from *:
    """
    /* The calendar of the newest second, for UTC and for local time: most lines of a log share it. */
    typedef struct { int64_t second; int valid; struct tm calendar; char iso[20]; } mosn_second;
    static __thread mosn_second mosn_seconds[2];
    #define mosn_second_of(local) (&mosn_seconds[(local) ? 1 : 0])
    """
    ctypedef struct Second "mosn_second":
        int64_t second
        int valid
        tm calendar
        char iso[20]            # "2026-01-31T23:59:59" and room for its NUL
    Second *second_of "mosn_second_of"(bint local) nogil

cdef enum:
    PIECE = 128                 # bytes of a strftime format; longer ones are refused when they are compiled
    PIECE_TEXT = 2048           # %c makes 24 bytes of 2


cdef inline void _two(char *out, int value) noexcept nogil:
    out[0] = <char>(48 + value // 10 % 10)
    out[1] = <char>(48 + value % 10)


cdef void _digits(char *out, uint64_t value, uint32_t n) noexcept nogil:
    while n:
        n -= 1
        out[n] = <char>(48 + value % 10)
        value //= 10


cdef void _write_iso(Second *now) noexcept nogil:
    memcpy(now.iso, b"0000-00-00T00:00:00", 20)
    _digits(now.iso, <uint64_t>(now.calendar.tm_year + 1900), 4)
    _two(now.iso + 5, now.calendar.tm_mon + 1)
    _two(now.iso + 8, now.calendar.tm_mday)
    _two(now.iso + 11, now.calendar.tm_hour)
    _two(now.iso + 14, now.calendar.tm_min)
    _two(now.iso + 17, now.calendar.tm_sec)


cdef Second *_calendar(int64_t second, bint local) noexcept nogil:
    cdef Second *now = second_of(local)
    cdef time_t moment = second
    if now.valid and now.second == second:
        return now
    if local:
        localtime_r(&moment, &now.calendar)
    else:
        gmtime_r(&moment, &now.calendar)
    now.second = second
    now.valid = 1
    _write_iso(now)
    return now


cdef int _append_default(uint64_t wall_us, bint local, BlockPool *pool, Buf *out) noexcept nogil:
    cdef Second *now = _calendar(<int64_t>(wall_us // 1000000), local)
    cdef char text[24]
    memcpy(text, now.iso, 19)
    text[19] = 46  # .
    _digits(text + 20, wall_us // 1000 % 1000, 3)
    text[23] = 90  # Z
    if not local:
        return put(pool, out, text, 24)
    if put(pool, out, text, 23) < 0:
        return -1
    return _append_piece(now, b"%z", 2, pool, out)


cdef int _append_piece(const Second *now, const char *format, uint32_t n, BlockPool *pool, Buf *out) noexcept nogil:
    # A part of the format that strftime understands.
    cdef char piece[PIECE + 1]
    cdef char text[PIECE_TEXT]
    if n == 0:
        return 0
    n = min(n, <uint32_t>PIECE)
    memcpy(piece, format, n)
    piece[n] = 0
    return put(pool, out, text, strftime(text, PIECE_TEXT, piece, &now.calendar))


cdef uint32_t _fraction_at(Slice format, uint32_t i, uint32_t *digits) noexcept nogil:
    # Bytes of the conversion at i when it is %f or %1f .. %9f, else 0.
    if i + 1 < format.n and format.p[i + 1] == 102:
        digits[0] = 9
        return 2
    if i + 2 < format.n and 49 <= format.p[i + 1] <= 57 and format.p[i + 2] == 102:
        digits[0] = <uint32_t>(format.p[i + 1] - 48)
        return 3
    return 0


cdef int _append_fraction(uint64_t wall_us, uint32_t digits, BlockPool *pool, Buf *out) noexcept nogil:
    cdef char text[9]
    _digits(text, wall_us % 1000000 * 1000, 9)
    return put(pool, out, text, digits)


cdef int _append_epoch(uint64_t seconds, BlockPool *pool, Buf *out) noexcept nogil:
    # strftime's %s would read a UTC calendar as local time.
    cdef char text[20]
    cdef uint32_t n = 1
    cdef uint64_t rest = seconds
    while rest >= 10:
        rest //= 10
        n += 1
    _digits(text, seconds, n)
    return put(pool, out, text, n)


cdef int append_time(uint64_t wall_us, Slice format, bint local, BlockPool *pool, Buf *out) noexcept nogil:
    cdef const Second *now
    cdef uint32_t start = 0
    cdef uint32_t i = 0
    cdef uint32_t taken
    cdef uint32_t digits = 0
    if format.p == NULL:
        return _append_default(wall_us, local, pool, out)
    now = _calendar(<int64_t>(wall_us // 1000000), local)
    while i < format.n:
        if format.p[i] != 37:  # %
            i += 1
            continue
        taken = _fraction_at(format, i, &digits)
        if taken == 0 and i + 1 < format.n and format.p[i + 1] == 115:  # %s
            digits = 0
            taken = 2
        if taken == 0:
            i += 2
            continue
        if _append_piece(now, format.p + start, i - start, pool, out) < 0:
            return -1
        if (_append_fraction(wall_us, digits, pool, out) if digits else
                _append_epoch(wall_us // 1000000, pool, out)) < 0:
            return -1
        i += taken
        start = i
    return _append_piece(now, format.p + start, format.n - start, pool, out)
