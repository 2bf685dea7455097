# RE2 (linear time) for compiled code.  Thread-safe once made; made and freed on the worker's main thread.

from mosn._fastpath.memory cimport Arena, Slice
from mosn._fastpath.proxy.types cimport Regex


cdef bint regex_full_match(const Regex *regex, Slice text) noexcept nogil
cdef bint regex_partial_match(const Regex *regex, Slice text) noexcept nogil
# Replace every match (RE2 GlobalReplace).  The result is in the arena; p NULL when out of memory.
cdef Slice regex_replace(const Regex *regex, Slice text, Slice substitution, Arena *arena) noexcept nogil


cdef class RegexObject:
    # Owner.  RegexObject(pattern: str) raises ValueError with RE2's words for a bad pattern.
    cdef Regex regex
    cdef readonly str pattern
