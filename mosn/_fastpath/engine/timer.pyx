"""Timing wheel of the engine (see timer.pxd).

Four levels of 256 slots: level 0 holds the next 256 ms one slot a tick, level 1 the next 65 s, and so on; when a level
wraps, the next slot of the level above is spread over it ("Hashed and hierarchical timing wheels", Varghese and
Lauck, 1987).
"""

from libc.stdint cimport uint64_t

from mosn._fastpath.engine.types cimport WHEEL_LEVELS, WHEEL_SLOTS, Engine, Timer, Wheel


cdef void wheel_init(Wheel *wheel, uint64_t now_ms) noexcept nogil:
    cdef int level, slot
    cdef Timer *head
    wheel.now = now_ms
    wheel.armed = 0
    for level in range(WHEEL_LEVELS):
        for slot in range(WHEEL_SLOTS):
            head = &wheel.slots[level][slot]
            head.next = head
            head.prev = head


cdef inline void insert(Wheel *wheel, Timer *timer) noexcept nogil:
    cdef uint64_t delta = timer.due - wheel.now
    cdef int level = 0
    cdef Timer *head
    if delta >= <uint64_t>1 << 32:
        timer.due = wheel.now + (<uint64_t>1 << 32) - 1
        delta = timer.due - wheel.now
    while delta >= WHEEL_SLOTS:
        delta >>= 8
        level += 1
    head = &wheel.slots[level][(timer.due >> (8 * level)) & (WHEEL_SLOTS - 1)]
    timer.next = head
    timer.prev = head.prev
    head.prev.next = timer
    head.prev = timer


cdef inline void unlink(Timer *timer) noexcept nogil:
    timer.prev.next = timer.next
    timer.next.prev = timer.prev
    timer.prev = NULL
    timer.next = NULL


cdef void timer_arm(Engine *engine, Timer *timer, uint64_t delay_ms) noexcept nogil:
    cdef Wheel *wheel = &engine.wheel
    if timer.prev != NULL:
        unlink(timer)
    else:
        wheel.armed += 1
    timer.due = engine.now_ms + delay_ms
    if timer.due <= wheel.now:
        timer.due = wheel.now + 1
    insert(wheel, timer)


cdef void timer_cancel(Engine *engine, Timer *timer) noexcept nogil:
    if timer.prev != NULL:
        unlink(timer)
        engine.wheel.armed -= 1


cdef void cascade(Wheel *wheel, int level, int slot) noexcept nogil:
    # Spread one slot over the levels below.
    cdef Timer *head = &wheel.slots[level][slot]
    cdef Timer *timer
    while head.next != head:
        timer = head.next
        unlink(timer)
        insert(wheel, timer)


cdef void tick(Engine *engine) noexcept nogil:
    cdef Wheel *wheel = &engine.wheel
    cdef uint64_t now
    cdef int level
    cdef Timer *head
    cdef Timer *timer
    wheel.now += 1
    now = wheel.now
    for level in range(1, WHEEL_LEVELS):
        if now & ((<uint64_t>1 << (8 * level)) - 1):
            break
        cascade(wheel, level, (now >> (8 * level)) & (WHEEL_SLOTS - 1))
    head = &wheel.slots[0][now & (WHEEL_SLOTS - 1)]
    while head.next != head:
        timer = head.next
        unlink(timer)
        wheel.armed -= 1
        timer.fire(engine, timer)


cdef void timers_run(Engine *engine) noexcept nogil:
    cdef Wheel *wheel = &engine.wheel
    if wheel.armed == 0:
        wheel.now = engine.now_ms
        return
    while wheel.now < engine.now_ms:
        tick(engine)


cdef int timers_wait(Engine *engine, int cap) noexcept nogil:
    cdef Wheel *wheel = &engine.wheel
    cdef int ahead
    cdef uint64_t at
    cdef Timer *head
    if wheel.armed == 0:
        return cap
    for ahead in range(1, WHEEL_SLOTS):
        if ahead > cap:
            return cap
        at = wheel.now + ahead
        head = &wheel.slots[0][at & (WHEEL_SLOTS - 1)]
        # At a wrap the levels above may have something for the coming slots.
        if head.next != head or (at & (WHEEL_SLOTS - 1)) == 0:
            return ahead
    return min(cap, WHEEL_SLOTS)
