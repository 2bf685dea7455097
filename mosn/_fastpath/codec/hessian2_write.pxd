# Writing Hessian 2.0.  All return 0, or -1 when out of memory.

from libc.stdint cimport int32_t

from mosn._fastpath.memory cimport BlockPool, Buf, Slice


# UTF-8 in, as Java writes it out: characters beyond the BMP as two surrogates of three bytes each; chunks of 32 Ki
# units.  A byte that is not UTF-8 becomes "?".
cdef int h2_put_string(BlockPool *pool, Buf *out, Slice text) noexcept nogil
# The same in the early draft of version 2 that SOFARPC speaks (hessian2_sofa.pxd), if `draft`.
cdef int h2_put_text(BlockPool *pool, Buf *out, Slice text, bint draft) noexcept nogil
cdef int h2_put_int(BlockPool *pool, Buf *out, int32_t value) noexcept nogil
cdef int h2_put_null(BlockPool *pool, Buf *out) noexcept nogil
# H2_PUT_MAP, then keys and values, then H2_PUT_END.
cdef int h2_put_tag(BlockPool *pool, Buf *out, char tag) noexcept nogil

# org.apache.dubbo.rpc.RpcException{code, detailMessage}, in a stream that has defined no class.
cdef int h2_put_rpc_exception(BlockPool *pool, Buf *out, int32_t code, Slice message) noexcept nogil
