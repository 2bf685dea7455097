from math import isqrt

from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc

from mosn._fastpath.memory cimport Slice
from mosn._fastpath.proxy.balance_least_request cimport least_request_policy
from mosn._fastpath.proxy.balance_policy cimport Candidates, Policy, PolicyOptions, next_random
from mosn._fastpath.proxy.balance_random cimport random_policy
from mosn._fastpath.proxy.balance_round_robin cimport round_robin_policy
from mosn._fastpath.proxy.maglev cimport maglev_policy
from mosn._fastpath.proxy.ring_hash cimport ring_hash_policy
from mosn._fastpath.proxy.types cimport Host, PickContext

from mosn._fastpath.proxy.balance_priority import PriorityHosts, priority_loads

cdef enum:
    POLICY_COUNT = 5

# The list of policies: a new one is a module and a line here.
cdef Policy[POLICY_COUNT] POLICIES
POLICIES[0] = round_robin_policy()
POLICIES[1] = least_request_policy()
POLICIES[2] = random_policy()
POLICIES[3] = ring_hash_policy()
POLICIES[4] = maglev_policy()


cdef const Policy *find_policy(str name) except NULL:
    cdef int i
    for i in range(POLICY_COUNT):
        if (<bytes>POLICIES[i].name).decode() == name:
            return &POLICIES[i]
    known = ", ".join(sorted((<bytes>POLICIES[i].name).decode() for i in range(POLICY_COUNT)))
    raise ValueError(f"unknown load balancing policy {name!r}; known are {known}")


# -- compiling (main thread)

cdef Balancer *balancer_new(Host **hosts, list specs, dict lb, uint64_t seed) except? NULL:
    if lb["policy"] == "original_dst":
        return NULL
    cdef const Policy *policy = find_policy(lb["policy"])
    cdef Balancer *balancer = <Balancer *>calloc(1, sizeof(Balancer))
    if balancer == NULL:
        raise MemoryError
    balancer.policy = policy
    try:
        set_options(&balancer.options, lb)
        build_levels(balancer, hosts, specs, lb, seed)
    except BaseException:
        balancer_free(balancer)
        raise
    return balancer


cdef void balancer_free(Balancer *balancer) noexcept nogil:
    cdef uint32_t i
    if balancer == NULL:
        return
    if balancer.levels != NULL:
        for i in range(balancer.level_count):
            free_candidates(balancer, &balancer.levels[i].healthy)
            free_candidates(balancer, &balancer.levels[i].degraded)
    free(balancer.levels)
    free(balancer)


def check_options(lb):
    # Envoy's limits.  A Maglev table that is no prime would never fill up.
    least, most = lb["minimum_ring_size"], lb["maximum_ring_size"]
    if lb["policy"] == "ring_hash" and not 1 <= least <= most <= 8 << 20:
        raise ValueError(f"minimum_ring_size {least} must be from 1 to maximum_ring_size {most}, which may be 8388608")
    if lb["policy"] == "maglev" and not (2 < lb["table_size"] <= 5000011 and is_prime(lb["table_size"])):
        raise ValueError(f"table_size {lb['table_size']} must be a prime number from 3 to 5000011")


def is_prime(n):
    return n == 2 or (n % 2 == 1 and all(n % divisor for divisor in range(3, isqrt(n) + 1, 2)))


cdef int set_options(PolicyOptions *options, dict lb) except -1:
    check_options(lb)
    options.choice_count = max(1, lb["choice_count"])
    options.active_request_bias = lb["active_request_bias"]
    options.minimum_ring_size = lb["minimum_ring_size"]
    options.maximum_ring_size = lb["maximum_ring_size"]
    options.murmur = lb["hash_function"] == "murmur_hash_2"
    options.table_size = lb["table_size"]
    options.hash_balance_factor = lb["hash_balance_factor"]
    return 0


def hash_key(host, use_hostname):
    # Envoy: envoy.lb metadata "hash_key", else the hostname if asked for, else the address.
    key = host["metadata"].get("hash_key") or (host["hostname"] if use_hostname else "") or host["address"]
    return key.encode("utf-8", "surrogateescape")


def split_levels(specs, keys):
    # For each priority up to the highest: places of all its hosts in `specs`, sorted by key.
    levels = [[] for _ in range(max((spec["priority"] for spec in specs), default=0) + 1)]
    for place in sorted(range(len(specs)), key=lambda place: (keys[place], specs[place]["address"])):
        levels[specs[place]["priority"]].append(place)
    return levels


def with_health(level, specs, health):
    return [place for place in level if specs[place]["health"] == health]


