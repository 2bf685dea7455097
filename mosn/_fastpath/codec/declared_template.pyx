"""Frames from templates (see declared_template.pxd)."""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memset

from mosn._fastpath.codec.crc32 cimport crc32
from mosn._fastpath.codec.declared_types cimport (
    LONGEST_NUMBER, N_FIXED, P_BYTES, P_COPY, P_CRC32, P_ID, P_SIZE, P_STATUS, P_TEXT, Declared, Number, Piece, Place,
    Template,
)
from mosn._fastpath.codec.declared_number cimport number_put
from mosn._fastpath.codec.declared_walk cimport Walk, declared_walk
from mosn._fastpath.codec.frame cimport Frame, FrameCodec, FrameLimits
from mosn._fastpath.memory cimport BlockPool, Buf, Slice, buf_append, buf_len, buf_reserve, slice_of

cdef enum:
    LONGEST_TEXT = 512          # the rest is cut off
    LONGEST_COPY = 1024         # a longer field makes no reply
    MOST_OPEN = 8               # sizes inside each other
    PADDED_VARINT = 3           # bytes of a size in base 128, which is set when it is known

cdef FrameLimits ANY
ANY.frame_bytes = 0xFFFFFFFF
ANY.headers = 0xFFFF


cdef struct Filling:
    const Declared *declared
    const char *p               # the request, or NULL
    const Place *places         # its fields
    uint64_t id
    uint64_t status
    Slice text
    BlockPool *pool
    Buf *out
    uint32_t start              # of the frame: bytes that were in `out` before
    const Piece *sizes[8]       # MOST_OPEN
    uint32_t sizes_at[8]
    uint32_t open


cdef Slice shortened(Slice text) noexcept nogil:
    # Not in the middle of a character.
    if text.n <= LONGEST_TEXT:
        return text
    text.n = LONGEST_TEXT
    while text.n and <uint8_t>text.p[text.n] & 0xC0 == 0x80:
        text.n -= 1
    return text


cdef int put_number(Filling *job, const Number *form, uint64_t value) noexcept nogil:
    cdef int n
    if buf_reserve(job.pool, job.out, LONGEST_NUMBER) < 0:
        return -1
    n = number_put(form, job.out.data + job.out.end, value)
    if n < 0:
        return -1
    job.out.end += <uint32_t>n
    return 0


cdef int put_bytes(Filling *job, const char *p, uint32_t n) noexcept nogil:
    return buf_append(job.pool, job.out, p, n) if n else 0


cdef int put_text(Filling *job, const Piece *piece) noexcept nogil:
    # Printable, so that it fits every format; bytes of UTF-8 stay.
    cdef Slice text = shortened(job.text)
    cdef char *at
    cdef uint32_t i
    if put_number(job, &piece.number, text.n) < 0 or put_bytes(job, text.p, text.n) < 0:
        return -1
    at = job.out.data + job.out.end - text.n
    for i in range(text.n):
        if <uint8_t>at[i] < 0x20 or at[i] == 0x7F:
            at[i] = c'?'
        elif piece.plus and (at[i] == c'"' or at[i] == c'\\'):
            at[i] = c"'"
    return 0


cdef int put_copy(Filling *job, const Piece *piece) noexcept nogil:
    cdef const Place *place
    if job.p == NULL:
        return -1
    place = &job.places[piece.field]
    if not place.seen:
        return 0
    return put_bytes(job, job.p + place.at - place.front, place.n + place.front) if place.n <= LONGEST_COPY else -1


cdef int begin_size(Filling *job, const Piece *piece) noexcept nogil:
    cdef uint32_t width = piece.number.width if piece.number.type == N_FIXED else PADDED_VARINT
    if job.open == MOST_OPEN or buf_reserve(job.pool, job.out, width) < 0:
        return -1
    job.sizes[job.open] = piece
    job.sizes_at[job.open] = buf_len(job.out)
    job.open += 1
    memset(job.out.data + job.out.end, 0, width)
    job.out.end += width
    return 0


cdef int end_size(Filling *job) noexcept nogil:
    cdef const Piece *piece
    cdef char *at
    cdef int64_t size
    cdef uint32_t i
    if job.open == 0:
        return -1
    job.open -= 1
    piece = job.sizes[job.open]
    at = job.out.data + job.out.start + job.sizes_at[job.open]
    size = <int64_t>buf_len(job.out) - job.sizes_at[job.open] + piece.plus
    if piece.number.type == N_FIXED:
        size -= piece.number.width
        return -1 if size < 0 or number_put(&piece.number, at, <uint64_t>size) < 0 else 0
    size -= PADDED_VARINT
    if size < 0 or size >> (7 * PADDED_VARINT):
        return -1
    for i in range(PADDED_VARINT):
        at[i] = <char>((size >> (7 * i) & 0x7F) | (0x80 if i + 1 < PADDED_VARINT else 0))
    return 0


cdef int put(Filling *job, const Piece *piece) noexcept nogil:
    if piece.type == P_BYTES:
        return put_bytes(job, piece.bytes.p, piece.bytes.n)
    if piece.type == P_ID:
        return put_number(job, &piece.number, job.id)
    if piece.type == P_TEXT:
        return put_text(job, piece)
    if piece.type == P_STATUS:
        return put_number(job, &piece.number, job.status)
    if piece.type == P_COPY:
        return put_copy(job, piece)
    if piece.type == P_SIZE:
        return begin_size(job, piece)
    if piece.type == P_CRC32:
        return put_number(job, &piece.number, crc32(job.out.data + job.out.start + job.start,
                                                    buf_len(job.out) - job.start))
    return end_size(job)


cdef int fill(Filling *job, const Template *template) noexcept nogil:
    # Nothing is left behind by one that fails.
    cdef uint32_t i
    job.start = buf_len(job.out)
    job.open = 0
    for i in range(template.count):
        if put(job, &template.pieces[i]) < 0:
            job.out.end = job.out.start + job.start
            return -1
    return 0 if template.count else -1


cdef int plain(const FrameCodec *self, const Template *template, BlockPool *pool, Buf *out,
               uint64_t id) noexcept nogil:
    cdef Filling job
    job.declared = <const Declared *>self
    job.p = NULL
    job.id = id
    job.status = 0
    job.text = slice_of(NULL, 0)
    job.pool = pool
    job.out = out
    return fill(&job, template)


cdef int declared_heartbeat(const FrameCodec *self, BlockPool *pool, Buf *out, const Frame *like,
                            uint64_t id) noexcept nogil:
    return plain(self, &(<const Declared *>self).heartbeat, pool, out, id)


cdef int declared_heartbeat_answer(const FrameCodec *self, BlockPool *pool, Buf *out,
                                   const Frame *request) noexcept nogil:
    return plain(self, &(<const Declared *>self).heartbeat_answer, pool, out, request.id)


cdef uint64_t status_of(const Declared *declared, uint32_t code) noexcept nogil:
    cdef uint32_t i
    for i in range(declared.error_count):
        if declared.errors[i].code == code:
            return declared.errors[i].status
    return declared.other_error


cdef int declared_reply(const FrameCodec *self, BlockPool *pool, Buf *out, const char *p, const Frame *request,
                        uint32_t code, Slice text) noexcept nogil:
    cdef const Declared *declared = <const Declared *>self
    cdef Filling job
    cdef Walk walk
    if declared_walk(declared, p, request.length, &ANY, &walk) <= 0:
        return -1
    job.declared = declared
    job.p = p
    job.places = walk.places
    job.id = request.id
    job.status = status_of(declared, code)
    job.text = text
    job.pool = pool
    job.out = out
    return fill(&job, &declared.reply)
