"""A route's faults, compiled (see route_fault.pxd)."""

from libc.stdint cimport uint32_t

from mosn._fastpath.proxy.match cimport compile_headers
from mosn._fastpath.proxy.route_store cimport Store


cdef Fault *compile_fault(dict spec, Store store) except NULL:
    cdef Fault *fault = <Fault *>store.take(sizeof(Fault))
    fault.delay_ms = spec["delay_ms"]
    fault.delay_share = spec["delay_share"]
    fault.delay_by_header = bool(spec["delay_by_header"])
    fault.abort_status = spec["abort_status"]
    fault.abort_share = spec["abort_share"]
    fault.abort_by_header = bool(spec["abort_by_header"])
    fault.cluster = store.text(spec["cluster"])
    fault.header_count = <uint32_t>len(spec["headers"])
    fault.headers = compile_headers(spec["headers"], store)
    return fault
