"""Latencies in the manner of HdrHistogram: 128 steps a power of two, so under 0.8 % error at any size."""

from libc.stdint cimport uint64_t

cdef extern from *:
    int highest_bit "63 - __builtin_clzll" (unsigned long long value) noexcept nogil

cdef enum:
    STEPS = 128
    STEP_BITS = 7
    SLOTS = 58 * 128


cdef struct Histogram:
    uint64_t counts[SLOTS]
    uint64_t total
    uint64_t greatest       # nanoseconds


cdef inline int slot_of(uint64_t nanoseconds) noexcept nogil:
    cdef int shift
    if nanoseconds < STEPS:
        return <int>nanoseconds
    shift = highest_bit(nanoseconds) - STEP_BITS
    return (shift << STEP_BITS) + <int>(nanoseconds >> shift)


cdef inline uint64_t value_of(int slot) noexcept nogil:
    """The middle of a slot, in nanoseconds."""
    cdef int shift
    if slot < 2 * STEPS:
        return <uint64_t>slot
    shift = (slot >> STEP_BITS) - 1
    return (<uint64_t>(STEPS + (slot & (STEPS - 1))) << shift) + ((<uint64_t>1 << shift) >> 1)


cdef inline void record(Histogram* histogram, uint64_t nanoseconds) noexcept nogil:
    histogram.counts[slot_of(nanoseconds)] += 1
    histogram.total += 1
    if nanoseconds > histogram.greatest:
        histogram.greatest = nanoseconds


cdef inline uint64_t quantile(const Histogram* histogram, double share) noexcept nogil:
    """The value that `share` of all records do not exceed, in nanoseconds; 0 when nothing was recorded."""
    cdef uint64_t wanted = <uint64_t>(share * <double>histogram.total + 0.999999)
    cdef uint64_t seen = 0
    cdef int slot
    for slot in range(SLOTS):
        seen += histogram.counts[slot]
        if seen >= wanted and seen > 0:
            return min(value_of(slot), histogram.greatest)
    return histogram.greatest
