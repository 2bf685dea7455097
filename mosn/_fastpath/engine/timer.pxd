# Hierarchical timing wheel: O(1) to arm and cancel, 1 ms resolution, up to 49 days.

from libc.stdint cimport uint64_t

from mosn._fastpath.engine.types cimport Engine, Timer, Wheel


cdef void wheel_init(Wheel *wheel, uint64_t now_ms) noexcept nogil
# (Re-)arm: fires once, at or after `delay_ms` from the engine's now.
cdef void timer_arm(Engine *engine, Timer *timer, uint64_t delay_ms) noexcept nogil
cdef void timer_cancel(Engine *engine, Timer *timer) noexcept nogil
cdef void timers_run(Engine *engine) noexcept nogil
# Milliseconds until something may be due, at most `cap`; for epoll_wait.
cdef int timers_wait(Engine *engine, int cap) noexcept nogil

cdef inline bint timer_armed(const Timer *timer) noexcept nogil:
    return timer.prev != NULL
