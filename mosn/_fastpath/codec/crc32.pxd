# CRC-32 (ISO 3309; java.util.zip.CRC32).

from libc.stdint cimport uint32_t


cdef uint32_t crc32(const char *p, size_t n) noexcept nogil
