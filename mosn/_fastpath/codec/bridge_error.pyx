"""Errors of RPC services as JSON (contracts: bridge_error.pxd)."""

from libc.stdint cimport uint16_t, uint32_t
from libc.string cimport memchr

from mosn._fastpath.codec.hessian_json cimport HessianClass, HessianIn, hj_object, hj_skip, hj_text
from mosn._fastpath.codec.json_write cimport JsonOut, json_char, json_put_string, json_raw, snprintf
from mosn._fastpath.memory cimport Slice, slice_is, slice_of


cdef extern from "<string.h>" nogil:
    void *memmem(const void *haystack, size_t n, const void *needle, size_t m)


cdef inline bint _says(Slice message, const char *words, size_t n) noexcept nogil:
    return message.n >= n and memmem(message.p, message.n, words, n) != NULL


cdef bint _not_found(Slice name, Slice message) noexcept nogil:
    # What providers say of a service or method that they do not have: Dubbo's DubboProtocol and GenericFilter, codes
    # 020100010 and 020100011 of SOFARPC.
    return (slice_is(name, "java.lang.NoSuchMethodException") or _says(message, "Not found exported service", 26)
            or _says(message, "NoSuchMethodException", 21) or _says(message, "02-01-00010", 11)
            or _says(message, "02-01-00011", 11) or _says(message, "020100010", 9) or _says(message, "020100011", 9))


cdef int error_write(JsonOut *json, Slice name, Slice message) noexcept nogil:
    json_raw(json, b'{"error":', 9)
    json_put_string(json, name)
    json_raw(json, b',"message":', 11)
    json_put_string(json, message)
    json_char(json, c"}")
    return 404 if _not_found(name, message) else 500


cdef int error_text(JsonOut *json, const char *protocol, uint16_t status, uint16_t code, Slice message) noexcept nogil:
    cdef char name[48]
    cdef int n = snprintf(name, sizeof(name), "%.30s status %u", protocol, <unsigned int>status)
    cdef const char *end = <const char *>memchr(message.p, c"\n", message.n) if message.n else NULL
    cdef bint unknown = _not_found(slice_of(name, <size_t>n), message)
    if end != NULL:
        # Dubbo puts the stack trace behind it.
        message.n = <uint32_t>(end - message.p)
    error_write(json, slice_of(name, <size_t>n), message)
    return 404 if unknown else code


cdef int _field(HessianIn *h, Slice field, Slice *name, Slice *message) noexcept nogil:
    # What Dubbo's GenericException says of the exception that it stands for goes before its own.
    cdef Slice said
    if slice_is(field, "detailMessage"):
        return hj_text(h, message if message.n == 0 else &said)
    if slice_is(field, "exceptionClass") or slice_is(field, "exceptionMessage"):
        if hj_text(h, &said) < 0:
            return -1
        if said.n:
            (name if slice_is(field, "exceptionClass") else message)[0] = said
        return 0
    return hj_skip(h)


cdef int error_read(HessianIn *h, Slice *name, Slice *message) noexcept nogil:
    cdef const HessianClass *found = NULL
    cdef HessianClass of
    cdef uint32_t i
    cdef int said = hj_object(h, &found)
    name[0] = slice_of("exception", 9)
    message[0] = slice_of(NULL, 0)
    if said:
        return hj_text(h, message) if said > 0 else -1
    of = found[0]
    name[0] = of.name
    for i in range(of.count):
        if _field(h, h.fields[of.first + i], name, message) < 0:
            return -1
    return 0


cdef int error_of_object(HessianIn *h) noexcept nogil:
    cdef Slice name, message
    if error_read(h, &name, &message) < 0:
        return -1
    return error_write(h.json, name, message)
