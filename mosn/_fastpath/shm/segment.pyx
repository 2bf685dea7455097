import fcntl
import os
from typing import NamedTuple

from libc.errno cimport errno
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport strerror
from posix.mman cimport MAP_FAILED, MAP_SHARED, PROT_READ, PROT_WRITE, mmap, munmap
from posix.unistd cimport close

from mosn._fastpath.shm.atomics cimport exchange32, load32, load64, load64_signed, raise32, store32, store64
from mosn._fastpath.shm.ring_layout cimport RingHeader

from mosn._fastpath.shm.histogram import HistogramData

cdef extern from "fcntl.h" nogil:
    int fallocate(int fd, int mode, long offset, long length)
    const int FALLOC_FL_PUNCH_HOLE
    const int FALLOC_FL_KEEP_SIZE

cdef extern from "sys/mman.h" nogil:
    int madvise(void *address, size_t length, int advice)
    const int MADV_DONTDUMP

cdef extern from *:
    """
    #define MOSN_SEGMENT_MAGIC 0x30314d48534e534dULL
    """
    const uint64_t MAGIC "MOSN_SEGMENT_MAGIC"
    int leading_zeros "__builtin_clzll"(unsigned long long value) noexcept nogil

# Offsets inside a region; all on page limits.  The first part is what dies with a worker, so that one hole clears it.
cdef enum:
    PAGE = 4096
    STATUS_AT = 0
    LIMITS_AT = STATUS_AT + PAGE
    # One row's slots of all workers are read together; this keeps them from competing for one set of the L1 cache.
    LIMITS_STAGGER = 64
    GAUGES_AT = LIMITS_AT + MAX_LIMIT_ROWS * LIMIT_KINDS * 4 + MAX_WORKERS * LIMITS_STAGGER
    CLEARED_BYTES = GAUGES_AT + MAX_GAUGES * 8
    RING_HEADER_AT = CLEARED_BYTES
    RING_AT = RING_HEADER_AT + PAGE
    COUNTERS_AT = RING_AT + RING_BYTES
    COUNTERS_BYTES = MAX_COUNTERS * 8
    HISTOGRAMS_AT = COUNTERS_AT + COUNTERS_BYTES
    REGION_BYTES = HISTOGRAMS_AT + MAX_HISTOGRAMS * HISTOGRAM_WORDS * 8


cdef uint64_t segment_bytes() noexcept nogil:
    return PAGE + <uint64_t>MAX_WORKERS * REGION_BYTES + COUNTERS_BYTES


cdef uint64_t region_at(int worker) noexcept nogil:
    return PAGE + <uint64_t>worker * REGION_BYTES


cdef uint32_t histogram_bucket(uint64_t value) noexcept nogil:
    cdef int octave
    cdef uint32_t bucket
    if value < 8:
        return <uint32_t>value
    octave = 60 - leading_zeros(value)
    bucket = <uint32_t>(8 * octave + (value >> octave))
    return bucket if bucket < HISTOGRAM_BUCKETS else HISTOGRAM_BUCKETS - 1


cdef uint64_t histogram_bound(uint32_t bucket) noexcept nogil:
    if bucket < 8:
        return bucket
    return (<uint64_t>(8 + bucket % 8)) << (bucket / 8 - 1)


cdef void histogram_record(Region *region, uint32_t index, uint64_t value) noexcept nogil:
    cdef uint64_t *words = region.histograms + <uint64_t>index * HISTOGRAM_WORDS
    words[histogram_bucket(value)] += 1
    words[HISTOGRAM_SUM] += value
    words[HISTOGRAM_COUNT] += 1


cdef inline uint32_t *limit_slot(const Limits *limits, uint32_t worker, uint32_t row, int kind) noexcept nogil:
    return <uint32_t *>(<char *>limits.first + worker * limits.stride) + row * LIMIT_KINDS + kind


