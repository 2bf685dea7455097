"""CRC-32 (ISO 3309, polynomial 0xEDB88320 reflected), eight bytes at a time through eight tables."""

from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memcpy

cdef uint32_t POLYNOMIAL = <uint32_t>0xEDB88320
cdef uint32_t[8][256] tables


cdef void fill_tables() noexcept nogil:
    cdef uint32_t value
    cdef int i, k
    for i in range(256):
        value = <uint32_t>i
        for _ in range(8):
            value = (value >> 1) ^ (POLYNOMIAL & (0 - (value & 1)))
        tables[0][i] = value
    for i in range(256):
        for k in range(1, 8):
            tables[k][i] = (tables[k - 1][i] >> 8) ^ tables[0][tables[k - 1][i] & 0xFF]


fill_tables()


cdef uint32_t crc32(const char *p, size_t n) noexcept nogil:
    cdef uint32_t crc = ~<uint32_t>0
    cdef uint32_t low, high
    while n >= 8:
        # Little endian, as every machine this runs on.
        memcpy(&low, p, 4)
        memcpy(&high, p + 4, 4)
        low ^= crc
        crc = (tables[7][low & 0xFF] ^ tables[6][(low >> 8) & 0xFF] ^ tables[5][(low >> 16) & 0xFF]
               ^ tables[4][low >> 24] ^ tables[3][high & 0xFF] ^ tables[2][(high >> 8) & 0xFF]
               ^ tables[1][(high >> 16) & 0xFF] ^ tables[0][high >> 24])
        p += 8
        n -= 8
    while n:
        crc = (crc >> 8) ^ tables[0][(crc ^ <uint8_t>p[0]) & 0xFF]
        p += 1
        n -= 1
    return ~crc
