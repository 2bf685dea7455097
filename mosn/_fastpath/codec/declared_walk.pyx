"""Walking over a frame of a declared protocol (see declared_walk.pxd)."""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memset

from mosn._fastpath.codec.declared_types cimport (
    F_NUMBER, F_SUM, F_TAGGED, SIZE_FIELD, SIZE_FIXED, SIZE_PREFIX, Condition, Declared, Field, Place,
)
from mosn._fastpath.codec.declared_number cimport number_at
from mosn._fastpath.codec.declared_tagged cimport declared_tagged, tagged_has
from mosn._fastpath.codec.frame cimport (
    FRAME_BAD_LENGTH, FRAME_NOT_THE_PROTOCOL, FRAME_TOO_LARGE, FrameLimits,
)

cdef enum:
    MORE = 0
    WRONG = -1
    GOES_ON = 1
    PASSED = 2                  # it is not this one


cdef bint declared_holds(const Declared *declared, const Place *places, uint32_t first, uint32_t count) noexcept nogil:
    cdef const Condition *condition
    cdef const Place *place
    cdef bint holds = False
    cdef uint32_t i
    for i in range(first, first + count):
        condition = &declared.conditions[i]
        place = &places[condition.field]
        if condition.mask == 0:
            holds = holds or (place.seen != 0) == (condition.wanted != 0)
        elif place.seen:
            holds = holds or (place.value & condition.mask) == condition.wanted
        if not condition.either:
            if not holds:
                return False
            holds = False
    return True


cdef int fail(Walk *walk, uint8_t error) noexcept nogil:
    walk.error = error
    return WRONG


cdef int too_long(Walk *walk) noexcept nogil:
    return fail(walk, FRAME_BAD_LENGTH if walk.length else FRAME_TOO_LARGE)


cdef int number(Walk *walk, const Field *field, Place *place) noexcept nogil:
    cdef int used = number_at(&field.number, walk.p + walk.at, walk.n - walk.at, &place.value)
    if used < 0:
        return fail(walk, FRAME_BAD_LENGTH)
    if used == 0:
        # What a frame that ends here lacks will never come.
        return too_long(walk) if walk.length and walk.n >= walk.length else MORE
    if walk.at + used > walk.most:
        return too_long(walk)
    place.at = <uint32_t>walk.at
    place.n = <uint32_t>used
    walk.at += used
    return GOES_ON


cdef int size_of(Walk *walk, const Field *field, Place *place, uint64_t *size) noexcept nogil:
    # Of bytes that follow at walk.at (which moves behind a size in front).
    cdef uint64_t value
    cdef int said
    if field.size == SIZE_FIXED:
        size[0] = <uint64_t>field.plus
        return GOES_ON
    if field.size == SIZE_PREFIX:
        said = number(walk, field, place)
        if said != GOES_ON:
            return said
        place.front = place.n
        value = place.value
    elif field.size == SIZE_FIELD:
        value = walk.places[field.size_field].value
    else:
        if walk.length < walk.at + <uint64_t>field.plus:
            return fail(walk, FRAME_BAD_LENGTH)
        size[0] = walk.length - walk.at - <uint64_t>field.plus
        return GOES_ON
    return resized(walk, value, field.times, field.plus, size)


cdef int resized(Walk *walk, uint64_t value, uint32_t times, int64_t plus, uint64_t *size) noexcept nogil:
    # value * times + plus, where that is neither negative nor beyond any frame.
    cdef int64_t made
    if value >> 32:
        return fail(walk, FRAME_BAD_LENGTH)
    made = <int64_t>(value * times) + plus
    if made < 0:
        return fail(walk, FRAME_BAD_LENGTH)
    size[0] = <uint64_t>made
    return GOES_ON


cdef int stretch(Walk *walk, const Field *field, Place *place) noexcept nogil:
    # Bytes: they need not be there yet.
    cdef uint64_t size = 0
    cdef int said = size_of(walk, field, place, &size)
    if said != GOES_ON:
        return said
    if size > walk.most - walk.at:
        return too_long(walk)
    place.at = <uint32_t>walk.at
    place.n = <uint32_t>size
    walk.at += size
    return GOES_ON


