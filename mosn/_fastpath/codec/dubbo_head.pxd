# The request model of a Dubbo frame.

from mosn._fastpath.codec.frame cimport Frame, FrameCodec, FrameLimits
from mosn._fastpath.codec.hessian2 cimport H2Entry
from mosn._fastpath.head cimport Head


# FrameCodec.read_head: dubbo_read_service, then dubbo_read_attachments for a request.
cdef int dubbo_read_head(const FrameCodec *self, const char *p, Frame *frame, const FrameLimits *limits,
                         Head *head) noexcept nogil
# What routing by service and method needs, and not a byte behind it: the same head without the attachments.
cdef int dubbo_read_service(const FrameCodec *self, const char *p, Frame *frame, const FrameLimits *limits,
                            Head *head) noexcept nogil
# Add the attachments to a head that dubbo_read_service made of the same frame and nothing was added to since.  The
# arguments are stepped over, so this costs what they are long.  0, or -1 (FRAME_BAD_HEADERS): they cannot be read, are
# more than limits.headers, or one is there twice, of which the server would take another than a rule here.
cdef int dubbo_read_attachments(const char *p, Frame *frame, const FrameLimits *limits, Head *head) noexcept nogil
# Is this attachment a header?
cdef bint dubbo_is_header(const H2Entry *entry) noexcept nogil
