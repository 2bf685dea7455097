# The one shared-memory segment of a box: counters, gauges, histograms, limits, log rings.
#
# Made by the master (memfd), mapped by everybody.  Each worker has a region of its own and only it writes there, so
# adding is a plain store; readers sum over regions.  Counters and histograms of a region go on when the worker is
# replaced (they never go back); gauges and limit slots are zeroed by the master once the old worker is reaped.

from libc.stdint cimport int64_t, uint32_t, uint64_t

from mosn._fastpath.shm.ring cimport Ring


cdef struct Region:
    # What one worker writes.  Index 0 of each array is a sink for "no statistics".
    uint64_t *counters
    int64_t *gauges
    uint64_t *histograms        # HISTOGRAM_WORDS words each: buckets, then sum and count
    uint32_t *limits            # rows of LIMIT_KINDS slots
    Ring ring


cdef struct Limits:
    # The limit slots of every region, for summing.
    uint32_t *first             # region 0's slots
    uint64_t stride             # bytes from one region's slots to the next's
    uint32_t workers            # regions in use


cdef enum LimitKind:
    LIMIT_CONNECTIONS = 0
    LIMIT_PENDING
    LIMIT_REQUESTS
    LIMIT_RETRIES
    LIMIT_KINDS

cdef inline void count(Region *region, uint32_t index, uint64_t n) noexcept nogil:
    region.counters[index] += n

cdef inline void gauge(Region *region, uint32_t index, int64_t n) noexcept nogil:
    region.gauges[index] += n

# Record one value (any unit) into histogram `index`.
cdef void histogram_record(Region *region, uint32_t index, uint64_t value) noexcept nogil

# Take one of `maximum` of a box-wide limit: row `row`, kind `kind`.  1 taken, 0 refused.  Never more than maximum
# are out at once over all workers (own slot is raised, then all are summed); two that race for the last one may both
# be refused.
cdef bint limit_take(Region *region, const Limits *limits, uint32_t row, int kind, uint32_t maximum) noexcept nogil
cdef inline void limit_give(Region *region, uint32_t row, int kind) noexcept nogil:
    region.limits[row * LIMIT_KINDS + kind] -= 1
cdef uint32_t limit_sum(const Limits *limits, uint32_t row, int kind) noexcept nogil


cdef class Segment:
    # Segment.create(workers: int) -> Segment (new memfd); Segment.attach(fd) maps an existing one, ValueError when
    # its layout version is not ours.
    cdef readonly int fd
    cdef readonly int workers
    cdef char *base
    cdef uint64_t size
    cdef Region *region(self, int worker) noexcept
    cdef Limits limits(self) noexcept
