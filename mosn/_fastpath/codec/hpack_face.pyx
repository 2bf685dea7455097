"""Python face of HPACK, for tests and tools (see hpack_face.pyi)."""

import time

from libc.stdint cimport int64_t, uint32_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from mosn._fastpath.codec.hpack_decode cimport (
    HPACK_BROKEN, HPACK_NO_MEMORY, HPACK_TOO_LARGE, HpackDecoder, HpackLimits, hpack_decode, hpack_decoder_allow,
    hpack_decoder_free, hpack_decoder_init,
)
from mosn._fastpath.codec.hpack_encode cimport (
    HpackEncoder, hpack_begin, hpack_encoder_allow, hpack_encoder_free, hpack_encoder_init, hpack_put,
)
from mosn._fastpath.codec.hpack_huffman cimport (
    hpack_huffman_decode, hpack_huffman_put, hpack_huffman_room, hpack_huffman_size,
)
from mosn._fastpath.codec.hpack_state cimport (
    hpack_decoder_restore, hpack_decoder_save, hpack_encoder_restore, hpack_encoder_save,
)
from mosn._fastpath.codec.hpack_table cimport (
    HpackEntry, HpackTable, hpack_table_count, hpack_table_entry, hpack_table_name,
)
from mosn._fastpath.codec.state_bytes cimport StateReader, StateWriter
from mosn._fastpath.head cimport Head, Header, head_init, header_id
from mosn._fastpath.memory cimport (
    Arena, BlockPool, Buf, arena_init, arena_release, buf_len, buf_release, pool_free_all, pool_init, slice_of,
)

cdef enum:
    MOST_TABLE = 1 << 20


class Broken(Exception):
    pass


class TooLarge(Exception):
    pass


cdef list entries_of(const HpackTable *table):
    cdef list found = []
    cdef const HpackEntry *entry
    cdef const char *name
    cdef uint32_t age
    for age in range(hpack_table_count(table)):
        entry = hpack_table_entry(table, age)
        name = hpack_table_name(table, entry)
        found.append((name[:entry.name_len], name[entry.name_len:entry.name_len + entry.value_len])
                     if entry.name_len + entry.value_len else (b"", b""))
    return found


cdef bytes taken(BlockPool *pool, Buf *made):
    cdef bytes result = made.data[made.start:made.end] if buf_len(made) else b""
    buf_release(pool, made)
    return result


cdef class Decoder:
    cdef BlockPool pool
    cdef HpackDecoder decoder
    cdef HpackLimits limits

    def __cinit__(self, uint32_t list_bytes=65536, uint32_t fields=1000):
        pool_init(&self.pool)
        hpack_decoder_init(&self.decoder)
        self.limits.list_bytes = list_bytes
        self.limits.fields = fields

    def __dealloc__(self):
        hpack_decoder_free(&self.decoder, &self.pool)
        pool_free_all(&self.pool)

    def decode(self, bytes block not None):
        cdef Arena arena
        cdef Head head
        cdef Header *item
        cdef char *copy = <char *>malloc(len(block) or 1)   # so that a sanitizer sees a byte too far
        cdef uint32_t i
        cdef int result
        if copy == NULL:
            raise MemoryError
        memcpy(copy, <const char *>block, len(block))
        arena_init(&arena, &self.pool)
        head_init(&head, &arena)
        result = hpack_decode(&self.decoder, &self.pool, copy, len(block), &self.limits, &head)
        free(copy)
        try:
            if result == HPACK_NO_MEMORY:
                raise MemoryError
            if result == HPACK_BROKEN:
                raise Broken
            if result == HPACK_TOO_LARGE:
                raise TooLarge
            found = []
            for i in range(head.count):
                item = &head.items[i]
                if item.id != header_id(item.name, item.name_len):
                    raise AssertionError(f"id {item.id} of {item.name[:item.name_len]!r}")
                found.append((item.name[:item.name_len] if item.name_len else b"",
                              item.value[:item.value_len] if item.value_len else b"", item.hash != 0))
            return found
        finally:
            arena_release(&arena)

    def allow(self, uint32_t table_size):
        hpack_decoder_allow(&self.decoder, table_size)

    def table(self):
        return entries_of(&self.decoder.table)

    def table_size(self):
        return self.decoder.table.size

    def memory(self):
        return self.pool.in_use

    def save(self):
        cdef Buf out = Buf(NULL, 0, 0, 0)
        cdef StateWriter to = StateWriter(&self.pool, &out, False)
        hpack_decoder_save(&self.decoder, &to)
        return taken(&self.pool, &out)

    def restore(self, bytes state not None):
        cdef StateReader at = StateReader(state, len(state), False)
        hpack_decoder_restore(&self.decoder, &self.pool, &at)
        if at.failed or at.n:
            raise ValueError("not a state")


