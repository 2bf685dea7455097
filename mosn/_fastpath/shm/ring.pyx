from libc.stdint cimport int64_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy
from posix.unistd cimport write

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize

from mosn._fastpath.shm.atomics cimport exchange64, fence, load64, load64_acquire, store64, store64_release
from mosn._fastpath.shm.segment cimport RING_BYTES, Segment

cdef enum:
    MASK = RING_BYTES - 1


cdef inline uint64_t record_bytes(uint32_t n) noexcept nogil:
    return (sizeof(RecordHead) + <uint64_t>n + 7) & ~<uint64_t>7


cdef inline void copy_in(char *ring, uint64_t at, const char *p, uint64_t n) noexcept nogil:
    cdef uint64_t start = at & MASK
    cdef uint64_t first = RING_BYTES - start
    if n <= first:
        memcpy(ring + start, p, n)
    else:
        memcpy(ring + start, p, first)
        memcpy(ring, p + first, n - first)


cdef inline void copy_out(const char *ring, uint64_t at, char *p, uint64_t n) noexcept nogil:
    cdef uint64_t start = at & MASK
    cdef uint64_t first = RING_BYTES - start
    if n <= first:
        memcpy(p, ring + start, n)
    else:
        memcpy(p, ring + start, first)
        memcpy(p + first, ring, n - first)


cdef void wake_consumer(Ring *ring) noexcept nogil:
    cdef uint64_t one = 1
    if ring.wake_fd < 0 or exchange64(&ring.header.sleeping, 0) == 0:
        return
    ring.header.wakes += 1
    write(ring.wake_fd, &one, 8)


cdef int ring_put(Ring *ring, uint16_t kind, uint16_t sink, const char *p, uint32_t n) noexcept nogil:
    cdef RingHeader *header = ring.header
    cdef RecordHead *head
    cdef uint64_t tail = header.tail
    cdef uint64_t size = record_bytes(n)
    if tail + size - load64_acquire(&header.head) > RING_BYTES:
        header.dropped += 1
        return -1
    # A record starts on 8 bytes, so its head never meets the end of the buffer.
    head = <RecordHead *>(ring.bytes + (tail & MASK))
    head.length = n
    head.kind = kind
    head.sink = sink
    copy_in(ring.bytes, tail + sizeof(RecordHead), p, n)
    header.written += 1
    # The new tail is seen before `sleeping` is read, as the consumer sets `sleeping` before it reads the tail:
    # at least one of the two notices the other.
    exchange64(&header.tail, tail + size)
    if load64(&header.sleeping):
        wake_consumer(ring)
    return 0


cdef class RingReader:
    cdef readonly Segment segment
    cdef readonly int worker
    cdef readonly int wake_fd
    cdef readonly uint64_t corrupt
    cdef Ring *ring

    def __cinit__(self, Segment segment not None, int worker, int wake_fd=-1):
        segment.check_worker(worker)
        self.segment = segment
        self.worker = worker
        self.wake_fd = wake_fd
        self.ring = &segment.regions[worker].ring

    def read(self, int64_t max_bytes=RING_BYTES):
        self.segment.check_worker(self.worker)
        cdef RingHeader *header = self.ring.header
        cdef uint64_t head = header.head
        cdef uint64_t tail = load64_acquire(&header.tail)
        cdef uint64_t taken = 0
        cdef uint64_t size
        records = []
        while head != tail and taken < <uint64_t>max(max_bytes, 1):
            size = self.record_size(head, tail)
            if size == 0:
                self.corrupt += 1
                head = tail
                break
            records.append(self.record(head))
            head += size
            taken += size
        store64_release(&header.head, head)
        return records

    cdef uint64_t record_size(self, uint64_t head, uint64_t tail) noexcept:
        # 0 when what a broken writer left is no record.
        cdef uint64_t size
        if (head & 7) or tail - head > RING_BYTES:
            return 0
        size = record_bytes((<RecordHead *>(self.ring.bytes + (head & MASK))).length)
        return size if size <= tail - head else 0

    cdef tuple record(self, uint64_t at):
        cdef RecordHead *head = <RecordHead *>(self.ring.bytes + (at & MASK))
        cdef uint32_t n = head.length
        cdef bytes text = PyBytes_FromStringAndSize(NULL, n)
        copy_out(self.ring.bytes, at + sizeof(RecordHead), PyBytes_AS_STRING(text), n)
        return head.kind, head.sink, text

    def sleep(self):
        self.segment.check_worker(self.worker)
        cdef RingHeader *header = self.ring.header
        store64(&header.sleeping, 1)
        fence()
        if load64(&header.tail) == header.head:
            return True
        store64(&header.sleeping, 0)
        return False

    def wake(self):
        self.segment.check_worker(self.worker)
        store64(&self.ring.header.sleeping, 0)

    @property
    def waiting_bytes(self):
        self.segment.check_worker(self.worker)
        return load64(&self.ring.header.tail) - load64(&self.ring.header.head)

    @property
    def written(self):
        self.segment.check_worker(self.worker)
        return load64(&self.ring.header.written)

    @property
    def dropped(self):
        self.segment.check_worker(self.worker)
        return load64(&self.ring.header.dropped)

    @property
    def wakes(self):
        self.segment.check_worker(self.worker)
        return load64(&self.ring.header.wakes)
