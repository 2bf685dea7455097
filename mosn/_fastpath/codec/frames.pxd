# The protocols that this build speaks.

from mosn._fastpath.codec.frame cimport FrameCodec


# By name, or NULL.
cdef const FrameCodec *frame_codec(const char *name, size_t n) noexcept nogil
