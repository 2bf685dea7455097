# The engine's loop and its two queues.

from libc.stdint cimport uint32_t, uint64_t

from mosn._fastpath.engine.types cimport Engine, Queue, QueueItem


# 0, or -1 (errno) when descriptors or memory are missing.
cdef int engine_init(Engine *engine) except -1
cdef void engine_free(Engine *engine) noexcept nogil
# Until engine.running is 0.
cdef void engine_run(Engine *engine) noexcept nogil
cdef void engine_clock(Engine *engine) noexcept nogil
# 0, or -1 when full.
cdef int queue_put(Queue *queue, uint32_t kind, uint32_t value, void *pointer, double number) noexcept nogil
cdef bint queue_get(Queue *queue, QueueItem *item) noexcept nogil
cdef void engine_wake(int event_fd) noexcept nogil
# xorshift128+
cdef uint64_t random_next(uint64_t *state) noexcept nogil
