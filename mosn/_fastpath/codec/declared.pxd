# Protocols that are described: the FrameCodec of a Declared.

from mosn._fastpath.codec.declared_types cimport Declared


# Fill the codec's functions in.
cdef void declared_init(Declared *declared) noexcept nogil