cdef int build_levels(Balancer *balancer, Host **hosts, list specs, dict lb, uint64_t seed) except -1:
    keys = [hash_key(spec, lb["use_hostname_for_hashing"]) for spec in specs]
    levels = split_levels(specs, keys)
    healthy = [with_health(level, specs, "healthy") for level in levels]
    degraded = [with_health(level, specs, "degraded") for level in levels]
    counts = [PriorityHosts(len(levels[i]), len(healthy[i]), len(degraded[i])) for i in range(len(levels))]
    loads = priority_loads(counts, min(100, round(lb["healthy_panic_threshold"])))
    balancer.levels = <Level *>calloc(len(levels), sizeof(Level))
    if balancer.levels == NULL:
        raise MemoryError
    balancer.level_count = len(levels)
    for i in range(len(levels)):
        if loads.panic[i]:
            healthy[i] = degraded[i] = levels[i]
            balancer.panic |= loads.healthy[i] + loads.degraded[i] > 0
        balancer.levels[i].panic = loads.panic[i]
        balancer.levels[i].healthy_load = loads.healthy[i]
        balancer.levels[i].degraded_load = loads.degraded[i]
        build_used(balancer, &balancer.levels[i].healthy, loads.healthy[i], hosts, specs, keys, healthy[i], seed)
        build_used(balancer, &balancer.levels[i].degraded, loads.degraded[i], hosts, specs, keys, degraded[i], seed)
    return 0


cdef int build_used(Balancer *balancer, Candidates *candidates, int load, Host **hosts, list specs, list keys,
                    list places, uint64_t seed) except -1:
    # Candidates that no request is sent to need no table.
    if load == 0 or not places:
        return 0
    if load == 100:
        balancer.only = candidates
    fill_candidates(candidates, hosts, specs, places)
    cdef Slice *slices = <Slice *>malloc(len(places) * sizeof(Slice))
    cdef int result
    if slices == NULL:
        raise MemoryError
    for i, place in enumerate(places):
        slices[i].p = <bytes>keys[place]
        slices[i].n = len(keys[place])
    candidates.keys = slices
    with nogil:
        result = balancer.policy.build(candidates, &balancer.options, seed)
    candidates.keys = NULL
    free(slices)
    if result < 0:
        raise MemoryError
    return 0


cdef int fill_candidates(Candidates *candidates, Host **hosts, list specs, list places) except -1:
    cdef uint32_t n = len(places)
    candidates.hosts = <Host **>malloc(n * sizeof(Host *))
    candidates.weights = <uint32_t *>malloc(n * sizeof(uint32_t))
    if candidates.hosts == NULL or candidates.weights == NULL:
        raise MemoryError
    candidates.count = n
    candidates.equal_weights = True
    for i, place in enumerate(places):
        candidates.hosts[i] = hosts[place]
        candidates.weights[i] = max(1, specs[place]["weight"])
        candidates.weight_sum += candidates.weights[i]
        if candidates.weights[i] != candidates.weights[0]:
            candidates.equal_weights = False
    return 0


cdef void free_candidates(Balancer *balancer, Candidates *candidates) noexcept nogil:
    if candidates.table != NULL:
        balancer.policy.release(candidates)
    free(candidates.hosts)
    free(candidates.weights)


# -- picking (engine thread)

cdef const Candidates *choose_level(const Balancer *balancer, uint64_t hash) noexcept nogil:
    cdef uint32_t percent = hash % 100
    cdef uint32_t passed = 0
    cdef uint32_t i
    for i in range(balancer.level_count):
        passed += balancer.levels[i].healthy_load
        if percent < passed:
            return &balancer.levels[i].healthy
    for i in range(balancer.level_count):
        passed += balancer.levels[i].degraded_load
        if percent < passed:
            return &balancer.levels[i].degraded
    return &balancer.levels[0].healthy


cdef Host *pick_once(const Balancer *balancer, PickContext *context, uint64_t hash, uint32_t attempt) noexcept nogil:
    cdef const Candidates *candidates = balancer.only
    if candidates == NULL:
        candidates = choose_level(balancer, hash)
    if candidates.table == NULL:
        return NULL
    return balancer.policy.pick(candidates, &balancer.options, hash, attempt, context.random)


cdef bint was_tried(const PickContext *context, const Host *host) noexcept nogil:
    cdef uint32_t i
    for i in range(context.tried_count):
        if context.tried[i] == host:
            return True
    return False


cdef Host *balancer_pick_slow(const Balancer *balancer, PickContext *context) noexcept nogil:
    cdef bint by_hash = balancer.policy.hashes and context.has_hash
    cdef uint64_t hash = context.hash if by_hash else next_random(context.random)
    cdef uint32_t draws = 1
    cdef uint32_t attempt
    cdef Host *host = NULL
    if context.tried_count:
        draws += context.attempts
    for attempt in range(draws):
        host = pick_once(balancer, context, hash, attempt)
        if host == NULL or not was_tried(context, host):
            return host
        if not balancer.policy.hashes:
            hash = next_random(context.random)
    return host