cdef uint32_t limit_sum(const Limits *limits, uint32_t row, int kind) noexcept nogil:
    cdef uint32_t workers = load32(limits.workers)
    cdef uint32_t worker
    cdef uint32_t total = 0
    for worker in range(workers):
        total += load32(limit_slot(limits, worker, row, kind))
    return total


cdef bint limit_take(Region *region, const Limits *limits, uint32_t row, int kind, uint32_t maximum) noexcept nogil:
    cdef uint32_t *slot = region.limits + row * LIMIT_KINDS + kind
    cdef uint32_t own = slot[0] + 1
    if own > maximum:
        return 0
    if load32(limits.workers) == 1:
        slot[0] = own
        return 1
    # Raised before the others are read: of two workers that race, at least the later one sees both.
    exchange32(slot, own)
    if limit_sum(limits, row, kind) > maximum:
        store32(slot, own - 1)
        return 0
    return 1


class WorkerStatusData(NamedTuple):
    """What a worker says about itself.  Times in microseconds: `started_us` since 1970, `heartbeat_us` monotonic."""

    pid: int
    started_us: int
    heartbeat_us: int
    connections: int
    loop_max_us: int
    snapshot: int
    state: str


WORKER_STATES = ("none", "starting", "serving", "draining")


cdef class Segment:
    def __cinit__(self):
        self.fd = -1
        self.regions = <Region *>calloc(MAX_WORKERS, sizeof(Region))
        if self.regions == NULL:
            raise MemoryError

    def __init__(self):
        raise TypeError("use Segment.create(workers) or Segment.attach(fd)")

    def __dealloc__(self):
        if self.base != NULL:
            munmap(self.base, self.size)
        if self.fd >= 0:
            close(self.fd)
        free(self.regions)

    # -- making and mapping

    @staticmethod
    def create(int workers):
        if not 1 <= workers <= MAX_WORKERS:
            raise ValueError(f"workers must be 1 to {MAX_WORKERS}, not {workers}")
        fd = os.memfd_create("mosn", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        cdef Segment segment
        try:
            os.ftruncate(fd, segment_bytes())
            # The size is final, so that no mapping can ever meet a SIGBUS.
            fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
            segment = Segment.__new__(Segment)
            segment.map(fd)
        except BaseException:
            os.close(fd)
            raise
        segment.write_header(workers)
        segment.fd = fd
        segment.workers = workers
        return segment

    @staticmethod
    def attach(int fd):
        cdef Segment segment = Segment.__new__(Segment)
        size = os.fstat(fd).st_size
        if size < PAGE:
            raise ValueError(f"shared memory segment has {size} bytes: too few for its header")
        segment.check_header(os.pread(fd, sizeof(SegmentHeader), 0), size)
        segment.map(fd)
        segment.fd = fd
        segment.workers = segment.header().workers
        return segment

    def close(self):
        """Unmap and close.  Nothing may use a Region of this segment afterwards."""
        if self.base != NULL:
            munmap(self.base, self.size)
            self.base = NULL
        if self.fd >= 0:
            close(self.fd)
            self.fd = -1

    cdef int map(self, int fd) except -1:
        cdef uint64_t size = segment_bytes()
        cdef void *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)
        cdef int worker
        if base == MAP_FAILED:
            raise OSError(errno, f"cannot map {size} bytes of shared memory: {strerror(errno).decode()}")
        madvise(base, size, MADV_DONTDUMP)
        self.base = <char *>base
        self.size = size
        for worker in range(MAX_WORKERS):
            self.lay_out(&self.regions[worker], self.base + region_at(worker))
            self.regions[worker].limits = <uint32_t *>(
                self.base + region_at(worker) + LIMITS_AT + worker * LIMITS_STAGGER)
        return 0

    cdef void lay_out(self, Region *region, char *at) noexcept:
        region.counters = <uint64_t *>(at + COUNTERS_AT)
        region.gauges = <int64_t *>(at + GAUGES_AT)
        region.histograms = <uint64_t *>(at + HISTOGRAMS_AT)
        region.status = <WorkerStatus *>(at + STATUS_AT)
        region.ring.header = <RingHeader *>(at + RING_HEADER_AT)
        region.ring.bytes = at + RING_AT
        region.ring.wake_fd = -1

    cdef void write_header(self, int workers) noexcept:
        cdef SegmentHeader *header = self.header()
        header.magic = MAGIC
        header.layout = LAYOUT_VERSION
        header.workers = workers
        header.size = self.size
        header.region_size = REGION_BYTES

    cdef int check_header(self, bytes start, uint64_t size) except -1:
        cdef SegmentHeader header = (<SegmentHeader *><char *>start)[0]
        if header.magic != MAGIC:
            raise ValueError("not a shared memory segment of ours: wrong magic number")
        if header.layout != LAYOUT_VERSION:
            raise ValueError(f"shared memory has layout version {header.layout}, this program reads {LAYOUT_VERSION}")
        if size != segment_bytes() or header.size != size or header.region_size != REGION_BYTES:
            raise ValueError(f"shared memory has {size} bytes in regions of {header.region_size}, "
                             f"this program expects {segment_bytes()} in regions of {REGION_BYTES}")
        if not 1 <= header.workers <= MAX_WORKERS:
            raise ValueError(f"shared memory names {header.workers} workers, at most {MAX_WORKERS} are possible")
        return 0

    # -- for the fast path

    cdef SegmentHeader *header(self) noexcept:
        return <SegmentHeader *>self.base

    cdef Region *region(self, int worker) noexcept:
        if self.base == NULL or not 0 <= worker < MAX_WORKERS:
            return NULL
        raise32(&self.header().workers, worker + 1)
        return &self.regions[worker]

    cdef Limits limits(self) noexcept:
        cdef Limits limits
        limits.first = self.regions[0].limits
        limits.stride = REGION_BYTES + LIMITS_STAGGER
        limits.workers = &self.header().workers
        return limits

    # -- reading

    cdef int check(self, int64_t index, int64_t n, int64_t maximum, str what) except -1:
        if self.base == NULL:
            raise ValueError("the shared memory segment is closed")
        if index < 0 or n < 0 or index + n > maximum:
            raise IndexError(f"{what} {index} is outside 0..{maximum - 1}")
        return 0

    cdef int check_worker(self, int64_t worker) except -1:
        return self.check(worker, 1, MAX_WORKERS, "worker")

    cdef uint64_t *baseline(self) noexcept:
        return <uint64_t *>(self.base + region_at(MAX_WORKERS))

    cdef uint64_t sum_counter(self, uint64_t index) noexcept:
        cdef uint64_t total = 0
        cdef uint32_t worker
        for worker in range(load32(&self.header().workers)):
            total += load64(&self.regions[worker].counters[index])
        return total

    cdef uint64_t read_counter(self, uint64_t index) noexcept:
        cdef uint64_t base = 0
        if load32(&self.header().resets):
            base = load64(&self.baseline()[index])
        return self.sum_counter(index) - base

    @property
    def regions_in_use(self):
        return load32(&self.header().workers) if self.base != NULL else 0

    def counter(self, int64_t index):
        self.check(index, 1, MAX_COUNTERS, "counter")
        return self.read_counter(index)

    def counters(self, int64_t base, int64_t n):
        self.check(base, n, MAX_COUNTERS, "counter")
        return [self.read_counter(index) for index in range(base, base + n)]

    def worker_counter(self, int64_t worker, int64_t index):
        """One worker's part of a counter, never reset."""
        self.check(index, 1, MAX_COUNTERS, "counter")
        self.check_worker(worker)
        return load64(&self.regions[worker].counters[index])

    cdef int64_t read_gauge(self, uint64_t index) noexcept:
        cdef int64_t total = 0
        cdef uint32_t worker
        for worker in range(load32(&self.header().workers)):
            total += load64_signed(&self.regions[worker].gauges[index])
        return total

    def gauge(self, int64_t index):
        self.check(index, 1, MAX_GAUGES, "gauge")
        return self.read_gauge(index)

    def gauges(self, int64_t base, int64_t n):
        self.check(base, n, MAX_GAUGES, "gauge")
        return [self.read_gauge(index) for index in range(base, base + n)]

    def histogram(self, int64_t index):
        self.check(index, 1, MAX_HISTOGRAMS, "histogram")
        cdef uint64_t[HISTOGRAM_WORDS] words
        cdef const uint64_t *at
        cdef uint32_t worker
        cdef int word
        for word in range(HISTOGRAM_WORDS):
            words[word] = 0
        for worker in range(load32(&self.header().workers)):
            at = self.regions[worker].histograms + index * HISTOGRAM_WORDS
            for word in range(HISTOGRAM_WORDS):
                words[word] += load64(at + word)
        buckets = [words[word] for word in range(HISTOGRAM_BUCKETS)]
        return HistogramData(buckets, words[HISTOGRAM_SUM], words[HISTOGRAM_COUNT])

    def limit(self, int64_t row, int kind):
        self.check(row, 1, MAX_LIMIT_ROWS, "limit row")
        if not 0 <= kind < LIMIT_KINDS:
            raise IndexError(f"limit kind {kind} is outside 0..{LIMIT_KINDS - 1}")
        cdef Limits limits = self.limits()
        return limit_sum(&limits, row, kind)

    def status(self, int64_t worker):
        self.check_worker(worker)
        cdef WorkerStatus *status = self.regions[worker].status
        return WorkerStatusData(
            load64(&status.pid), load64(&status.started_us), load64(&status.heartbeat_us),
            load64(&status.connections), load64(&status.loop_max_us), load64(&status.snapshot),
            WORKER_STATES[min(load64(&status.state), <uint64_t>WORKER_DRAINING)],
        )

    # -- changing (master and admin)

    def claim_region(self):
        self.check_worker(0)
        cdef int worker
        for worker in range(MAX_WORKERS):
            if load64(&self.regions[worker].status.state) == WORKER_NONE:
                store64(&self.regions[worker].status.state, WORKER_STARTING)
                return worker
        raise RuntimeError(f"all {MAX_WORKERS} regions of the shared memory are in use")

    def clear_worker(self, int64_t worker):
        self.check_worker(worker)
        # A hole reads as zero at once for everybody and gives the memory back.
        if fallocate(self.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, region_at(worker), CLEARED_BYTES) < 0:
            raise OSError(errno, f"cannot clear worker {worker}'s shared memory: {strerror(errno).decode()}")

    def set_wake_fd(self, int64_t worker, int fd):
        self.check_worker(worker)
        self.regions[worker].ring.wake_fd = fd

    def clear_loop_max(self, int64_t worker):
        self.check_worker(worker)
        store64(&self.regions[worker].status.loop_max_us, 0)

    def reset_counters(self):
        self.check_worker(0)
        cdef uint64_t *baseline = self.baseline()
        cdef int64_t index
        for page in sorted(self.touched_counter_pages()):
            for index in range(page * (PAGE // 8), (page + 1) * (PAGE // 8)):
                store64(&baseline[index], self.sum_counter(index))
        raise32(&self.header().resets, load32(&self.header().resets) + 1)

    def touched_counter_pages(self):
        # Pages of the counter arrays that some worker has written to: the others are holes in the file.
        pages = set()
        for worker in range(self.regions_in_use):
            start = region_at(worker) + COUNTERS_AT
            for first, last in data_extents(self.fd, start, start + COUNTERS_BYTES):
                pages.update(range((first - start) // PAGE, (last - start + PAGE - 1) // PAGE))
        return pages


def data_extents(fd, start, end):
    # (first, last) byte offsets of the parts of a sparse file that hold data.
    at = start
    while at < end:
        try:
            first = os.lseek(fd, at, os.SEEK_DATA)
        except OSError:  # ENXIO: no data up to the end of the file
            return
        if first >= end:
            return
        at = min(os.lseek(fd, first, os.SEEK_HOLE), end)
        yield first, at
