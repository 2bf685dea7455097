# Compiling a mosn.model.Declaration.  Needs the GIL; for the main thread.

from mosn._fastpath.codec.frame cimport FrameCodec


# Equal declarations are one codec, which lives for ever.  Raises ValueError: it makes no sense, or MOST_DECLARATIONS
# different ones were made by this process.
cdef const FrameCodec *declared_codec(dict spec) except NULL
