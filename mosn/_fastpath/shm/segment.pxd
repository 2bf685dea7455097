# The one shared-memory segment of a box: counters, gauges, histograms, limits, log rings.
#
# Made by the master (memfd), mapped by everybody.  Each worker has a region of its own and only it writes there, so
# adding is a plain store; readers sum over regions.  Counters and histograms of a region go on when the worker is
# replaced (they never go back); gauges and limit slots are zeroed by the master once the old worker is reaped.
#
#     header | region 0 | region 1 | ... | region MAX_WORKERS - 1 | baseline of /reset_counters
#
# The maximums are generous because the memory is sparse: a page that nobody touched costs nothing.

from libc.stdint cimport int64_t, uint32_t, uint64_t

from mosn._fastpath.shm.ring_layout cimport Ring


cdef enum:
    LAYOUT_VERSION = 1          # raised when an older program could misread the segment
    MAX_WORKERS = 64
    MAX_COUNTERS = 2097152      # of each region
    MAX_GAUGES = 1048576
    MAX_HISTOGRAMS = 32768
    MAX_LIMIT_ROWS = 65280
    RING_BYTES = 4194304


cdef enum:
    # Log-linear: values below 8 have a bucket each, then every power of two has 8.  The last bucket starts at
    # 13 * 2**30 (3.9 hours in microseconds) and takes everything above.
    HISTOGRAM_BUCKETS = 254
    HISTOGRAM_SUM = 254
    HISTOGRAM_COUNT = 255
    HISTOGRAM_WORDS = 256       # 2 KiB: never across two pages


cdef struct WorkerStatus:
    # What a worker says about itself; zeroed when it is reaped.
    uint64_t pid
    uint64_t started_us         # wall clock, microseconds since 1970
    uint64_t heartbeat_us       # CLOCK_MONOTONIC, microseconds: when the engine's loop last went round
    uint64_t connections        # open client connections
    uint64_t loop_max_us        # longest turn of the loop since the reader last took it
    uint64_t snapshot           # number of snapshots installed
    uint64_t state              # WorkerState
    uint64_t spare


cdef enum WorkerState:
    WORKER_NONE = 0
    WORKER_STARTING
    WORKER_SERVING
    WORKER_DRAINING


cdef struct Region:
    # What one worker writes.  Index 0 of each array is a sink for "no statistics".
    uint64_t *counters
    int64_t *gauges
    uint64_t *histograms        # HISTOGRAM_WORDS words each: buckets, then sum and count
    uint32_t *limits            # rows of LIMIT_KINDS slots
    Ring ring
    WorkerStatus *status


cdef struct Limits:
    # The limit slots of every region, for summing.
    uint32_t *first             # region 0's slots
    uint64_t stride             # bytes from one region's slots to the next's
    const uint32_t *workers     # regions in use; grows when a worker starts in a new one


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

# Record one value into histogram `index`.  Times are recorded in microseconds, whatever their Envoy name says.
cdef void histogram_record(Region *region, uint32_t index, uint64_t value) noexcept nogil
# The bucket of a value, and the least value of a bucket.
cdef uint32_t histogram_bucket(uint64_t value) noexcept nogil
cdef uint64_t histogram_bound(uint32_t bucket) noexcept nogil

# Take one of `maximum` of a box-wide limit: row `row`, kind `kind`.  1 taken, 0 refused.  Never more than maximum
# are out at once over all workers (own slot is raised, then all are summed); two that race for the last one may both
# be refused.
cdef bint limit_take(Region *region, const Limits *limits, uint32_t row, int kind, uint32_t maximum) noexcept nogil
cdef inline void limit_give(Region *region, uint32_t row, int kind) noexcept nogil:
    region.limits[row * LIMIT_KINDS + kind] -= 1
cdef uint32_t limit_sum(const Limits *limits, uint32_t row, int kind) noexcept nogil


cdef struct SegmentHeader:
    uint64_t magic
    uint32_t layout             # LAYOUT_VERSION
    uint32_t workers            # regions in use: 0 .. workers - 1
    uint64_t size               # bytes of the whole segment
    uint64_t region_size
    uint32_t resets             # /reset_counters so far; 0: the baseline is all zero


cdef class Segment:
    # Segment.create(workers: int) -> Segment (new memfd); Segment.attach(fd) maps an existing one, ValueError when
    # its layout version is not ours.
    cdef readonly int fd
    cdef readonly int workers   # of create(); more regions may be in use since, see `regions_in_use`
    cdef char *base
    cdef uint64_t size
    cdef Region *regions        # MAX_WORKERS, then the baseline
    cdef SegmentHeader *header(self) noexcept
    # For the worker itself: region(w) marks it as in use.  NULL when the number is out of range.
    cdef Region *region(self, int worker) noexcept
    cdef Limits limits(self) noexcept
    # Private to the module; check* raise for a closed segment or an index outside of it.
    cdef int map(self, int fd) except -1
    cdef void lay_out(self, Region *region, char *at) noexcept
    cdef void write_header(self, int workers) noexcept
    cdef int check_header(self, bytes start, uint64_t size) except -1
    cdef int check(self, int64_t index, int64_t n, int64_t maximum, str what) except -1
    cdef int check_worker(self, int64_t worker) except -1
    cdef uint64_t *baseline(self) noexcept
    cdef uint64_t sum_counter(self, uint64_t index) noexcept
    cdef uint64_t read_counter(self, uint64_t index) noexcept
    cdef int64_t read_gauge(self, uint64_t index) noexcept