cdef class Encoder:
    cdef BlockPool pool
    cdef HpackEncoder encoder

    def __cinit__(self):
        pool_init(&self.pool)
        hpack_encoder_init(&self.encoder)

    def __dealloc__(self):
        hpack_encoder_free(&self.encoder, &self.pool)
        pool_free_all(&self.pool)

    def encode(self, fields):
        cdef Buf out = Buf(NULL, 0, 0, 0)
        cdef bytes name, value
        if hpack_begin(&self.encoder, &self.pool, &out) < 0:
            raise MemoryError
        for field in fields:
            name, value = field[:2]
            if hpack_put(&self.encoder, &self.pool, &out, slice_of(name, len(name)), slice_of(value, len(value)),
                         header_id(name, len(name)), len(field) > 2 and field[2]) < 0:
                raise MemoryError
        return taken(&self.pool, &out)

    def allow(self, uint32_t table_size):
        hpack_encoder_allow(&self.encoder, &self.pool, table_size, MOST_TABLE)

    def table(self):
        return entries_of(&self.encoder.table)

    def save(self):
        cdef Buf out = Buf(NULL, 0, 0, 0)
        cdef StateWriter to = StateWriter(&self.pool, &out, False)
        hpack_encoder_save(&self.encoder, &to)
        return taken(&self.pool, &out)

    def restore(self, bytes state not None):
        cdef StateReader at = StateReader(state, len(state), False)
        hpack_encoder_restore(&self.encoder, &self.pool, &at)
        if at.failed or at.n:
            raise ValueError("not a state")

    cdef int put_all(self, Head *head, Buf *out) noexcept nogil:
        cdef uint32_t i
        cdef Header *item
        for i in range(head.count):
            item = &head.items[i]
            if hpack_put(&self.encoder, &self.pool, out, slice_of(item.name, item.name_len),
                         slice_of(item.value, item.value_len), item.id, item.hash != 0) < 0:
                return -1
        return 0


def huffman_encode(bytes data not None):
    cdef size_t n = hpack_huffman_size(data, len(data))
    cdef char *out = <char *>malloc(n or 1)
    try:
        if hpack_huffman_put(out, data, len(data)) - out != <int64_t>n:
            raise AssertionError("it is not as long as it said")
        return out[:n]
    finally:
        free(out)


def huffman_decode(bytes data not None):
    cdef char *out = <char *>malloc(hpack_huffman_room(len(data)))
    cdef int64_t n
    try:
        n = hpack_huffman_decode(data, len(data), out)
        if n < 0:
            raise Broken
        return out[:n]
    finally:
        free(out)


def time_decode(bytes block not None, uint32_t rounds):
    cdef Decoder made = Decoder()
    cdef Arena arena
    cdef Head head
    cdef const char *p = block
    cdef size_t n = len(block)
    cdef uint32_t _i
    cdef int result = 0
    made.decode(block)
    started = time.perf_counter_ns()
    with nogil:
        for _i in range(rounds):
            arena_init(&arena, &made.pool)
            head_init(&head, &arena)
            result |= hpack_decode(&made.decoder, &made.pool, p, n, &made.limits, &head)
            arena_release(&arena)
    elapsed = time.perf_counter_ns() - started
    if result:
        raise Broken
    return elapsed / rounds


def time_encode(list fields not None, uint32_t rounds):
    cdef Decoder decoder = Decoder()
    cdef Encoder made = Encoder()
    cdef Arena arena
    cdef Head head
    cdef Buf out = Buf(NULL, 0, 0, 0)
    cdef bytes block = made.encode(fields)
    cdef uint32_t _i
    arena_init(&arena, &decoder.pool)
    head_init(&head, &arena)
    hpack_decode(&decoder.decoder, &decoder.pool, block, len(block), &decoder.limits, &head)
    started = time.perf_counter_ns()
    with nogil:
        for _i in range(rounds):
            out.end = 0
            if made.put_all(&head, &out) < 0:
                break
    elapsed = time.perf_counter_ns() - started
    buf_release(&made.pool, &out)
    arena_release(&arena)
    return elapsed / rounds


def time_huffman(bytes data not None, uint32_t rounds):
    cdef bytes coded = huffman_encode(data)
    cdef char *out = <char *>malloc(hpack_huffman_room(len(coded)))
    cdef const char *p = coded
    cdef size_t size = len(coded)
    cdef int64_t n = 0
    cdef uint32_t _i
    started = time.perf_counter_ns()
    with nogil:
        for _i in range(rounds):
            n += hpack_huffman_decode(p, size, out)
    elapsed = time.perf_counter_ns() - started
    free(out)
    if n != <int64_t>rounds * len(data):
        raise Broken
    return elapsed / rounds
