# A BOLT request's head for rules that look at no header.

from mosn._fastpath.codec.frame cimport Frame, FrameLimits
from mosn._fastpath.head cimport Head


# read_head for SKIP_HEADERS: the header map is stepped over, so that one that cannot be read is refused here too.
# 0, -1, or 1: it has headers that steer a proxy (x-envoy-...), and has to be read whole.
cdef int bolt_skim(const char *p, Frame *frame, const FrameLimits *limits, Head *head) noexcept nogil