cdef int total(Walk *walk, const Field *field, Place *place) noexcept nogil:
    # `count` numbers side by side.
    cdef uint64_t count = walk.places[field.size_field].value
    cdef uint64_t one = 0
    cdef uint64_t _i
    if count > walk.most_numbers:
        return fail(walk, FRAME_BAD_LENGTH)
    if count * field.number.width > walk.most - walk.at:
        return too_long(walk)
    if walk.n - walk.at < count * field.number.width:
        return too_long(walk) if walk.length and walk.n >= walk.length else MORE
    place.at = <uint32_t>walk.at
    place.n = <uint32_t>(count * field.number.width)
    place.value = 0
    for _i in range(count):
        number_at(&field.number, walk.p + walk.at, field.number.width, &one)
        if one >> 32:
            return fail(walk, FRAME_BAD_LENGTH)
        place.value += one
        walk.at += field.number.width
    return GOES_ON


cdef int whole(Walk *walk, const Field *field, Place *place) noexcept nogil:
    # Tagged fields are looked at when all of them are there; of a frame whose length is known, with its last byte.
    cdef uint64_t before = walk.at
    cdef int said = stretch(walk, field, place)
    if said != GOES_ON:
        return said
    if walk.n < (walk.length if walk.length else walk.at):
        return MORE
    if field.needs and not tagged_has(field, walk.p, place.at, place.n, field.needs):
        walk.at = before
        return PASSED
    if declared_tagged(walk.declared, walk.p, field, place.at, place.n, walk.places, 0) < 0:
        return fail(walk, FRAME_BAD_LENGTH)
    return GOES_ON


cdef int step(Walk *walk, const Field *field, Place *place) noexcept nogil:
    cdef int said
    if field.type == F_NUMBER:
        said = number(walk, field, place)
    elif field.type == F_TAGGED:
        said = whole(walk, field, place)
    elif field.type == F_SUM:
        said = total(walk, field, place)
    else:
        said = stretch(walk, field, place)
    place.seen = said == GOES_ON
    return said


cdef int frame_length(Walk *walk) noexcept nogil:
    # The field that tells it has just been read.
    cdef const Declared *declared = walk.declared
    cdef uint64_t size
    if resized(walk, walk.places[declared.length].value, declared.length_times, declared.length_plus, &size) < 0:
        return WRONG
    if size > walk.most:
        return fail(walk, FRAME_TOO_LARGE)
    if size < walk.at:
        return fail(walk, FRAME_BAD_LENGTH)
    walk.length = size
    walk.most = size
    return GOES_ON


cdef int64_t finish(Walk *walk) noexcept nogil:
    if walk.length and walk.at != walk.length:
        return fail(walk, FRAME_BAD_LENGTH)
    walk.length = walk.at
    return <int64_t>walk.length if walk.n >= walk.length else MORE


cdef int64_t declared_walk(const Declared *declared, const char *p, size_t n, const FrameLimits *limits,
                           Walk *walk) noexcept nogil:
    cdef const Field *field
    cdef uint32_t i
    cdef int said
    memset(walk.places, 0, sizeof(Place) * declared.field_count)
    walk.declared = declared
    walk.p = p
    walk.n = n
    walk.at = 0
    walk.most = limits.frame_bytes
    walk.length = 0
    walk.most_numbers = limits.headers
    walk.error = 0
    for i in range(declared.top):
        field = &declared.fields[i]
        if field.when_count and not declared_holds(declared, walk.places, field.when, field.when_count):
            continue
        # Bytes that were passed over without being there: what follows them is not there either.
        if walk.at > walk.n:
            return MORE
        said = step(walk, field, &walk.places[i])
        if said == PASSED:
            continue
        if said != GOES_ON:
            return said
        if field.allowed_count and not declared_holds(declared, walk.places, field.allowed, field.allowed_count):
            return fail(walk, FRAME_NOT_THE_PROTOCOL)
        if i == declared.length and frame_length(walk) < 0:
            return WRONG
    return finish(walk)
