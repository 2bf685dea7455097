"""Writing a frame anew (see declared_write.pxd).

The frame is copied with a few edits: the header block, tagged blocks, an id without a fixed width.  Then the sizes that
an edit has made wrong are set right.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from mosn._fastpath.codec.crc32 cimport crc32
from mosn._fastpath.codec.declared_types cimport (
    F_HEADERS, F_TAGGED, H_JCE, H_PROTOBUF, LONGEST_NUMBER, N_FIXED, NO_FIELD, SIZE_FIELD, SIZE_PREFIX, Declared, Field,
    Number, Place,
)
from mosn._fastpath.codec.declared_headers cimport headers_write
from mosn._fastpath.codec.declared_number cimport number_over, number_put
from mosn._fastpath.codec.declared_tagged cimport Entry, tagged_entry
from mosn._fastpath.codec.declared_walk cimport Walk, declared_walk
from mosn._fastpath.codec.frame cimport Frame, FrameCodec, FrameLimits, frame_head_changed
from mosn._fastpath.head cimport Head
from mosn._fastpath.memory cimport BlockPool, Buf, buf_append, buf_len, buf_release, buf_reserve

cdef enum:
    MOST_EDITS = 4

cdef FrameLimits ANY            # what was parsed once is within some limit
ANY.frame_bytes = 0xFFFFFFFF
ANY.headers = 0xFFFF


cdef struct Edit:
    uint32_t field              # of the layout
    uint32_t at                 # what goes
    uint32_t n
    uint32_t made_at            # what comes, in `made`
    uint32_t made_n


cdef struct Rewriting:
    const Declared *declared
    const char *p
    const Frame *frame
    const Head *head
    uint64_t id
    bint headers                # they changed
    Walk walk
    Edit edits[4]               # MOST_EDITS; in the order of the frame
    uint32_t count
    BlockPool *pool
    Buf made


cdef bint declared_headers_changed(const Declared *declared, const char *p, const Frame *frame,
                                   const Head *head) noexcept nogil:
    # A protocol without headers has no place for added ones.
    return declared.headers != NO_FIELD and frame_head_changed(&declared.codec, p, frame, head)


# -- in place

cdef void declared_patch(const FrameCodec *self, char *p, const Frame *frame, uint64_t id,
                         int32_t timeout_ms) noexcept nogil:
    cdef const Declared *declared = <const Declared *>self
    cdef const Place *place
    cdef Walk walk
    cdef uint32_t i
    if declared_walk(declared, p, frame.length, &ANY, &walk) <= 0:
        return
    for i in range(declared.id_count):
        place = &walk.places[declared.ids[i]]
        if place.seen and declared.fields[declared.ids[i]].number.type == N_FIXED:
            number_over(&declared.fields[declared.ids[i]].number, p + place.at, place.n, id)
    if timeout_ms >= 0 and declared.timeout != NO_FIELD and walk.places[declared.timeout].seen:
        place = &walk.places[declared.timeout]
        number_over(&declared.fields[declared.timeout].number, p + place.at, place.n,
                    max(<uint32_t>timeout_ms // declared.timeout_unit_ms, <uint32_t>1))
    if declared.checksum != NO_FIELD and walk.places[declared.checksum].seen:
        place = &walk.places[declared.checksum]
        number_over(&declared.fields[declared.checksum].number, p + place.at, place.n, crc32(p, place.at))


# -- edits

cdef int put_number(Rewriting *job, const Number *form, uint64_t value) noexcept nogil:
    cdef int n
    if buf_reserve(job.pool, &job.made, LONGEST_NUMBER) < 0:
        return -1
    n = number_put(form, job.made.data + job.made.end, value)
    if n < 0:
        return -1
    job.made.end += <uint32_t>n
    return 0


cdef int edited(Rewriting *job, uint32_t field, uint32_t made_at) noexcept nogil:
    # What was made since made_at comes instead of this field.
    cdef const Place *place = &job.walk.places[field]
    cdef Edit edit
    cdef uint32_t i = job.count
    if job.count == MOST_EDITS:
        return -1
    edit.field = field
    edit.at = place.at
    edit.n = place.n
    edit.made_at = made_at
    edit.made_n = buf_len(&job.made) - made_at
    while i and job.edits[i - 1].field > field:
        job.edits[i] = job.edits[i - 1]
        i -= 1
    job.edits[i] = edit
    job.count += 1
    return 0


cdef const Field *id_in(const Declared *declared, uint32_t block, const Place *places) noexcept nogil:
    # The id among the fields of this tagged block, or NULL.
    cdef uint32_t i
    for i in range(declared.id_count):
        if declared.fields[declared.ids[i]].parent == block and places[declared.ids[i]].seen:
            return &declared.fields[declared.ids[i]]
    return NULL


cdef int put_headers(Rewriting *job) noexcept nogil:
    return headers_write(job.declared, job.pool, &job.made, job.p, job.walk.places, job.frame, job.head)


cdef int put_entry(Rewriting *job, const Field *block, const char *p, const Entry *entry,
                   const Field *id) noexcept nogil:
    if id == NULL or id.tag != entry.number:
        return buf_append(job.pool, &job.made, p + entry.at, entry.end - entry.at)
    if block.format == H_PROTOBUF and buf_append(job.pool, &job.made, p + entry.at, entry.content - entry.at) < 0:
        return -1
    return put_number(job, &id.number, job.id)


cdef int put_block(Rewriting *job, uint32_t index, const Field *headers) noexcept nogil:
    # A tagged block with another id and, unless NULL, other headers.  Tars' fields stand in the order of their tags.
    cdef const Field *block = &job.declared.fields[index]
    cdef const Field *id = id_in(job.declared, index, job.walk.places)
    cdef const Place *place = &job.walk.places[index]
    cdef uint32_t at = place.at
    cdef uint32_t end = place.at + place.n
    cdef bint done = headers == NULL
    cdef Entry entry
    while at < end:
        if tagged_entry(block, job.p, end, at, &entry) < 0:
            return -1
        if not done and block.format == H_JCE and entry.number >= headers.tag:
            done = True
            if put_headers(job) < 0:
                return -1
        if (headers == NULL or entry.number != headers.tag) and put_entry(job, block, job.p, &entry, id) < 0:
            return -1
        at = entry.end
    return 0 if done else put_headers(job)


cdef int edit_block(Rewriting *job, uint32_t index) noexcept nogil:
    cdef const Declared *declared = job.declared
    cdef const Field *headers = NULL
    cdef uint32_t made_at = buf_len(&job.made)
    if job.headers and declared.fields[declared.headers].parent == index:
        headers = &declared.fields[declared.headers]
    if headers == NULL and (not declared.moving_id or id_in(declared, index, job.walk.places) == NULL):
        return 0
    return edited(job, index, made_at) if put_block(job, index, headers) == 0 else -1


cdef int edit_all(Rewriting *job) noexcept nogil:
    cdef const Declared *declared = job.declared
    cdef const Field *field
    cdef uint32_t made_at
    cdef uint32_t i
    for i in range(declared.top):
        field = &declared.fields[i]
        made_at = buf_len(&job.made)
        if not job.walk.places[i].seen:
            continue
        if field.type == F_TAGGED:
            if edit_block(job, i) < 0:
                return -1
        elif field.type == F_HEADERS and job.headers:
            if put_headers(job) < 0 or edited(job, i, made_at) < 0:
                return -1
    for i in range(declared.id_count):
        field = &declared.fields[declared.ids[i]]
        made_at = buf_len(&job.made)
        if field.parent == NO_FIELD and field.number.type != N_FIXED and job.walk.places[declared.ids[i]].seen:
            if put_number(job, &field.number, job.id) < 0 or edited(job, declared.ids[i], made_at) < 0:
                return -1
    return 0


# -- the new frame

cdef int64_t grown(const Rewriting *job, uint32_t before) noexcept nogil:
    # By how much the edits of fields before this one have moved it.
    cdef int64_t delta = 0
    cdef uint32_t i
    for i in range(job.count):
        if job.edits[i].field < before:
            delta += <int64_t>job.edits[i].made_n - job.edits[i].n
    return delta


cdef int resize(const Rewriting *job, char *to, uint32_t index, uint32_t at, const Number *form, uint32_t times,
                int64_t delta) noexcept nogil:
    # A size that stood at `at`, before or as the field `index`.
    cdef uint64_t value = 0
    cdef uint32_t i
    if form.type != N_FIXED or delta % <int64_t>times:
        return -1
    to += at + grown(job, index)
    for i in range(form.width):
        value = value << 8 | <uint8_t>to[form.width - 1 - i if form.little else i]
    delta = <int64_t>value + delta // <int64_t>times
    return -1 if delta < 0 or number_put(form, to, <uint64_t>delta) < 0 else 0


cdef int resize_all(const Rewriting *job, char *to) noexcept nogil:
    cdef const Declared *declared = job.declared
    cdef const Field *field
    cdef const Place *place
    cdef int64_t delta
    cdef uint32_t i
    for i in range(job.count):
        field = &declared.fields[job.edits[i].field]
        place = &job.walk.places[job.edits[i].field]
        delta = <int64_t>job.edits[i].made_n - job.edits[i].n
        if delta and field.size == SIZE_PREFIX and field.type in (F_HEADERS, F_TAGGED):
            if resize(job, to, job.edits[i].field, place.at - place.front, &field.number, field.times, delta) < 0:
                return -1
        elif delta and field.size == SIZE_FIELD and field.type in (F_HEADERS, F_TAGGED):
            if resize(job, to, field.size_field, job.walk.places[field.size_field].at,
                      &declared.fields[field.size_field].number, field.times, delta) < 0:
                return -1
    delta = grown(job, NO_FIELD)
    if delta and declared.length != NO_FIELD:
        return resize(job, to, declared.length, job.walk.places[declared.length].at,
                      &declared.fields[declared.length].number, declared.length_times, delta)
    return 0


cdef int assemble(Rewriting *job, Buf *out, int32_t timeout_ms) noexcept nogil:
    cdef Frame made = job.frame[0]
    cdef const Edit *edit
    cdef char *start
    cdef char *to
    cdef uint32_t at = 0
    cdef uint32_t i
    made.length = <uint32_t>(job.frame.length + grown(job, NO_FIELD))
    if buf_reserve(job.pool, out, made.length) < 0:
        return -1
    start = out.data + out.end
    to = start
    for i in range(job.count):
        edit = &job.edits[i]
        memcpy(to, job.p + at, edit.at - at)
        memcpy(to + edit.at - at, job.made.data + job.made.start + edit.made_at, edit.made_n)
        to += edit.at - at + edit.made_n
        at = edit.at + edit.n
    memcpy(to, job.p + at, job.frame.length - at)
    if resize_all(job, start) < 0:
        return -1
    declared_patch(&job.declared.codec, start, &made, job.id, timeout_ms)
    out.end += made.length
    return 0


cdef int declared_write(const FrameCodec *self, BlockPool *pool, Buf *out, const char *p, const Frame *frame,
                        const Head *head, uint64_t id, int32_t timeout_ms) noexcept nogil:
    cdef Rewriting job
    cdef int said = -1
    job.declared = <const Declared *>self
    job.p = p
    job.frame = frame
    job.head = head
    job.id = id
    job.headers = declared_headers_changed(job.declared, p, frame, head)
    job.count = 0
    job.pool = pool
    memset(&job.made, 0, sizeof(Buf))
    if declared_walk(job.declared, p, frame.length, &ANY, &job.walk) > 0 and edit_all(&job) == 0:
        said = assemble(&job, out, timeout_ms)
    buf_release(pool, &job.made)
    return said
