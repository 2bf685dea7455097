# Python's face of what workers do to shared memory: for tests and benchmarks.

import os

from libc.stdint cimport int64_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

from mosn._fastpath.shm.ring cimport ring_put
from mosn._fastpath.shm.segment cimport (
    Limits, Region, Segment, WorkerStatus, count, gauge, histogram_bound, histogram_bucket, histogram_record,
    limit_give, limit_take,
)

cdef extern from *:
    """
    #define mosn_add32(p, n) __atomic_add_fetch((p), (n), __ATOMIC_SEQ_CST)
    """
    uint32_t add32 "mosn_add32"(uint32_t *p, int n) noexcept nogil


cdef Region *region_of(Segment segment, int worker) except NULL:
    cdef Region *region = segment.region(worker)
    if region == NULL:
        raise IndexError(f"no worker {worker}")
    return region


def bucket_of(uint64_t value):
    return histogram_bucket(value)


def bound_of(uint32_t bucket):
    return histogram_bound(bucket)


def count_many(Segment segment, int worker, uint32_t index, uint64_t n, uint64_t each=1):
    """Count n times, one after the other."""
    cdef Region *region = region_of(segment, worker)
    cdef uint64_t _
    with nogil:
        for _ in range(n):
            count(region, index, each)
            # Another slot between, so that the compiler cannot make one addition of all.
            count(region, 0, 1)


def add_gauge(Segment segment, int worker, uint32_t index, int64_t n):
    gauge(region_of(segment, worker), index, n)


def record(Segment segment, int worker, uint32_t index, values):
    cdef Region *region = region_of(segment, worker)
    for value in values:
        histogram_record(region, index, value)


def record_many(Segment segment, int worker, uint32_t index, uint64_t n):
    cdef Region *region = region_of(segment, worker)
    cdef uint64_t i
    with nogil:
        for i in range(n):
            histogram_record(region, index, i & 0xFFFFF)


def take(Segment segment, int worker, uint32_t row, int kind, uint32_t maximum):
    cdef Limits limits = segment.limits()
    return bool(limit_take(region_of(segment, worker), &limits, row, kind, maximum))


def give(Segment segment, int worker, uint32_t row, int kind):
    limit_give(region_of(segment, worker), row, kind)


def take_and_give(Segment segment, int worker, uint32_t row, int kind, uint32_t maximum, uint64_t n):
    """n times; returns how often one was taken."""
    cdef Region *region = region_of(segment, worker)
    cdef Limits limits = segment.limits()
    cdef uint64_t taken = 0
    cdef uint64_t _
    with nogil:
        for _ in range(n):
            if limit_take(region, &limits, row, kind, maximum):
                limit_give(region, row, kind)
                taken += 1
    return taken


def most_out(Segment segment, int worker, uint32_t row, int kind, uint32_t maximum, uint64_t n, uint32_t holders):
    """As take_and_give, while limit slot `holders` of worker 0 counts atomically who holds one.  Returns how often one
    was taken and the greatest count that was seen."""
    cdef Region *region = region_of(segment, worker)
    cdef uint32_t *held = segment.regions[0].limits + holders
    cdef Limits limits = segment.limits()
    cdef uint64_t taken = 0
    cdef uint32_t most = 0
    cdef uint32_t now
    cdef uint64_t _
    with nogil:
        for _ in range(n):
            if limit_take(region, &limits, row, kind, maximum):
                now = add32(held, 1)
                most = now if now > most else most
                add32(held, -1)
                limit_give(region, row, kind)
                taken += 1
    return taken, most


def put(Segment segment, int worker, uint16_t kind, uint16_t sink, bytes data not None):
    return ring_put(&region_of(segment, worker).ring, kind, sink, data, len(data)) == 0


def put_many(Segment segment, int worker, bytes data not None, uint64_t n):
    """Returns how many found room."""
    cdef Region *region = region_of(segment, worker)
    cdef const char *p = data
    cdef uint32_t size = len(data)
    cdef uint64_t stored = 0
    cdef uint64_t _
    with nogil:
        for _ in range(n):
            stored += ring_put(&region.ring, 1, 1, p, size) == 0
    return stored


def put_numbers(Segment segment, int worker, uint64_t first, uint64_t n, bint wait=True):
    """Records of 8 to 207 bytes that start with their number; `wait` tries again until there is room."""
    cdef Region *region = region_of(segment, worker)
    cdef char[256] text
    cdef uint64_t number
    cdef uint32_t i
    with nogil:
        for number in range(first, first + n):
            for i in range(8, 256):
                text[i] = <char>(number + i)
            memcpy(text, &number, 8)
            while ring_put(&region.ring, <uint16_t>number, 7, text, 8 + number % 200) < 0 and wait:
                pass


def set_status(Segment segment, int worker, uint64_t state, uint64_t heartbeat_us=0, uint64_t loop_max_us=0):
    cdef WorkerStatus *status = region_of(segment, worker).status
    status.pid = os.getpid()
    status.heartbeat_us = heartbeat_us
    status.loop_max_us = loop_max_us
    status.state = state
