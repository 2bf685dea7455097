# A route's faults on purpose, compiled (Envoy's envoy.filters.http.fault).

from libc.stdint cimport uint8_t, uint16_t, uint32_t

from mosn._fastpath.memory cimport Slice
from mosn._fastpath.proxy.match cimport HeaderMatch
from mosn._fastpath.proxy.route_store cimport Store


cdef enum:
    FAULT_PARTS = 1000000       # shares are parts of it


cdef struct Fault:
    uint32_t delay_ms
    uint32_t delay_share        # of the requests
    uint32_t abort_share
    uint16_t abort_status
    uint8_t delay_by_header     # the request says how long, and for what share of it
    uint8_t abort_by_header
    Slice cluster               # n 0: whatever the cluster
    uint32_t header_count
    HeaderMatch *headers        # all of them have to match


cdef Fault *compile_fault(dict spec, Store store) except NULL
