from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

cdef extern from *:
    """
    #define MOSN_XXH_PRIME1 0x9E3779B185EBCA87ULL
    #define MOSN_XXH_PRIME2 0xC2B2AE3D27D4EB4FULL
    #define MOSN_XXH_PRIME3 0x165667B19E3779F9ULL
    #define MOSN_XXH_PRIME4 0x85EBCA77C2B2AE63ULL
    #define MOSN_XXH_PRIME5 0x27D4EB2F165667C5ULL
    #define MOSN_MURMUR_MULTIPLIER 0xC6A4A7935BD1E995ULL
    """
    const uint64_t PRIME1 "MOSN_XXH_PRIME1"
    const uint64_t PRIME2 "MOSN_XXH_PRIME2"
    const uint64_t PRIME3 "MOSN_XXH_PRIME3"
    const uint64_t PRIME4 "MOSN_XXH_PRIME4"
    const uint64_t PRIME5 "MOSN_XXH_PRIME5"
    const uint64_t MULTIPLIER "MOSN_MURMUR_MULTIPLIER"


cdef inline uint64_t read64(const char *p) noexcept nogil:
    cdef uint64_t value
    memcpy(&value, p, 8)
    return value


cdef inline uint32_t read32(const char *p) noexcept nogil:
    cdef uint32_t value
    memcpy(&value, p, 4)
    return value


cdef inline uint64_t rotate(uint64_t value, int bits) noexcept nogil:
    return (value << bits) | (value >> (64 - bits))


cdef inline uint64_t xxh_round(uint64_t lane, uint64_t value) noexcept nogil:
    return rotate(lane + value * PRIME2, 31) * PRIME1


cdef inline uint64_t xxh_merge(uint64_t hash, uint64_t lane) noexcept nogil:
    return (hash ^ xxh_round(0, lane)) * PRIME1 + PRIME4


cdef inline uint64_t xxh_avalanche(uint64_t hash) noexcept nogil:
    hash = (hash ^ (hash >> 33)) * PRIME2
    hash = (hash ^ (hash >> 29)) * PRIME3
    return hash ^ (hash >> 32)


cdef uint64_t xxh_stripes(const char *p, size_t stripes, uint64_t seed) noexcept nogil:
    # 32 bytes at a time over four lanes.
    cdef uint64_t a = seed + PRIME1 + PRIME2
    cdef uint64_t b = seed + PRIME2
    cdef uint64_t c = seed
    cdef uint64_t d = seed - PRIME1
    cdef size_t _
    cdef uint64_t hash
    for _ in range(stripes):
        a = xxh_round(a, read64(p))
        b = xxh_round(b, read64(p + 8))
        c = xxh_round(c, read64(p + 16))
        d = xxh_round(d, read64(p + 24))
        p += 32
    hash = rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18)
    return xxh_merge(xxh_merge(xxh_merge(xxh_merge(hash, a), b), c), d)


cdef uint64_t xxh64(const char *p, size_t n, uint64_t seed) noexcept nogil:
    cdef uint64_t hash = seed + PRIME5
    cdef size_t left = n
    if n >= 32:
        hash = xxh_stripes(p, n >> 5, seed)
        p += n & ~<size_t>31
        left = n & 31
    hash += n
    while left >= 8:
        hash = rotate(hash ^ xxh_round(0, read64(p)), 27) * PRIME1 + PRIME4
        p += 8
        left -= 8
    if left >= 4:
        hash = rotate(hash ^ (<uint64_t>read32(p) * PRIME1), 23) * PRIME2 + PRIME3
        p += 4
        left -= 4
    while left:
        hash = rotate(hash ^ (<uint64_t>(<const uint8_t *>p)[0] * PRIME5), 11) * PRIME1
        p += 1
        left -= 1
    return xxh_avalanche(hash)


cdef inline uint64_t shift_mix(uint64_t value) noexcept nogil:
    return value ^ (value >> 47)


cdef uint64_t murmur2(const char *p, size_t n, uint64_t seed) noexcept nogil:
    cdef uint64_t hash = seed ^ (n * MULTIPLIER)
    cdef uint64_t tail = 0
    cdef size_t _
    for _ in range(n >> 3):
        hash = (hash ^ (shift_mix(read64(p) * MULTIPLIER) * MULTIPLIER)) * MULTIPLIER
        p += 8
    if n & 7:
        memcpy(&tail, p, n & 7)
        hash = (hash ^ tail) * MULTIPLIER
    return shift_mix(shift_mix(hash) * MULTIPLIER)


def xxh64_of(bytes data not None, uint64_t seed=0):
    """XXH64 of `data`, for code outside the fast path and for tests."""
    return xxh64(data, len(data), seed)


def murmur2_of(bytes data not None, uint64_t seed=MURMUR2_SEED):
    """Envoy's MURMUR_HASH_2 of `data`."""
    return murmur2(data, len(data), seed)
