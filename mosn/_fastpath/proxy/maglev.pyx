from libc.stdint cimport uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memset

from mosn._fastpath.hashing cimport xxh64
from mosn._fastpath.proxy.balance_bounded cimport within_bound
from mosn._fastpath.proxy.balance_policy cimport Candidates, Policy, PolicyOptions
from mosn._fastpath.proxy.types cimport Host

cdef enum:
    NOBODY = 0xFFFFFFFF


cdef struct Table:
    uint32_t size
    uint16_t *narrow            # index of the candidate; this one while there are fewer than 65536
    uint32_t *wide


cdef struct Permutation:
    # The order in which a host asks for places: offset, offset + skip, offset + 2 * skip ... modulo the size.
    uint32_t place
    uint32_t skip
    double weight               # share of all
    double target


cdef Permutation *permutations(const Candidates *candidates, uint32_t size) noexcept nogil:
    cdef Permutation *all = <Permutation *>calloc(candidates.count, sizeof(Permutation))
    cdef uint32_t i
    if all == NULL:
        return NULL
    for i in range(candidates.count):
        all[i].place = <uint32_t>(xxh64(candidates.keys[i].p, candidates.keys[i].n, 0) % size)
        all[i].skip = <uint32_t>(xxh64(candidates.keys[i].p, candidates.keys[i].n, 1) % (size - 1) + 1)
        all[i].weight = candidates.weights[i] / <double>candidates.weight_sum
    return all


cdef double greatest_weight(const Permutation *all, uint32_t count) noexcept nogil:
    cdef double greatest = 0
    cdef uint32_t i
    for i in range(count):
        if all[i].weight > greatest:
            greatest = all[i].weight
    return greatest


cdef inline void step(Permutation *host, uint32_t size) noexcept nogil:
    # Both are less than the size, so this is the modulo.
    host.place += host.skip
    if host.place >= size:
        host.place -= size


cdef inline void take_place(Permutation *host, uint32_t index, uint32_t *places, uint32_t size) noexcept nogil:
    # Ends because the size is prime: the host comes by every place.
    while places[host.place] != NOBODY:
        step(host, size)
    places[host.place] = index
    step(host, size)


cdef void fill(Permutation *all, uint32_t count, uint32_t *places, uint32_t size) noexcept nogil:
    # In turn each host takes its next free place; a host with half of the greatest weight every other turn.
    cdef double greatest = greatest_weight(all, count)
    cdef uint32_t taken = 0
    cdef uint32_t turn = 1
    cdef uint32_t i
    while taken < size:
        for i in range(count):
            if taken == size:
                return
            if turn * all[i].weight < all[i].target:
                continue
            all[i].target += greatest
            take_place(&all[i], i, places, size)
            taken += 1
        turn += 1


cdef int narrow_down(Table *table, uint32_t *places) noexcept nogil:
    cdef uint32_t i
    table.narrow = <uint16_t *>malloc(table.size * sizeof(uint16_t))
    if table.narrow == NULL:
        return -1
    for i in range(table.size):
        table.narrow[i] = <uint16_t>places[i]
    return 0


cdef int fill_table(Table *table, const Candidates *candidates) noexcept nogil:
    cdef uint32_t *places = <uint32_t *>malloc(table.size * sizeof(uint32_t))
    cdef Permutation *all = permutations(candidates, table.size)
    cdef int result = -1
    if places != NULL and all != NULL:
        memset(places, 0xFF, table.size * sizeof(uint32_t))
        fill(all, candidates.count, places, table.size)
        result = 0
        if candidates.count > 0xFFFF:
            table.wide = places
            places = NULL
        else:
            result = narrow_down(table, places)
    free(places)
    free(all)
    return result


cdef int build(Candidates *candidates, const PolicyOptions *options, uint64_t seed) noexcept nogil:
    cdef Table *table = <Table *>calloc(1, sizeof(Table))
    if table == NULL:
        return -1
    table.size = options.table_size
    candidates.table = table
    return fill_table(table, candidates)


cdef Host *pick(const Candidates *candidates, const PolicyOptions *options, uint64_t hash, uint32_t attempt,
                uint64_t *random) noexcept nogil:
    cdef Table *table = <Table *>candidates.table
    cdef uint64_t place
    if attempt:
        # Envoy's: most bits change, so that retries do not all meet the same other host.
        hash ^= ~<uint64_t>attempt + 1
    place = hash % table.size
    return within_bound(candidates, options, hash,
                        candidates.hosts[table.narrow[place] if table.narrow != NULL else table.wide[place]])


cdef void release(Candidates *candidates) noexcept nogil:
    cdef Table *table = <Table *>candidates.table
    free(table.narrow)
    free(table.wide)
    free(table)
    candidates.table = NULL


cdef Policy maglev_policy() noexcept nogil:
    return Policy(b"maglev", 1, build, pick, release)
