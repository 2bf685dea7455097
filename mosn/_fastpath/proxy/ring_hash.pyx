from libc.math cimport ceil
from libc.stdint cimport uint32_t, uint64_t
from libc.stdio cimport snprintf
from libc.stdlib cimport calloc, free, malloc, qsort
from libc.string cimport memcpy

from mosn._fastpath.hashing cimport MURMUR2_SEED, murmur2, xxh64
from mosn._fastpath.memory cimport Slice
from mosn._fastpath.proxy.balance_bounded cimport within_bound
from mosn._fastpath.proxy.balance_policy cimport Candidates, Policy, PolicyOptions
from mosn._fastpath.proxy.types cimport Host

cdef enum:
    LONGEST_KEY = 512


cdef struct Point:
    uint64_t hash
    uint32_t index


cdef struct Ring:
    uint64_t *hashes            # sorted
    uint32_t *indexes           # of candidates, beside them
    uint64_t size
    uint32_t *starts            # by the upper bits of a hash: the first point at or above that range
    int shift


cdef double ring_scale(const Candidates *candidates, const PolicyOptions *options) noexcept nogil:
    # So many points that the lightest host has a whole number of them and the ring its minimum size.
    cdef uint32_t least = candidates.weights[0]
    cdef uint32_t i
    cdef double share
    cdef double scale
    for i in range(candidates.count):
        if candidates.weights[i] < least:
            least = candidates.weights[i]
    share = least / <double>candidates.weight_sum
    scale = ceil(share * options.minimum_ring_size) / share
    return scale if scale < options.maximum_ring_size else <double>options.maximum_ring_size


cdef uint64_t point_hash(char *key, uint32_t n, uint64_t i, bint murmur) noexcept nogil:
    # key has room behind its first n bytes ("ADDRESS_").
    cdef int digits = snprintf(key + n, 24, b"%lu", <unsigned long>i)
    if murmur:
        return murmur2(key, n + digits, MURMUR2_SEED)
    return xxh64(key, n + digits, 0)


cdef uint64_t add_points(Point *points, uint64_t size, uint64_t most, double target, Slice key, uint32_t index,
                         bint murmur) noexcept nogil:
    # Points of one host until there are `target` in all; returns how many there are.
    cdef char[LONGEST_KEY + 32] text
    cdef uint32_t n = key.n if key.n < LONGEST_KEY else LONGEST_KEY
    cdef uint64_t i = 0
    memcpy(text, key.p, n)
    text[n] = b"_"
    while size < target and size < most:
        points[size].hash = point_hash(text, n + 1, i, murmur)
        points[size].index = index
        size += 1
        i += 1
    return size


cdef int by_hash(const void *a, const void *b) noexcept nogil:
    cdef const Point *left = <const Point *>a
    cdef const Point *right = <const Point *>b
    if left.hash != right.hash:
        return -1 if left.hash < right.hash else 1
    return -1 if left.index < right.index else <int>(left.index > right.index)


cdef Point *make_points(const Candidates *candidates, const PolicyOptions *options, uint64_t *size) noexcept nogil:
    cdef double scale = ring_scale(candidates, options)
    cdef uint64_t most = <uint64_t>ceil(scale) + candidates.count
    cdef Point *points = <Point *>malloc(most * sizeof(Point))
    cdef double target = 0
    cdef uint32_t i
    if points == NULL:
        return NULL
    for i in range(candidates.count):
        # A sum of shares, so that fractions carry over from host to host.
        target += scale * (candidates.weights[i] / <double>candidates.weight_sum)
        size[0] = add_points(points, size[0], most, target, candidates.keys[i], i, options.murmur)
    qsort(points, size[0], sizeof(Point), by_hash)
    return points


cdef int index_ring(Ring *ring) noexcept nogil:
    cdef uint64_t slots = 2
    cdef uint64_t slot
    cdef uint64_t at = 0
    ring.shift = 63
    while slots < ring.size:
        slots <<= 1
        ring.shift -= 1
    ring.starts = <uint32_t *>malloc(slots * sizeof(uint32_t))
    if ring.starts == NULL:
        return -1
    for slot in range(slots):
        while at < ring.size and ring.hashes[at] < slot << ring.shift:
            at += 1
        ring.starts[slot] = <uint32_t>at
    return 0


cdef int fill_ring(Ring *ring, const Candidates *candidates, const PolicyOptions *options) noexcept nogil:
    cdef Point *points = make_points(candidates, options, &ring.size)
    cdef uint64_t i
    if points == NULL:
        return -1
    ring.hashes = <uint64_t *>malloc(ring.size * sizeof(uint64_t))
    ring.indexes = <uint32_t *>malloc(ring.size * sizeof(uint32_t))
    if ring.hashes == NULL or ring.indexes == NULL:
        free(points)
        return -1
    for i in range(ring.size):
        ring.hashes[i] = points[i].hash
        ring.indexes[i] = points[i].index
    free(points)
    return index_ring(ring)


cdef int build(Candidates *candidates, const PolicyOptions *options, uint64_t seed) noexcept nogil:
    cdef Ring *ring = <Ring *>calloc(1, sizeof(Ring))
    if ring == NULL:
        return -1
    candidates.table = ring
    return fill_ring(ring, candidates, options)


cdef Host *pick(const Candidates *candidates, const PolicyOptions *options, uint64_t hash, uint32_t attempt,
                uint64_t *random) noexcept nogil:
    # The first point at or above the hash; hashes are spread evenly, so that the walk is about one step.
    cdef Ring *ring = <Ring *>candidates.table
    cdef uint64_t at = ring.starts[hash >> ring.shift]
    while at < ring.size and ring.hashes[at] < hash:
        at += 1
    if at + attempt >= ring.size:
        at = (at % ring.size + attempt) % ring.size
    else:
        at += attempt
    return within_bound(candidates, options, hash, candidates.hosts[ring.indexes[at]])


cdef void release(Candidates *candidates) noexcept nogil:
    cdef Ring *ring = <Ring *>candidates.table
    free(ring.hashes)
    free(ring.indexes)
    free(ring.starts)
    free(ring)
    candidates.table = NULL


cdef Policy ring_hash_policy() noexcept nogil:
    return Policy(b"ring_hash", 1, build, pick, release)
