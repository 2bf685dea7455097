# The deadlines of a stream: route, try, idle, duration, request, back-off.

from mosn._fastpath.engine.types cimport Engine, Timer


# Timer.fire of Stream.timer.
cdef void attempt_timer(Engine *engine, Timer *timer) noexcept nogil
