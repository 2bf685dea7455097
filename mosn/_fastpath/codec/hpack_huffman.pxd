# The Huffman code of HPACK (RFC 7541 section 5.2, appendix B), decoded by a state machine that takes four bits a step.

from libc.stdint cimport int64_t


# Decode n bytes at p into out, which has room for hpack_huffman_room(n) bytes.  How many came out, or -1: the code
# for end of string stands in it, or its padding is longer than 7 bits or not all ones.
cdef int64_t hpack_huffman_decode(const char *p, size_t n, char *out) noexcept nogil
# How many bytes the code of n bytes at p takes.
cdef size_t hpack_huffman_size(const char *p, size_t n) noexcept nogil
# Write the code of n bytes at p; where it ends.  out has room for hpack_huffman_size(p, n) bytes.
cdef char *hpack_huffman_put(char *out, const char *p, size_t n) noexcept nogil

cdef inline size_t hpack_huffman_room(size_t n) noexcept nogil:
    # The shortest code has 5 bits; one byte more is written than counted.
    return n * 8 // 5 + 2
