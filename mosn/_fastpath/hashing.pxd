# The two hashes that Envoy's ring hash, Maglev and hash policies use.  Little-endian machines (x86-64, arm64).

from libc.stdint cimport uint64_t


cdef enum:
    MURMUR2_SEED = 0xC70F6907       # libstdc++'s std::hash seed, which Envoy's murmur2 uses


# XXH64 of n bytes at p (https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md).  p may be NULL when n is 0.
cdef uint64_t xxh64(const char *p, size_t n, uint64_t seed) noexcept nogil
# MurmurHash2, 64 bits, as libstdc++ has it (Envoy's MURMUR_HASH_2 with MURMUR2_SEED).
cdef uint64_t murmur2(const char *p, size_t n, uint64_t seed) noexcept nogil
