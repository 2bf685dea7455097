# The request model of a Dubbo frame.

from libc.stdint cimport int32_t

from mosn._fastpath.codec.frame cimport Frame, FrameCodec, FrameLimits
from mosn._fastpath.codec.hessian2 cimport H2Entry
from mosn._fastpath.head cimport Head


# FrameCodec.read_head: dubbo_read_service, then dubbo_read_attachments for a request unless they are to be skipped.
cdef int dubbo_read_head(const FrameCodec *self, const char *p, Frame *frame, const FrameLimits *limits,
                         Head *head) noexcept nogil
# What routing by service and method needs, and not a byte behind it: the same head without the attachments.
cdef int dubbo_read_service(const FrameCodec *self, const char *p, Frame *frame, const FrameLimits *limits,
                            Head *head) noexcept nogil
# Add the attachments to a head that dubbo_read_service made of the same frame and nothing was added to since.  The
# arguments are stepped over, so this costs what they are long.  0, or -1 (FRAME_BAD_HEADERS): they cannot be read, are
# more than limits.headers, or one is there twice, of which the server would take another than a rule here.
cdef int dubbo_read_attachments(const char *p, Frame *frame, const FrameLimits *limits, Head *head) noexcept nogil
# FrameCodec.read_rest: dubbo_read_attachments.
cdef int dubbo_read_rest(const FrameCodec *self, const char *p, Frame *frame, const FrameLimits *limits,
                         Head *head) noexcept nogil
# FrameCodec.set_timeout: the attachment, where there is one.
cdef void dubbo_set_timeout(const FrameCodec *self, const Frame *frame, Head *head, int32_t timeout_ms) noexcept nogil
# FrameCodec.calls_back: does "sys_callback_arg-" stand in the last 8 KiB, where the attachments are?  They are not
# read for this; one who is taken for a caller back without being one only gets a connection of its own.
cdef bint dubbo_calls_back(const FrameCodec *self, const char *p, const Frame *frame) noexcept nogil
# Is this attachment a header?
cdef bint dubbo_is_header(const H2Entry *entry) noexcept nogil
