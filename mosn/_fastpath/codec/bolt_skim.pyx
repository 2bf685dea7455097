"""A BOLT frame's head for rules that look at no header (see bolt_skim.pxd)."""

from libc.stdint cimport int64_t, uint32_t

from mosn._fastpath.codec.bolt cimport BoltLayout, bolt_layout, bolt_set_path, bolt_text
from mosn._fastpath.codec.frame cimport SKIP_PATH, Frame, FrameLimits, be16
from mosn._fastpath.head cimport M_POST, Head
from mosn._fastpath.memory cimport Slice, slice_of


cdef inline bint folded(Slice name, const char *lower) noexcept nogil:
    cdef uint32_t i
    for i in range(name.n):
        if (name.p[i] | 0x20 if c'A' <= name.p[i] <= c'Z' else name.p[i]) != lower[i]:
            return False
    return True


cdef int skim_map(const char *p, uint32_t n, uint32_t most, Slice *service, Slice *method) noexcept nogil:
    # Lengths are checked as read_map does.  0, -1, or 1: a name that begins with x.
    cdef Slice name, value
    cdef const char *end = p + n
    cdef int64_t used
    while p < end:
        used = bolt_text(p, <uint32_t>(end - p), &name)
        if used < 0 or most == 0:
            return -1
        most -= 1
        p += used
        used = bolt_text(p, <uint32_t>(end - p), &value)
        if used < 0:
            return -1
        p += used
        if name.n == 0:
            continue
        if name.p[0] | 0x20 == c'x':
            return 1
        if (name.n == 24 and folded(name, "sofa_head_target_service")) or (
                name.n == 7 and service.n == 0 and folded(name, "service")):
            service[0] = value
        elif name.n == 21 and folded(name, "sofa_head_method_name"):
            method[0] = value
    return 0


cdef int bolt_skim(const char *p, Frame *frame, const FrameLimits *limits, Head *head) noexcept nogil:
    cdef const BoltLayout *layout = bolt_layout(frame)
    cdef uint32_t front = layout.fixed + be16(p + layout.lengths)
    cdef Slice service = slice_of("", 0)
    cdef Slice method = slice_of("", 0)
    cdef int found = skim_map(p + front, frame.head_length - front, limits.headers, &service, &method)
    if found:
        return found
    head.content_length = frame.body_end - frame.head_length
    head.method = slice_of("POST", 4)
    head.method_id = M_POST
    head.scheme = slice_of("bolt", 4)
    frame.first_header = 0
    frame.header_count = 0
    if not limits.skip & SKIP_PATH:
        return bolt_set_path(p, frame, head, service, method)
    head.authority = service
    head.path = slice_of("/", 1)
    return 0
