# The atomic operations that shared memory needs, as the compiler's builtins.
#
# Values have one writer each; a relaxed load or store is a plain move that the compiler may neither tear nor repeat.

from libc.stdint cimport uint32_t, uint64_t, int64_t

cdef extern from *:
    """
    #define mosn_load(p) __atomic_load_n((p), __ATOMIC_RELAXED)
    #define mosn_load_acquire(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
    #define mosn_store(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
    #define mosn_store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
    #define mosn_exchange(p, v) __atomic_exchange_n((p), (v), __ATOMIC_SEQ_CST)
    #define mosn_fence() __atomic_thread_fence(__ATOMIC_SEQ_CST)
    static inline void mosn_raise32(uint32_t *p, uint32_t v) {
        uint32_t seen = __atomic_load_n(p, __ATOMIC_RELAXED);
        while (seen < v && !__atomic_compare_exchange_n(p, &seen, v, 0, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {}
    }
    """
    uint64_t load64 "mosn_load"(const uint64_t *p) noexcept nogil
    int64_t load64_signed "mosn_load"(const int64_t *p) noexcept nogil
    uint32_t load32 "mosn_load"(const uint32_t *p) noexcept nogil
    uint64_t load64_acquire "mosn_load_acquire"(const uint64_t *p) noexcept nogil
    void store64 "mosn_store"(uint64_t *p, uint64_t value) noexcept nogil
    void store32 "mosn_store"(uint32_t *p, uint32_t value) noexcept nogil
    void store64_release "mosn_store_release"(uint64_t *p, uint64_t value) noexcept nogil
    # Sequentially consistent: what was stored before is seen by everybody before anything is loaded after.
    uint64_t exchange64 "mosn_exchange"(uint64_t *p, uint64_t value) noexcept nogil
    uint32_t exchange32 "mosn_exchange"(uint32_t *p, uint32_t value) noexcept nogil
    void fence "mosn_fence"() noexcept nogil
    # *p becomes value if it was less.
    void raise32 "mosn_raise32"(uint32_t *p, uint32_t value) noexcept nogil
