"""The protocols that this build speaks: one line each (see frame.pxd)."""

from libc.string cimport memcmp, strlen

from mosn._fastpath.codec.bolt cimport bolt_codec
from mosn._fastpath.codec.dubbo cimport dubbo_codec
from mosn._fastpath.codec.frame cimport FrameCodec

cdef enum:
    CODECS = 2

cdef const FrameCodec *codecs[CODECS]
codecs[0] = bolt_codec()
codecs[1] = dubbo_codec()


cdef const FrameCodec *frame_codec(const char *name, size_t n) noexcept nogil:
    cdef int i
    for i in range(CODECS):
        if strlen(codecs[i].name) == n and memcmp(codecs[i].name, name, n) == 0:
            return codecs[i]
    return NULL


def protocols() -> list[str]:
    cdef int i
    return [codecs[i].name.decode() for i in range(CODECS)]


def detectable() -> list[str]:
    cdef int i
    return [codecs[i].name.decode() for i in range(CODECS) if codecs[i].matches != NULL]
